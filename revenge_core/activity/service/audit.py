"""Sealing the audit log, vouching for it, shipping that off the box, and letting go of what was kept long enough."""

from collections.abc import AsyncIterable
from datetime import datetime
from typing import Final

from revenge_core.activity.entities import (
    Action,
    AuditRules,
    Backlog,
    Checkpoint,
    FieldChange,
    Resource,
    Retention,
    Verification,
)
from revenge_core.activity.jobs import DropOld, EraseTraces, SealEntries, ShipCheckpoints
from revenge_core.activity.policy import SHORTEST_RETENTION, checkpoint_message, message_of, month_of, retention_message
from revenge_core.activity.ports import ActivitySealsTx, CheckpointShipper, CheckpointSigner, SealReader
from revenge_core.activity.service.activity import Activity
from revenge_core.activity.service.verification import Walk
from revenge_core.actor import Actor
from revenge_core.background import JobContext, Progress, in_batches
from revenge_core.clock import Clock
from revenge_core.ids import UserId
from revenge_core.paging import checked_limit
from revenge_core.permissions import Permission
from revenge_core.uow import UnitOfWork

BATCH: Final = 1000
SHIPPED_AT_ONCE: Final = 100
NO_KEYS: Final[frozenset[bytes]] = frozenset()
ERASING: Final = "erasing"


class Audit:
    """What proves that the log is whole (decisions A6, rulings R27, R28; ASVS 16.4.2, 16.4.3)."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[ActivitySealsTx],
        reader: SealReader,
        signer: CheckpointSigner,
        shipper: CheckpointShipper,
        activity: Activity,
        clock: Clock,
        rules: AuditRules,
    ) -> None:
        self._uow = uow
        self._reader = reader
        self._signer = signer
        self._shipper = shipper
        self._activity = activity
        self._clock = clock
        self._rules = rules

    async def verify(
        self,
        actor: Actor,
        *,
        since: datetime | None = None,
        checkpoints: AsyncIterable[Checkpoint] | None = None,
        trusted: frozenset[bytes] = NO_KEYS,
    ) -> Verification:
        """Look at every seal and every entry, in parts; memory is bounded, and nobody else waits.

        With `since` it begins at the newest checkpoint of that time. `checkpoints` are those that were kept elsewhere:
        without them nobody can tell when the end of the log was cut off, with what vouched for it. `trusted` are public
        keys of before the master secret was changed.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
        """
        actor.require(Permission.AUDIT_VERIFY)
        return await Walk(self._reader, self._signer, trusted).whole(since, checkpoints)

    async def verify_latest(self, actor: Actor, *, seals: int = BATCH) -> Verification:
        """Look at the last so many seals and their entries only.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
        """
        actor.require(Permission.AUDIT_VERIFY)
        return await Walk(self._reader, self._signer, NO_KEYS).latest(seals)

    async def backlog(self, actor: Actor) -> Backlog:
        """What waits to be sealed.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
        """
        actor.require(Permission.AUDIT_VERIFY)
        return await self._reader.backlog()

    async def checkpoints(self, actor: Actor, *, after: int = 0, limit: int = 50) -> tuple[Checkpoint, ...]:
        """Checkpoints with larger numbers, in their order.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            Invalid: `limit` is out of range.
        """
        actor.require(Permission.AUDIT_VERIFY)
        return await self._reader.checkpoints(after=after, limit=checked_limit(limit))

    async def seal(self, _: SealEntries, ctx: JobContext) -> None:
        """Put all that waits into the chain, and vouch for what it comes to."""
        await in_batches(ctx, "sealing", self._seal)
        checkpoint = await self._checkpoint()
        async with self._uow.begin() as tx:
            if checkpoint is not None:
                await tx.activity_seals.add_checkpoint(checkpoint)
            if self._shipper.is_on and (checkpoint is not None or await self._reader.unshipped(limit=1)):
                await tx.jobs.enqueue(ShipCheckpoints())
            await ctx.complete(tx)

    async def ship(self, _: ShipCheckpoints, ctx: JobContext) -> None:
        """Take off the box all checkpoints that are not elsewhere yet, in order.

        Raises:
            ShippingFailed: nobody takes them; the job tries again.
        """
        await in_batches(ctx, "shipping", self._ship)
        async with self._uow.begin() as tx:
            await ctx.complete(tx)

    async def erase(self, job: EraseTraces, ctx: JobContext) -> None:
        """Take out of the log what tells of an account that was erased.

        Raises:
            ErasureRefused: the account is there.
        """
        user_id = UserId(job.user_id)

        async def batch() -> int:
            async with self._uow.begin() as tx:
                return await tx.activity_seals.erase(user_id, BATCH)

        done = ctx.progress.current if ctx.progress is not None and ctx.progress.phase == ERASING else 0
        while found := await batch():
            done += found
            await ctx.report(Progress(phase=ERASING, current=done))
        async with self._uow.begin() as tx:
            if done:
                await self._activity.write(
                    tx,
                    Actor.system(),
                    Action.ACTIVITY_ERASE,
                    resource=Resource(type="user", id=user_id),
                    changes={"entries": FieldChange(after=done)},
                )
            await ctx.complete(tx)

    async def drop_old(self, _: DropOld, ctx: JobContext) -> None:
        """Drop whole months that were kept long enough, each with a trace of it, then the seals that stood for them.

        Raises:
            RetentionRefused: some of it is not sealed yet; the job tries again.
        """
        now = self._clock.now()
        before = month_of(now - max(self._rules.retention, SHORTEST_RETENTION))
        await in_batches(ctx, "dropping", lambda: self._drop(before, now))
        await in_batches(ctx, "dropping seals", self._drop_seals)
        async with self._uow.begin() as tx:
            await ctx.complete(tx)

    async def _seal(self) -> int:
        async with self._uow.begin() as tx:
            return await tx.activity_seals.seal(BATCH)

    async def _checkpoint(self) -> Checkpoint | None:
        """For the last seal, unless there is one. What somebody else signed keeps nothing of ours from being signed."""
        last, newest = await self._reader.last(), await self._reader.newest_checkpoint()
        if last is None:
            return None
        if newest is not None and newest.sequence >= last.sequence:
            is_ours = self._signer.is_genuine(message_of(newest), newest.signed, NO_KEYS)
            if is_ours or newest.sequence == last.sequence:
                return None
        now = self._clock.now()
        signed = self._signer.sign(checkpoint_message(last.sequence, last.hash, now))
        return Checkpoint(sequence=last.sequence, hash=last.hash, created_at=now, signed=signed)

    async def _ship(self) -> int:
        waiting = await self._reader.unshipped(limit=SHIPPED_AT_ONCE) if self._shipper.is_on else ()
        if waiting:
            await self._shipper.ship(waiting)
            async with self._uow.begin() as tx:
                await tx.activity_seals.mark_shipped(waiting[-1].sequence, self._clock.now())
        return len(waiting)

    async def _drop(self, before: datetime, now: datetime) -> int:
        async with self._uow.begin() as tx:
            gone = await tx.activity_seals.drop(before, now)
            if gone is None:
                return 0
            await tx.activity_seals.sign_retention(gone.number, self._signer.sign(retention_message(gone)))
            await self._activity.write(
                tx, Actor.system(), Action.ACTIVITY_DROP, resource=_months(gone), changes=_trace(gone)
            )
        return 1

    async def _drop_seals(self) -> int:
        async with self._uow.begin() as tx:
            return await tx.activity_seals.drop_seals(BATCH)


def _months(gone: Retention) -> Resource:
    return Resource(type="activity", key=gone.what)


def _trace(gone: Retention) -> dict[str, FieldChange]:
    return {
        "before": FieldChange(after=f"{gone.before:%Y-%m-%d}"),
        "entries": FieldChange(after=gone.entries),
        "hash": FieldChange(after=gone.hash.hex()),
        "sequence": FieldChange(after=gone.sequence),
    }
