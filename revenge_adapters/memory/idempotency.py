"""Requests that are sent twice, in memory."""

from datetime import datetime
from typing import TypeAlias

from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.memory.tables import Rows
from revenge_core.idempotency.entities import Attempt, Outcome, Recorded
from revenge_core.idempotency.ports import IdempotencyStore

Key: TypeAlias = tuple[str, str, bytes]


def _key(attempt: Attempt) -> Key:
    return attempt.caller, attempt.operation, attempt.key_hash


class MemoryIdempotency(IdempotencyStore):
    """Attempts inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._attempts = rows.attempts

    @override
    async def begin(
        self, attempt: Attempt, at: datetime, *, stale_before: datetime, expired_before: datetime
    ) -> Recorded | None:
        known = self._attempts.get(_key(attempt))
        if known is not None and known.begun_at >= expired_before:
            stale = known.outcome is None and known.begun_at < stale_before
            if not stale or known.fingerprint != attempt.fingerprint:
                return known
        self._attempts[_key(attempt)] = Recorded(fingerprint=attempt.fingerprint, begun_at=at, outcome=None)
        return None

    @override
    async def finish(self, attempt: Attempt, begun_at: datetime, outcome: Outcome) -> None:
        known = self._attempts.get(_key(attempt))
        if known is not None and known.begun_at == begun_at and known.outcome is None:
            self._attempts[_key(attempt)] = replace(known, outcome=outcome)

    @override
    async def abandon(self, attempt: Attempt, begun_at: datetime) -> None:
        known = self._attempts.get(_key(attempt))
        if known is not None and known.begun_at == begun_at and known.outcome is None:
            del self._attempts[_key(attempt)]

    @override
    async def forget(self, *, before: datetime, limit: int) -> int:
        old = sorted((known.begun_at, key) for key, known in self._attempts.items() if known.begun_at < before)
        for _, key in old[:limit]:
            del self._attempts[key]
        return len(old[:limit])
