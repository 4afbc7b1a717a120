"""Requests that are sent twice, in PostgreSQL."""

from datetime import datetime

from typing_extensions import override

from revenge_adapters.postgres.db import Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.entity import Entity
from revenge_core.idempotency.entities import Attempt, Outcome, Recorded
from revenge_core.idempotency.ports import IdempotencyStore


class Row(Entity, kw_only=True):
    """An attempt as the table has it: without an outcome there is no status."""

    fingerprint: bytes
    begun_at: datetime
    status: int | None
    body: bytes | None
    location: str | None

    def recorded(self) -> Recorded:
        """The attempt."""
        outcome = None if self.status is None else Outcome(status=self.status, body=self.body, location=self.location)
        return Recorded(fingerprint=self.fingerprint, begun_at=self.begun_at, outcome=outcome)


class Sql(SqlFile, file="idempotency.sql"):
    """The statements."""

    begin: Query[bool]
    recorded: Query[Row]
    finish: Query[None]
    abandon: Query[None]
    forget: Query[None]


def _key(attempt: Attempt) -> dict[str, str | bytes]:
    return {"caller": attempt.caller, "operation": attempt.operation, "key_hash": attempt.key_hash}


class PostgresIdempotency(IdempotencyStore):
    """Attempts inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def begin(
        self, attempt: Attempt, at: datetime, *, stale_before: datetime, expired_before: datetime
    ) -> Recorded | None:
        begun = await self._transaction.one(
            Sql.begin,
            **_key(attempt),
            fingerprint=attempt.fingerprint,
            at=at,
            stale_before=stale_before,
            expired_before=expired_before,
        )
        if begun:
            return None
        row = await self._transaction.one(Sql.recorded, **_key(attempt))
        return row.recorded() if row else None

    @override
    async def finish(self, attempt: Attempt, begun_at: datetime, outcome: Outcome) -> None:
        await self._transaction.run(
            Sql.finish,
            **_key(attempt),
            begun_at=begun_at,
            status=outcome.status,
            body=outcome.body,
            location=outcome.location,
        )

    @override
    async def abandon(self, attempt: Attempt, begun_at: datetime) -> None:
        await self._transaction.run(Sql.abandon, **_key(attempt), begun_at=begun_at)

    @override
    async def forget(self, *, before: datetime, limit: int) -> int:
        return await self._transaction.run(Sql.forget, before=before, limit=limit)
