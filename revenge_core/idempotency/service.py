"""Use cases of requests that are sent twice."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from revenge_core.clock import Clock
from revenge_core.idempotency.entities import Attempt, Outcome
from revenge_core.idempotency.ports import IdempotencyTx
from revenge_core.uow import UnitOfWork

KEPT: Final = timedelta(hours=24)
"""How long a key is remembered."""
STALE: Final = timedelta(minutes=1)
"""After so long without an answer, whoever worked on an attempt is dead: no request takes longer."""


class Idempotency:
    """Does each request once, however often it is sent."""

    def __init__(self, uow: UnitOfWork[IdempotencyTx], clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def once(self, attempt: Attempt, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """The outcome of `work`, which runs unless the same attempt had one before; that one is answered again.

        Where `work` raises, nothing is remembered, and the same key may be tried again.

        Raises:
            IdempotencyKeyReused: the key came with another request before.
            RequestInFlight: somebody works on the same attempt.
            AlreadyDone: it was done, and its answer is not told twice.
        """
        raise NotImplementedError
