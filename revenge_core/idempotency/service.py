"""Use cases of requests that are sent twice."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from revenge_core.actor import Actor
from revenge_core.background import JobContext, in_batches
from revenge_core.clock import Clock
from revenge_core.errors import Unavailable
from revenge_core.idempotency.entities import Attempt, Outcome
from revenge_core.idempotency.errors import AlreadyDone, IdempotencyKeyReused, RequestInFlight
from revenge_core.idempotency.jobs import ForgetAttempts
from revenge_core.idempotency.ports import Fingerprints, IdempotencyTx
from revenge_core.uow import UnitOfWork

KEPT: Final = timedelta(hours=24)
"""How long a key is remembered."""
STALE: Final = timedelta(minutes=1)
"""After so long without an answer, whoever worked on an attempt is dead: no request takes longer."""
BATCH: Final = 1000
ASK_AGAIN_SECONDS: Final = 1.0


class Idempotency:
    """Does each request once, however often it is sent."""

    def __init__(self, uow: UnitOfWork[IdempotencyTx], clock: Clock, fingerprints: Fingerprints) -> None:
        self._uow = uow
        self._clock = clock
        self._fingerprints = fingerprints

    def attempt(self, actor: Actor, operation: str, key: str, content: bytes) -> Attempt:
        """One request of the actor: `content` is all that was sent, `key` what the client calls it (rulings R12).

        An API key is a caller of its own: it is not told what its owner, who may see more, was answered.
        """
        if actor.key is not None:
            caller = f"key:{actor.key.id}"
        else:
            caller = f"user:{actor.user_id}" if actor.user_id else f"address:{actor.origin.address or 'unknown'}"
        return Attempt(
            caller=caller,
            operation=operation,
            key_hash=sha256(key.encode()).digest(),
            fingerprint=self._fingerprints.of(content),
        )

    async def once(self, attempt: Attempt, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """The outcome of `work`, which runs unless the same attempt had one before; that one is answered again.

        Where `work` raises, nothing is remembered, and the same key may be tried again. What was done stays done where
        its outcome cannot be noted: whoever asked has the answer, and a repetition would be done again.

        Raises:
            IdempotencyKeyReused: the key came with another request before.
            RequestInFlight: somebody works on the same attempt.
            AlreadyDone: it was done, and its answer is not told twice.
        """
        begun_at = self._clock.now()
        if (known := await self._begin(attempt, begun_at)) is not None:
            return known
        try:
            outcome = await work()
        except BaseException:
            with suppress(Unavailable):
                async with self._uow.begin() as tx:
                    await tx.idempotency.abandon(attempt, begun_at)
            raise
        with suppress(Unavailable):
            async with self._uow.begin() as tx:
                await tx.idempotency.finish(attempt, begun_at, outcome)
        return outcome

    async def _begin(self, attempt: Attempt, now: datetime) -> Outcome | None:
        """The outcome that there is already; None where the attempt is the caller's to do."""
        async with self._uow.begin() as tx:
            recorded = await tx.idempotency.begin(attempt, now, stale_before=now - STALE, expired_before=now - KEPT)
        if recorded is None:
            return None
        if not compare_digest(recorded.fingerprint, attempt.fingerprint):
            raise IdempotencyKeyReused
        if recorded.outcome is None:
            raise RequestInFlight(retry_after=ASK_AGAIN_SECONDS)
        if recorded.outcome.body is None:
            raise AlreadyDone(recorded.outcome.location)
        return recorded.outcome

    async def clean_up(self, _: ForgetAttempts, ctx: JobContext) -> None:
        """Forget attempts of more than a day ago."""
        await in_batches(ctx, "forgetting repeated requests", self._forget)
        async with self._uow.begin() as tx:
            await ctx.complete(tx)

    async def _forget(self) -> int:
        async with self._uow.begin() as tx:
            return await tx.idempotency.forget(before=self._clock.now() - KEPT, limit=BATCH)
