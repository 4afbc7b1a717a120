"""What recognising repeated requests needs from outside."""

from datetime import datetime
from typing import Protocol

from revenge_core.background import JobsTx
from revenge_core.idempotency.entities import Attempt, Outcome, Recorded


class Fingerprints(Protocol):
    """Recognises what was sent before, without keeping it."""

    def of(self, content: bytes) -> bytes:
        """32 bytes, the same for the same content on every server.

        Nobody without the server's secret can try contents out against them: there may be passwords among those.
        """
        ...


class IdempotencyStore(Protocol):
    """Attempts inside a transaction, reached as `tx.idempotency`."""

    async def begin(
        self, attempt: Attempt, at: datetime, *, stale_before: datetime, expired_before: datetime
    ) -> Recorded | None:
        """Note that the attempt begins; of many callers with the same key one gets None, and it is theirs to do.

        The others get what is recorded. What was begun before `expired_before` counts for nothing, nor does what was
        begun before `stale_before` with the same fingerprint and has no outcome: its process died.
        """
        ...

    async def finish(self, attempt: Attempt, begun_at: datetime, outcome: Outcome) -> None:
        """Keep what was answered, unless somebody took the attempt over since it was begun."""
        ...

    async def abandon(self, attempt: Attempt, begun_at: datetime) -> None:
        """Forget the attempt: it was refused, and may be tried again. Not if somebody took it over since."""
        ...

    async def forget(self, *, before: datetime, limit: int) -> int:
        """Delete up to `limit` attempts that were begun before this time, the oldest first; how many."""
        ...


class IdempotencyTx(JobsTx, Protocol):
    """A transaction that knows attempts."""

    @property
    def idempotency(self) -> IdempotencyStore:
        """Attempts."""
        ...
