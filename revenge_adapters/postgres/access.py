"""What PostgreSQL has of access, for the reference of what it means."""

from uuid import UUID

from revenge_adapters.access_casbin import AccessRows
from revenge_adapters.postgres import rbac
from revenge_adapters.postgres.batch import uuid_array
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.entity import Entity


class Sample(Entity, kw_only=True):
    """Somebody, and the roles that they hold, directly or through groups."""

    user_id: UUID
    roles: frozenset[str]


class _UserRole(Entity, kw_only=True):
    holder: UUID
    held: str


class _UserGroup(Entity, kw_only=True):
    holder: UUID
    held: UUID


class Sql(SqlFile, file="access.sql"):
    """The statements that read all that decides who may do what."""

    samples: Query[Sample]
    grants: Query[_UserRole]
    members: Query[_UserGroup]
    carried: Query[_UserRole]


async def read_access(database: Database, *, limit: int) -> tuple[AccessRows, tuple[Sample, ...]]:
    """All roles and what groups carry, and of up to `limit` users who hold different roles how they come to them."""
    samples = await database.all(Sql.samples, limit=limit)
    ids = uuid_array(one.user_id for one in samples)
    grants = await database.all(Sql.grants, ids=ids)
    members = await database.all(Sql.members, ids=ids)
    carried = await database.all(Sql.carried)
    rows = AccessRows(
        roles=await database.all(rbac.Sql.all_roles),
        grants=tuple((one.holder, one.held) for one in grants),
        members=tuple((one.holder, one.held) for one in members),
        carried=tuple((one.holder, one.held) for one in carried),
    )
    return rows, samples
