"""API keys in PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.batch import Batch, uuid_array
from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.apikeys.entities import ApiKey, ExpiringKey, KeyPrincipal, KeyRight, KeySighting, RecordedRight
from revenge_core.apikeys.ports import KeyPrincipalReader, KeyReader, KeyStore
from revenge_core.entity import Entity
from revenge_core.ids import GroupId, KeyId, UserId


class Presented(Entity, kw_only=True):
    """A `KeyPrincipal`, and which of the digests that were asked for it is behind."""

    digest: bytes
    key: ApiKey
    user_active: bool
    roles: frozenset[str]
    groups: frozenset[GroupId]
    good_until: datetime | None


class Sql(SqlFile, file="api_keys.sql"):
    """The statements of API keys."""

    add: Query[None]
    lock: Query[ApiKey]
    by_id: Query[ApiKey]
    of_user: Query[ApiKey]
    update: Query[None]
    rotate: Query[None]
    mark_seen: Query[None]
    add_uses: Query[None]
    forget_uses: Query[None]
    uses_of: Query[KeyRight]
    expiring: Query[ExpiringKey]
    mark_reminded: Query[None]
    forget_over: Query[None]
    principals: Query[Presented]


class PostgresApiKeys(KeyStore):
    """Keys inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def add(self, key: ApiKey, digest: bytes) -> None:
        await self._transaction.run(Sql.add, **_columns(key), digest=digest)

    @override
    async def lock(self, key_id: KeyId) -> ApiKey | None:
        return await self._transaction.one(Sql.lock, id=key_id)

    @override
    async def live_of(self, user_id: UserId, now: datetime) -> tuple[ApiKey, ...]:
        return await self._transaction.all(Sql.of_user, user_id=user_id, live_at=now)

    @override
    async def update(self, key: ApiKey) -> None:
        await self._transaction.run(Sql.update, **_columns(key))

    @override
    async def rotate(self, key: ApiKey, digest: bytes) -> None:
        await self._transaction.run(
            Sql.rotate,
            id=key.id,
            digest=digest,
            prefix=key.prefix,
            previous_until=key.previous_until,
            version=key.version,
            updated_at=key.updated_at,
        )

    @override
    async def mark_seen(self, sightings: Sequence[KeySighting]) -> None:
        await self._transaction.run(
            Sql.mark_seen,
            key_ids=[sighting.key_id for sighting in sightings],
            times=[sighting.at for sighting in sightings],
            addresses=[sighting.address for sighting in sightings],
        )

    @override
    async def add_uses(self, uses: Sequence[RecordedRight]) -> None:
        await self._transaction.run(
            Sql.add_uses,
            key_ids=[one.key_id for one in uses],
            rights=[one.use.right for one in uses],
            first=[one.use.first_used_at for one in uses],
            last=[one.use.last_used_at for one in uses],
            uses=[one.use.uses for one in uses],
        )

    @override
    async def forget_uses(self, key_id: KeyId) -> None:
        await self._transaction.run(Sql.forget_uses, key_id=key_id)

    @override
    async def expiring(self, *, now: datetime, ahead: timedelta, limit: int) -> tuple[ExpiringKey, ...]:
        return await self._transaction.all(Sql.expiring, now=now, by=now + ahead, ahead=ahead, limit=limit)

    @override
    async def mark_reminded(self, key_ids: Collection[KeyId], at: datetime) -> None:
        await self._transaction.run(Sql.mark_reminded, ids=uuid_array(key_ids), at=at)

    @override
    async def forget_over(self, *, before: datetime, limit: int) -> int:
        return await self._transaction.run(Sql.forget_over, before=before, limit=limit)


class PostgresKeyReader(KeyReader):
    """Keys outside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def by_id(self, key_id: KeyId) -> ApiKey | None:
        return await self._database.one(Sql.by_id, id=key_id)

    @override
    async def of_user(self, user_id: UserId, *, live_at: datetime | None) -> tuple[ApiKey, ...]:
        return await self._database.all(Sql.of_user, user_id=user_id, live_at=live_at)

    @override
    async def uses_of(self, key_id: KeyId) -> tuple[KeyRight, ...]:
        return await self._database.all(Sql.uses_of, key_id=key_id)


class PostgresKeyPrincipalReader(KeyPrincipalReader):
    """Whose keys were presented, always asked for, in one statement for all that are asked for at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batch = Batch[bytes, Presented](self._presented, lambda presented: presented.digest)

    @override
    async def principal(self, digest: bytes) -> KeyPrincipal | None:
        found = await self._batch.one(digest)
        if found is None:
            return None
        return KeyPrincipal(
            key=found.key,
            user_active=found.user_active,
            roles=found.roles,
            groups=found.groups,
            good_until=found.good_until,
        )

    async def _presented(self, digests: Collection[bytes]) -> tuple[Presented, ...]:
        return await self._database.all(Sql.principals, digests=list(digests))


def _columns(key: ApiKey) -> dict[str, object]:
    """What psycopg makes arrays of are lists."""
    return {
        **asdict(key),
        "scopes": sorted(key.scopes),
        "permissions": sorted(key.permissions),
        "libraries": None if key.libraries is None else sorted(key.libraries),
        "addresses": None if key.addresses is None else list(key.addresses),
    }
