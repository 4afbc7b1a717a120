"""Roles in memory."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from typing_extensions import override

from revenge_adapters.memory.held_roles import role_names
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_adapters.memory.users import living_user
from revenge_core.ids import UserId
from revenge_core.rbac.entities import (
    ADMIN,
    CountedRole,
    GrantSource,
    Holder,
    HolderPage,
    Holding,
    PermissionIndex,
    Policy,
    Role,
    RoleGrant,
    RoleUse,
)
from revenge_core.rbac.errors import RoleExists, RoleNotFound
from revenge_core.rbac.policy import compile_index
from revenge_core.rbac.ports import RoleDirectory, RoleReader, RoleStore
from revenge_core.users.entities import User


class MemoryRoles(RoleStore):
    """Roles and grants inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def lock_all(self) -> tuple[Role, ...]:
        return await self.all()

    @override
    async def all(self) -> tuple[Role, ...]:
        return _by_name(self._rows)

    @override
    async def add(self, role: Role, source: GrantSource) -> None:
        if role.name.lower() in {name.lower() for name in self._rows.roles}:
            raise RoleExists
        self._put(role, source)

    @override
    async def update(self, role: Role, source: GrantSource) -> None:
        self._put(role, source)

    def _put(self, role: Role, source: GrantSource) -> None:
        before = self._rows.roles.get(role.name)
        kept = before.permissions if before else frozenset[str]()
        for permission in kept - role.permissions:
            self._rows.policy_sources.pop((role.name, permission), None)
        self._rows.policy_sources.update(dict.fromkeys(((role.name, new) for new in role.permissions - kept), source))
        self._rows.roles[role.name] = role

    @override
    async def lock(self, name: str) -> None:
        """There is one transaction at a time."""

    @override
    async def use_of(self, name: str, at: datetime) -> RoleUse:
        invitations = [one for one in self._rows.invitations.values() if one.role == name]
        return RoleUse(
            holders=len(holders_of(self._rows, name)),
            accounts=len({user_id for user_id, role, _ in self._rows.grants if role == name}),
            groups=sum(name in group.roles for group in self._rows.groups.values()),
            children=sum(name in role.parents for role in self._rows.roles.values()),
            invitations=sum(
                one.used < one.uses and one.revoked_at is None and one.expires_at > at for one in invitations
            ),
        )

    @override
    async def delete(self, name: str) -> None:
        role = self._rows.roles.pop(name)
        for permission in role.permissions:
            self._rows.policy_sources.pop((name, permission), None)
        for one in [one for one in self._rows.invitations.values() if one.role == name]:
            del self._rows.invitations[one.id]

    @override
    async def grant(self, grant: RoleGrant) -> bool:
        if grant.role not in self._rows.roles:
            raise RoleNotFound
        return self._rows.grants.setdefault((grant.user_id, grant.role, grant.source), grant) is grant

    @override
    async def withdraw(self, user_id: UserId, role: str, source: GrantSource | None = None) -> frozenset[GrantSource]:
        taken = {key for key in self._rows.grants if key[:2] == (user_id, role) and source in {None, key[2]}}
        for key in taken:
            del self._rows.grants[key]
        return frozenset(key[2] for key in taken)

    @override
    async def sync(
        self, user_id: UserId, source: GrantSource, roles: Collection[str], at: datetime
    ) -> tuple[frozenset[str], frozenset[str]]:
        wanted = frozenset(roles)
        if not wanted <= self._rows.roles.keys():
            raise RoleNotFound
        had = {role for holder, role, its in self._rows.grants if (holder, its) == (user_id, source)}
        for role in had - wanted:
            del self._rows.grants[user_id, role, source]
        for role in wanted - had:
            await self.grant(RoleGrant(user_id=user_id, role=role, source=source, granted_at=at))
        return wanted - had, frozenset(had - wanted)

    @override
    async def roles_of(self, user_id: UserId) -> frozenset[str]:
        return role_names(self._rows, user_id)

    @override
    async def granted_to(self, user_id: UserId) -> frozenset[str]:
        return frozenset(role for holder, role, _ in self._rows.grants if holder == user_id)

    @override
    async def replace_all(self, user_id: UserId, grants: Sequence[RoleGrant]) -> None:
        wanted = {grant.role for grant in grants}
        if not wanted <= self._rows.roles.keys():
            raise RoleNotFound
        held = {key for key in self._rows.grants if key[0] == user_id}
        for key in held:
            if key[1] not in wanted:
                del self._rows.grants[key]
        for grant in grants:
            if not any(role == grant.role for _, role, _ in held):
                await self.grant(grant)

    @override
    async def lock_admins(self) -> frozenset[UserId]:
        living = (living_user(self._rows, user_id) for user_id in self._rows.users)
        return frozenset(
            user.id
            for user in living
            if user is not None and user.is_active and ADMIN in role_names(self._rows, user.id)
        )

    @override
    async def has_enabled_admin(self) -> bool:
        return bool(await self.lock_admins())


class MemoryRoleReader(RoleReader):
    """Roles outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables
        self._compiled: tuple[tuple[Role, ...], PermissionIndex] = ((), compile_index(()))

    @override
    async def all_roles(self) -> tuple[Role, ...]:
        return _by_name(self._tables.rows)

    @override
    async def index(self) -> PermissionIndex:
        roles = await self.all_roles()
        if roles != self._compiled[0]:
            self._compiled = (roles, compile_index(roles))
        return self._compiled[1]


class MemoryRoleDirectory(RoleDirectory):
    """Roles, policies and who holds what."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def roles(self) -> tuple[CountedRole, ...]:
        rows = self._tables.rows
        return tuple(CountedRole(role=role, user_count=len(holders_of(rows, role.name))) for role in _by_name(rows))

    @override
    async def role(self, name: str) -> CountedRole | None:
        return next((counted for counted in await self.roles() if counted.role.name == name), None)

    @override
    async def policies(self) -> tuple[Policy, ...]:
        rows = self._tables.rows
        return tuple(
            Policy(role=role.name, permission=permission, source=source_of(rows, role.name, permission))
            for role in _by_name(rows)
            for permission in sorted(role.permissions)
        )

    @override
    async def holders(self, role: str, *, limit: int, offset: int) -> HolderPage:
        rows = self._tables.rows
        users = sorted(holders_of(rows, role), key=lambda user: (user.username_key, user.id))
        page = tuple(_holder(rows, user, role) for user in users[offset : offset + limit])
        return HolderPage(holders=page, total=len(users))

    @override
    async def holder(self, user_id: UserId) -> Holder | None:
        user = self._tables.rows.users.get(user_id)
        return None if user is None else _holder(self._tables.rows, user, None)


def holders_of(rows: Rows, role: str) -> list[User]:
    """Living users who hold the role."""
    living = (living_user(rows, user_id) for user_id in rows.users)
    return [user for user in living if user is not None and role in role_names(rows, user.id)]


def source_of(rows: Rows, role: str, permission: str) -> GrantSource:
    """Where a policy came from."""
    return rows.policy_sources.get((role, permission), GrantSource.BUILT_IN)


def _by_name(rows: Rows) -> tuple[Role, ...]:
    return tuple(sorted(rows.roles.values(), key=lambda role: role.name))


def _holder(rows: Rows, user: User, role: str | None) -> Holder:
    ways = [way for way in _holdings(rows, user.id) if role in {None, way.role}]
    ways.sort(key=lambda way: (way.role, way.group_id is not None, str(way.group_id), way.source))
    return Holder(user_id=user.id, username=user.username, holdings=tuple(ways))


def _holdings(rows: Rows, user_id: UserId) -> Iterator[Holding]:
    for grant in rows.grants.values():
        if grant.user_id == user_id:
            yield Holding(
                user_id=user_id,
                role=grant.role,
                source=grant.source,
                since=grant.granted_at,
                given_by=grant.granted_by,
                group_id=None,
                group_name=None,
            )
    for membership in rows.members.values():
        if membership.user_id == user_id:
            group = rows.groups[membership.group_id]
            for role in group.roles:
                yield Holding(
                    user_id=user_id,
                    role=role,
                    source=membership.source,
                    since=membership.added_at,
                    given_by=membership.added_by,
                    group_id=group.id,
                    group_name=group.name,
                )
