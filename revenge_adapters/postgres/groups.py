"""Groups in PostgreSQL."""

from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.batch import uuid_array
from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.entity import Entity
from revenge_core.ids import GroupId, UserId
from revenge_core.rbac.entities import Belonging, GrantSource, Group, GroupPage, Member, MemberPage, Membership
from revenge_core.rbac.errors import GroupNameTaken, RoleNotFound
from revenge_core.rbac.ports import GroupReader, GroupStore


class _Named(Entity, kw_only=True):
    """A member, before it is asked how they came in."""

    user_id: UserId
    username: str


class Sql(SqlFile, file="groups.sql"):
    """The statements of groups."""

    add: Query[GroupId]
    lock: Query[GroupId]
    by_id: Query[Group]
    update: Query[None]
    delete: Query[None]
    drop_roles: Query[None]
    known_roles: Query[str]
    carry: Query[None]
    add_member: Query[None]
    remove_member: Query[None]
    carrying: Query[GroupId]
    find: Query[Group]
    count: Query[int]
    members: Query[_Named]
    count_members: Query[int]
    memberships: Query[Membership]
    of_user: Query[Belonging]


class PostgresGroups(GroupStore):
    """Groups inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def add(self, group: Group) -> None:
        if await self._transaction.one(Sql.add, **_columns(group)) is None:
            raise GroupNameTaken
        await self._carry(group)

    @override
    async def lock(self, group_id: GroupId) -> Group | None:
        if await self._transaction.one(Sql.lock, id=group_id) is None:
            return None
        return await self._transaction.one(Sql.by_id, id=group_id)

    @override
    async def update(self, group: Group) -> None:
        await self._transaction.run(Sql.update, **_columns(group))
        await self._transaction.run(Sql.drop_roles, id=group.id, roles=sorted(group.roles))
        await self._carry(group)

    @override
    async def delete(self, group_id: GroupId) -> None:
        await self._transaction.run(Sql.delete, id=group_id)

    @override
    async def add_member(self, membership: Membership) -> bool:
        return await self._transaction.run(Sql.add_member, **asdict(membership)) == 1

    @override
    async def remove_member(self, group_id: GroupId, user_id: UserId, source: GrantSource | None = None) -> bool:
        wanted = {"group_id": group_id, "user_id": user_id, "source": source}
        return await self._transaction.run(Sql.remove_member, **wanted) > 0

    @override
    async def carrying(self, role: str) -> tuple[GroupId, ...]:
        return await self._transaction.all(Sql.carrying, role=role)

    async def _carry(self, group: Group) -> None:
        roles = sorted(group.roles)
        if len(await self._transaction.all(Sql.known_roles, roles=roles)) < len(roles):
            raise RoleNotFound
        await self._transaction.run(Sql.carry, id=group.id, roles=roles)


def _columns(group: Group) -> dict[str, object]:
    return {name: value for name, value in asdict(group).items() if name != "roles"}


class PostgresGroupReader(GroupReader):
    """Groups outside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def by_id(self, group_id: GroupId) -> Group | None:
        return await self._database.one(Sql.by_id, id=group_id)

    @override
    async def find(self, *, limit: int, offset: int) -> GroupPage:
        groups = await self._database.all(Sql.find, limit=limit, offset=offset)
        return GroupPage(groups=groups, total=await self._database.one(Sql.count) or 0)

    @override
    async def members(self, group_id: GroupId, *, limit: int, offset: int) -> MemberPage:
        people = await self._database.all(Sql.members, group_id=group_id, limit=limit, offset=offset)
        ids = uuid_array([one.user_id for one in people])
        how: dict[UserId, list[Membership]] = {one.user_id: [] for one in people}
        for membership in await self._database.all(Sql.memberships, group_id=group_id, ids=ids):
            how[membership.user_id].append(membership)
        # Whoever left between the two statements is in no page.
        members = tuple(
            Member(user_id=one.user_id, username=one.username, memberships=tuple(how[one.user_id]))
            for one in people
            if how[one.user_id]
        )
        return MemberPage(members=members, total=await self._database.one(Sql.count_members, group_id=group_id) or 0)

    @override
    async def of_user(self, user_id: UserId) -> tuple[Belonging, ...]:
        return await self._database.all(Sql.of_user, user_id=user_id)
