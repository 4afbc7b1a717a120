"""Seals of the audit log in PostgreSQL. What writes them are functions of the owner (rulings R27)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import psycopg
from typing_extensions import override

from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.activity.entities import (
    Backlog,
    Checkpoint,
    Look,
    Recorded,
    Retention,
    Seal,
    Signature,
    Unsealed,
)
from revenge_core.activity.errors import ErasureRefused, RetentionRefused
from revenge_core.activity.ports import ActivitySeals, SealReader
from revenge_core.ids import EntryId, UserId

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_END: Final = datetime.max.replace(tzinfo=UTC)
_FIRST_ID: Final = UUID(int=0)


class Sql(SqlFile, file="seals.sql"):
    """The statements of sealing, and of looking at seals."""

    seal: Query[int]
    add_checkpoint: Query[None]
    mark_shipped: Query[None]
    erase: Query[int]
    drop: Query[int | None]
    drop_seals: Query[int]
    sign_retention: Query[None]
    retention: Query[Retention]
    retentions: Query[Retention]
    seals: Query[Seal]
    last: Query[Seal]
    rows: Query[Recorded]
    hashes: Query[Seal]
    waiting: Query[Unsealed]
    backlog: Query[Backlog]
    looks: Query[Look]
    checkpoints: Query[Checkpoint]
    newest_checkpoint: Query[Checkpoint]
    unshipped: Query[Checkpoint]
    purged: Query[UUID]


class PostgresActivitySeals(ActivitySeals):
    """The transaction's end."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def seal(self, limit: int) -> int:
        return await self._transaction.one(Sql.seal, limit=limit) or 0

    @override
    async def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        self._transaction.later(
            Sql.add_checkpoint,
            sequence=checkpoint.sequence,
            hash=checkpoint.hash,
            created_at=checkpoint.created_at,
            **_columns(checkpoint.signed),
        )

    @override
    async def mark_shipped(self, upto: int, at: datetime) -> None:
        self._transaction.later(Sql.mark_shipped, upto=upto, at=at)

    @override
    async def erase(self, user_id: UserId, limit: int) -> int:
        try:
            return await self._transaction.one(Sql.erase, user_id=user_id, limit=limit) or 0
        except psycopg.errors.RestrictViolation as error:
            raise ErasureRefused from error

    @override
    async def drop(self, before: datetime, at: datetime) -> Retention | None:
        try:
            number = await self._transaction.one(Sql.drop, before=before, at=at)
        except psycopg.errors.RestrictViolation as error:
            raise RetentionRefused from error
        return None if number is None else await self._transaction.one(Sql.retention)

    @override
    async def sign_retention(self, number: int, signature: Signature) -> None:
        self._transaction.later(Sql.sign_retention, number=number, **_columns(signature))

    @override
    async def drop_seals(self, limit: int) -> int:
        return await self._transaction.one(Sql.drop_seals, limit=limit) or 0


class PostgresSealReader(SealReader):
    """The reading end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def seals(self, *, after: int, limit: int) -> tuple[Seal, ...]:
        return await self._database.all(Sql.seals, after=after, limit=limit)

    @override
    async def last(self) -> Seal | None:
        return await self._database.one(Sql.last)

    @override
    async def rows(self, entries: Sequence[Seal | Unsealed]) -> Mapping[EntryId, Recorded]:
        times = {entry.entry_id: entry.entry_at for entry in entries}
        found = await self._database.all(Sql.rows, ids=list(times), since=min(times.values()), upto=max(times.values()))
        return {row.id: row for row in found if row.created_at == times[row.id]}

    @override
    async def hashes(self, sequences: Sequence[int]) -> Mapping[int, bytes]:
        found = await self._database.all(Sql.hashes, sequences=list(sequences))
        return {seal.sequence: seal.hash for seal in found}

    @override
    async def waiting(self, *, after: Unsealed | None, limit: int) -> tuple[Unsealed, ...]:
        at, edge = (_BEGINNING, _FIRST_ID) if after is None else (after.entry_at, after.entry_id)
        return await self._database.all(Sql.waiting, at=at, id=edge, limit=limit)

    @override
    async def backlog(self) -> Backlog:
        return await self._database.one(Sql.backlog) or Backlog(entries=0, oldest=None)

    @override
    async def looks(self, *, after: Look | None, since: datetime | None, limit: int) -> tuple[Look, ...]:
        at, edge = (since or _BEGINNING, _FIRST_ID) if after is None else (after.created_at, after.id)
        return await self._database.all(Sql.looks, at=at, id=edge, limit=limit)

    @override
    async def checkpoints(self, *, after: int, limit: int) -> tuple[Checkpoint, ...]:
        return await self._database.all(Sql.checkpoints, after=after, limit=limit)

    @override
    async def newest_checkpoint(self, *, by: datetime | None = None) -> Checkpoint | None:
        return await self._database.one(Sql.newest_checkpoint, by=by or _END)

    @override
    async def unshipped(self, *, limit: int) -> tuple[Checkpoint, ...]:
        return await self._database.all(Sql.unshipped, limit=limit)

    @override
    async def retention(self) -> Retention | None:
        return await self._database.one(Sql.retention)

    @override
    async def retentions(self, *, after: int, limit: int) -> tuple[Retention, ...]:
        return await self._database.all(Sql.retentions, after=after, limit=limit)

    @override
    async def purged(self, ids: Sequence[UUID]) -> frozenset[UUID]:
        return frozenset(await self._database.all(Sql.purged, ids=list(ids)))


def _columns(signature: Signature) -> dict[str, object]:
    return {
        "key_id": signature.key_id,
        "public_key": signature.public_key,
        "signature": signature.signature,
    }
