"""Roles in memory."""

from collections.abc import Sequence

from typing_extensions import override

from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_adapters.memory.users import living_user
from revenge_core.ids import UserId
from revenge_core.rbac.entities import ADMIN, PermissionIndex, Role, RoleGrant
from revenge_core.rbac.errors import RoleNotFound
from revenge_core.rbac.policy import compile_index
from revenge_core.rbac.ports import RoleReader, RoleStore


def role_names(rows: Rows, user_id: UserId) -> frozenset[str]:
    """Roles granted directly to the user."""
    return frozenset(role for holder, role in rows.grants if holder == user_id)


class MemoryRoles(RoleStore):
    """Roles and grants inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def grant(self, grant: RoleGrant) -> None:
        if grant.role not in self._rows.roles:
            raise RoleNotFound
        self._rows.grants.setdefault((grant.user_id, grant.role), grant)

    @override
    async def roles_of(self, user_id: UserId) -> frozenset[str]:
        return role_names(self._rows, user_id)

    @override
    async def replace_all(self, user_id: UserId, grants: Sequence[RoleGrant]) -> None:
        wanted = {grant.role for grant in grants}
        if not wanted <= self._rows.roles.keys():
            raise RoleNotFound
        for role in role_names(self._rows, user_id) - wanted:
            del self._rows.grants[user_id, role]
        for grant in grants:
            await self.grant(grant)

    @override
    async def lock_admins(self) -> frozenset[UserId]:
        admins = (living_user(self._rows, holder) for holder, role in self._rows.grants if role == ADMIN)
        return frozenset(admin.id for admin in admins if admin is not None and admin.is_active)

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
