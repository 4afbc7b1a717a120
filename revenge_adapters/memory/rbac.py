"""Roles in memory."""

from collections.abc import Sequence

from typing_extensions import override

from revenge_adapters.memory.held_roles import role_names
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_adapters.memory.users import living_user
from revenge_core.ids import UserId
from revenge_core.rbac.entities import ADMIN, PermissionIndex, Role, RoleGrant
from revenge_core.rbac.errors import RoleNotFound
from revenge_core.rbac.policy import compile_index
from revenge_core.rbac.ports import RoleReader, RoleStore


class MemoryRoles(RoleStore):
    """Roles and grants inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def grant(self, grant: RoleGrant) -> None:
        if grant.role not in self._rows.roles:
            raise RoleNotFound
        self._rows.grants.setdefault((grant.user_id, grant.role, grant.source), grant)

    @override
    async def roles_of(self, user_id: UserId) -> frozenset[str]:
        return role_names(self._rows, user_id)

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
        return tuple(sorted(self._tables.rows.roles.values(), key=lambda role: role.name))

    @override
    async def index(self) -> PermissionIndex:
        roles = await self.all_roles()
        if roles != self._compiled[0]:
            self._compiled = (roles, compile_index(roles))
        return self._compiled[1]
