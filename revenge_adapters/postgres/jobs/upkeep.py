"""What keeps the job queue in PostgreSQL going."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from typing_extensions import override

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.endings import end_runs
from revenge_adapters.postgres.jobs.literals import int_array, text_array
from revenge_adapters.postgres.jobs.schedules import declare, tick
from revenge_adapters.postgres.sql import Query, Replanned, SqlFile
from revenge_core.background import JobState, Schedule
from revenge_core.entity import Entity
from revenge_core.jobs.entities import Finish, JobKey, JobRules, Promoted, Signal, SignalKind
from revenge_core.jobs.policy import LOST, OVERRAN, rescue_delay
from revenge_core.jobs.ports import JobUpkeep, WakeUps
from revenge_core.secrets import Sealer

AT_ONCE: Final = 1000
"""So many jobs one statement promotes."""
ITEMS_AT_ONCE: Final = 10_000
SCHEDULES_KEPT: Final = timedelta(days=30)

_LOSS: Final = LOST.partition(":")[0]


class Due(Entity, kw_only=True):
    """What became due."""

    count: int
    queues: list[str]
    next_in: timedelta | None


class Lost(Entity, kw_only=True):
    """A run that is to be taken from its worker."""

    id: int
    run: int
    attempt: int
    max_attempts: int
    is_unwanted: bool
    """Somebody asked for it to be cancelled, which it then is."""
    has_no_worker: bool
    losses: int
    """How often that happened to the job before."""


class Sql(SqlFile, file="upkeep.sql"):
    """The statements of upkeep."""

    lead: Query[bool]
    promote: Replanned[Due]
    keep_leases: Query[None]
    are_leases_told: Query[bool]
    dismiss: Query[str]
    lost: Replanned[Lost]
    old: Replanned[int]
    clean_items: Replanned[None]
    clean: Replanned[None]
    forget_schedules: Query[None]


class PostgresJobUpkeep(JobUpkeep):
    """Upkeep of the queue, of which each part is safe beside another process that does the same.

    For `warm_up` after the server's start nothing is rescued; one lease, unless it is given (rulings R5).
    """

    def __init__(
        self, database: Database, wake_ups: WakeUps, sealer: Sealer, *, warm_up: timedelta | None = None
    ) -> None:
        self._database = database
        self._wake_ups = wake_ups
        self._sealer = sealer
        self._warm_up = warm_up

    @override
    async def lead(self, worker_id: str, lease: timedelta) -> bool:
        return bool(await self._database.one(Sql.lead, worker_id=worker_id, lease=lease))

    @override
    async def promote(self) -> Promoted:
        queues: dict[str, None] = {}
        while due := await self._database.one(Sql.promote, limit=AT_ONCE):
            queues |= dict.fromkeys(due.queues)
            self._wake_ups.send(Signal(kind=SignalKind.AVAILABLE, key=queue) for queue in due.queues)
            if due.count < AT_ONCE:
                return Promoted(queues=tuple(queues), next_in=due.next_in)
        return Promoted(queues=tuple(queues))

    @override
    async def rescue(self, rules: JobRules) -> tuple[int, ...]:
        warm_up = rules.lease if self._warm_up is None else self._warm_up
        async with self._database.transaction() as transaction:
            await transaction.run(Sql.keep_leases)
            if not await transaction.one(Sql.are_leases_told, lease=rules.lease, warm_up=warm_up):
                return ()
            dismissed = await transaction.all(Sql.dismiss, lease=rules.lease)
            lost = await transaction.all(
                Sql.lost, dismissed=text_array(dismissed), lease=rules.lease, grace=rules.grace, loss=_LOSS
            )
            ended = await end_runs(transaction, [_rescued(run) for run in lost])
        self._wake_ups.send(ended.signals)
        return tuple(run.id for run in lost)

    @override
    async def clean(self, rules: JobRules, *, limit: int = 1000) -> int:
        await self._database.run(Sql.forget_schedules, kept=SCHEDULES_KEPT)
        async with self._database.transaction() as transaction:
            old = await transaction.all(
                Sql.old,
                keep_cancelled=rules.keep_cancelled,
                keep_completed=rules.keep_completed,
                keep_discarded=rules.keep_discarded,
                limit=limit,
            )
            if not old:
                return 0
            # One job may have a million items, which no statement deletes before its deadline.
            ids, deleted = int_array(old), ITEMS_AT_ONCE
            while deleted == ITEMS_AT_ONCE:
                deleted = await transaction.run(Sql.clean_items, ids=ids, limit=ITEMS_AT_ONCE)
            return await transaction.run(Sql.clean, ids=ids)

    @override
    async def declare(self, schedules: Sequence[Schedule]) -> None:
        await declare(self._database, schedules, self._sealer)

    @override
    async def tick(self) -> tuple[int, ...]:
        added = await tick(self._database)
        self._wake_ups.send(Signal(kind=SignalKind.AVAILABLE, key=job.queue) for job in added)
        return tuple(job.id for job in added)


def _rescued(run: Lost) -> Finish:
    """How the run ends: as a failure that was hardly the job's fault."""
    return Finish(
        key=JobKey(id=run.id, run=run.run),
        state=JobState.RETRYABLE if run.attempt < run.max_attempts or run.is_unwanted else JobState.DISCARDED,
        delay=rescue_delay(run.losses + 1, run.attempt),
        error=LOST if run.has_no_worker else OVERRAN,
    )
