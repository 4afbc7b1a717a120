"""What recognising repeated requests needs from outside."""

from datetime import datetime
from typing import Protocol

from revenge_core.background import JobsTx
from revenge_core.idempotency.entities import Attempt, Outcome, Recorded


class IdempotencyStore(Protocol):
    """Attempts inside a transaction, reached as `tx.idempotency`."""

    async def begin(self, attempt: Attempt, at: datetime, *, stale_before: datetime) -> Recorded | None:
        """Note that the attempt begins; of many callers with the same key one gets None, and it is theirs to do.

        The others get what is recorded. An attempt without an outcome that was begun before `stale_before` is taken
        over: its process died.
        """
        ...

    async def finish(self, attempt: Attempt, outcome: Outcome) -> None:
        """Keep what was answered."""
        ...

    async def abandon(self, attempt: Attempt) -> None:
        """Forget the attempt: it was refused, and may be tried again with the same key."""
        ...

    async def forget(self, *, before: datetime, limit: int) -> int:
        """Delete up to `limit` attempts that were begun before this time; how many."""
        ...


class IdempotencyTx(JobsTx, Protocol):
    """A transaction that knows attempts."""

    @property
    def idempotency(self) -> IdempotencyStore:
        """Attempts."""
        ...
