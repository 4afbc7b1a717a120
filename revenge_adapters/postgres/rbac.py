"""Roles and grants in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.batch import Batch, uuid_array
from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.entity import Entity
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


class _Name(Entity, kw_only=True):
    """Who somebody is."""

    user_id: UserId
    username: str


class Sql(SqlFile, file="rbac.sql"):
    """The statements of roles."""

    add: Query[str]
    update: Query[None]
    put_parents: Query[None]
    put_permissions: Query[None]
    lock: Query[str]
    use_of: Query[RoleUse]
    delete: Query[None]
    grant: Query[bool]
    withdraw: Query[GrantSource]
    keep_of_source: Query[str]
    roles_of: Query[str]
    granted_to: Query[str]
    known_roles: Query[str]
    withdraw_others: Query[None]
    lock_admin_role: Query[str]
    enabled_admins: Query[UserId]
    has_enabled_admin: Query[bool]
    all_roles: Query[Role]
    counted: Query[CountedRole]
    policies: Query[Policy]
    holders: Query[_Name]
    holder: Query[_Name]
    count_holders: Query[int]
    holdings: Query[Holding]


class PostgresRoles(RoleStore):
    """Roles and grants inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def lock_all(self) -> tuple[Role, ...]:
        await self._transaction.one(Sql.lock_admin_role, admin=ADMIN)
        return await self.all()

    @override
    async def all(self) -> tuple[Role, ...]:
        return await self._transaction.all(Sql.all_roles)

    @override
    async def add(self, role: Role, source: GrantSource) -> None:
        own = {"name": role.name, "description": role.description, "built_in": role.built_in, "version": role.version}
        if await self._transaction.one(Sql.add, **own) is None:
            raise RoleExists
        await self._put_parts(role, source)

    @override
    async def update(self, role: Role, source: GrantSource) -> None:
        own = {"name": role.name, "description": role.description, "version": role.version}
        self._transaction.later(Sql.update, **own)
        await self._put_parts(role, source)

    async def _put_parts(self, role: Role, source: GrantSource) -> None:
        self._transaction.later(Sql.put_parents, name=role.name, parents=sorted(role.parents))
        permissions = sorted(role.permissions)
        await self._transaction.run(Sql.put_permissions, name=role.name, permissions=permissions, source=source)

    @override
    async def lock(self, name: str) -> None:
        await self._transaction.one(Sql.lock, name=name)

    @override
    async def use_of(self, name: str, at: datetime) -> RoleUse:
        (use,) = await self._transaction.all(Sql.use_of, name=name, at=at)
        return use

    @override
    async def delete(self, name: str) -> None:
        await self._transaction.run(Sql.delete, name=name)

    @override
    async def grant(self, grant: RoleGrant) -> bool:
        is_new = await self._transaction.one(Sql.grant, **asdict(grant))
        if is_new is None:
            raise RoleNotFound
        return is_new

    @override
    async def withdraw(self, user_id: UserId, role: str, source: GrantSource | None = None) -> frozenset[GrantSource]:
        return frozenset(await self._transaction.all(Sql.withdraw, user_id=user_id, role=role, source=source))

    @override
    async def sync(
        self, user_id: UserId, source: GrantSource, roles: Collection[str], at: datetime
    ) -> tuple[frozenset[str], frozenset[str]]:
        wanted = sorted(set(roles))
        await self._refuse_unknown(wanted)
        taken = await self._transaction.all(Sql.keep_of_source, user_id=user_id, source=source, roles=wanted)
        grants = [RoleGrant(user_id=user_id, role=role, source=source, granted_at=at) for role in wanted]
        given = [grant.role for grant in grants if await self.grant(grant)]
        return frozenset(given), frozenset(taken)

    async def _refuse_unknown(self, roles: Sequence[str]) -> None:
        if len(await self._transaction.all(Sql.known_roles, roles=roles)) < len(roles):
            raise RoleNotFound

    @override
    async def roles_of(self, user_id: UserId) -> frozenset[str]:
        return frozenset(await self._transaction.all(Sql.roles_of, user_id=user_id))

    @override
    async def granted_to(self, user_id: UserId) -> frozenset[str]:
        return frozenset(await self._transaction.all(Sql.granted_to, user_id=user_id))

    @override
    async def replace_all(self, user_id: UserId, grants: Sequence[RoleGrant]) -> None:
        roles = sorted({grant.role for grant in grants})
        await self._refuse_unknown(roles)
        await self._transaction.run(Sql.withdraw_others, user_id=user_id, roles=roles)
        granted = await self.granted_to(user_id)
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


class PostgresRoleDirectory(RoleDirectory):
    """Roles, policies and who holds what, always asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def roles(self) -> tuple[CountedRole, ...]:
        return await self._database.all(Sql.counted, name=None)

    @override
    async def role(self, name: str) -> CountedRole | None:
        return await self._database.one(Sql.counted, name=name)

    @override
    async def policies(self) -> tuple[Policy, ...]:
        return await self._database.all(Sql.policies)

    @override
    async def holders(self, role: str, *, limit: int, offset: int) -> HolderPage:
        names = await self._database.all(Sql.holders, role=role, limit=limit, offset=offset)
        total = await self._database.one(Sql.count_holders, role=role) or 0
        return HolderPage(holders=await self._with_holdings(names, role), total=total)

    @override
    async def holder(self, user_id: UserId) -> Holder | None:
        names = await self._database.all(Sql.holder, id=user_id)
        return next(iter(await self._with_holdings(names, None)), None)

    async def _with_holdings(self, names: Sequence[_Name], role: str | None) -> tuple[Holder, ...]:
        of_user: defaultdict[UserId, list[Holding]] = defaultdict(list)
        ids = uuid_array(name.user_id for name in names)
        for holding in await self._database.all(Sql.holdings, ids=ids, role=role):
            of_user[holding.user_id].append(holding)
        return tuple(
            Holder(user_id=name.user_id, username=name.username, holdings=tuple(of_user[name.user_id]))
            for name in names
        )
