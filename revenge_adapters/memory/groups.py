"""Groups in memory."""

from operator import attrgetter

from typing_extensions import override

from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_adapters.memory.users import living_user
from revenge_core.ids import GroupId, UserId
from revenge_core.rbac.entities import Belonging, GrantSource, Group, GroupPage, Member, MemberPage, Membership
from revenge_core.rbac.errors import GroupNameTaken, RoleNotFound
from revenge_core.rbac.ports import GroupReader, GroupStore


class MemoryGroups(GroupStore):
    """Groups inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def add(self, group: Group) -> None:
        self._keep(group)

    @override
    async def lock(self, group_id: GroupId) -> Group | None:
        return self._rows.groups.get(group_id)

    @override
    async def update(self, group: Group) -> None:
        self._keep(group)

    @override
    async def delete(self, group_id: GroupId) -> None:
        self._rows.groups.pop(group_id, None)
        for key in [key for key in self._rows.members if key[0] == group_id]:
            del self._rows.members[key]

    @override
    async def add_member(self, membership: Membership) -> bool:
        key = (membership.group_id, membership.user_id, membership.source)
        return self._rows.members.setdefault(key, membership) is membership

    @override
    async def remove_member(self, group_id: GroupId, user_id: UserId, source: GrantSource | None = None) -> bool:
        taken = [
            key for key in self._rows.members if key[:2] == (group_id, user_id) and (source is None or key[2] is source)
        ]
        for key in taken:
            del self._rows.members[key]
        return bool(taken)

    @override
    async def carrying(self, role: str) -> tuple[GroupId, ...]:
        return tuple(sorted(group.id for group in self._rows.groups.values() if role in group.roles))

    def _keep(self, group: Group) -> None:
        if any(one.name_key == group.name_key and one.id != group.id for one in self._rows.groups.values()):
            raise GroupNameTaken
        if not group.roles <= self._rows.roles.keys():
            raise RoleNotFound
        self._rows.groups[group.id] = group


class MemoryGroupReader(GroupReader):
    """Groups outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def by_id(self, group_id: GroupId) -> Group | None:
        return self._tables.rows.groups.get(group_id)

    @override
    async def find(self, *, limit: int, offset: int) -> GroupPage:
        groups = sorted(self._tables.rows.groups.values(), key=attrgetter("name_key"))
        return GroupPage(groups=tuple(groups[offset : offset + limit]), total=len(groups))

    @override
    async def members(self, group_id: GroupId, *, limit: int, offset: int) -> MemberPage:
        rows = self._tables.rows
        ids = {member for group, member, _ in rows.members if group == group_id}
        users = sorted(
            (user for user in (living_user(rows, user_id) for user_id in ids) if user is not None),
            key=attrgetter("username_key"),
        )
        members = tuple(
            Member(
                user_id=user.id,
                username=user.username,
                memberships=tuple(rows.members[key] for key in sorted(rows.members) if key[:2] == (group_id, user.id)),
            )
            for user in users[offset : offset + limit]
        )
        return MemberPage(members=members, total=len(users))

    @override
    async def of_user(self, user_id: UserId) -> tuple[Belonging, ...]:
        return belongings(self._tables.rows, user_id)


def belongings(rows: Rows, user_id: UserId) -> tuple[Belonging, ...]:
    """Groups that the user is in, by name and source."""
    found = [(rows.groups[one.group_id], one) for one in rows.members.values() if one.user_id == user_id]
    return tuple(
        Belonging(group_id=group.id, group_name=group.name, source=one.source, since=one.added_at)
        for group, one in sorted(found, key=lambda pair: (pair[0].name_key, pair[1].source))
    )
