"""Roles and grants in PostgreSQL."""

from collections.abc import Collection, Sequence

from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.batch import Batch
from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.ids import UserId
from revenge_core.rbac.entities import ADMIN, PermissionIndex, Role, RoleGrant
from revenge_core.rbac.errors import RoleNotFound
from revenge_core.rbac.policy import compile_index
from revenge_core.rbac.ports import RoleReader, RoleStore


class Sql(SqlFile, file="rbac.sql"):
    """The statements of roles."""

    grant: Query[bool]
    roles_of: Query[str]
    granted_to: Query[str]
    known_roles: Query[str]
    withdraw_others: Query[None]
    lock_admin_role: Query[str]
    enabled_admins: Query[UserId]
    has_enabled_admin: Query[bool]
    all_roles: Query[Role]


class PostgresRoles(RoleStore):
    """Roles and grants inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def grant(self, grant: RoleGrant) -> None:
        if not await self._transaction.one(Sql.grant, **asdict(grant)):
            raise RoleNotFound

    @override
    async def roles_of(self, user_id: UserId) -> frozenset[str]:
        return frozenset(await self._transaction.all(Sql.roles_of, user_id=user_id))

    @override
    async def replace_all(self, user_id: UserId, grants: Sequence[RoleGrant]) -> None:
        roles = sorted({grant.role for grant in grants})
        if len(await self._transaction.all(Sql.known_roles, roles=roles)) < len(roles):
            raise RoleNotFound
        await self._transaction.run(Sql.withdraw_others, user_id=user_id, roles=roles)
        granted = await self._transaction.all(Sql.granted_to, user_id=user_id)
        for grant in grants:
            if grant.role not in granted:
                await self.grant(grant)

    @override
    async def lock_admins(self) -> frozenset[UserId]:
        await self._transaction.one(Sql.lock_admin_role, admin=ADMIN)
        return frozenset(await self._transaction.all(Sql.enabled_admins, admin=ADMIN))

    @override
    async def has_enabled_admin(self) -> bool:
        return bool(await self._transaction.one(Sql.has_enabled_admin, admin=ADMIN))


class PostgresRoleReader(RoleReader):
    """Roles outside a transaction, always asked for; the index once for all who ask at the same moment."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batch = Batch[None, PermissionIndex](self._indexes, lambda _: None)

    @override
    async def all_roles(self) -> tuple[Role, ...]:
        return await self._database.all(Sql.all_roles)

    @override
    async def index(self) -> PermissionIndex:
        return await self._batch.one(None) or compile_index(())

    async def _indexes(self, _: Collection[None]) -> tuple[PermissionIndex]:
        return (compile_index(await self.all_roles()),)
