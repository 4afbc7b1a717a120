"""The transaction's end of the job queue in PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from typing_extensions import override

from revenge_adapters.postgres.db import Transaction
from revenge_adapters.postgres.jobs.bulk import add_all, standing_for
from revenge_adapters.postgres.jobs.literals import text_array
from revenge_adapters.postgres.sql import Query, Replanned, SqlFile
from revenge_core.background import Enqueued, Job, JobQueue, JobState, Planned
from revenge_core.entity import Entity
from revenge_core.jobs.entities import Signal, SignalKind
from revenge_core.jobs.policy import Prepared, prepared
from revenge_core.secrets import Sealer

_NOBODY_ASKS: Final = datetime.min.replace(tzinfo=UTC)


class Added(Entity, kw_only=True):
    """A new row."""

    id: int
    state: JobState


class Sql(SqlFile, file="queue.sql"):
    """The statements of the queue's enqueuing end."""

    present: Query[datetime]
    add: Query[Added]
    cancel: Replanned[JobState]
    complete: Replanned[None]


class PostgresJobQueue(JobQueue):
    """Jobs inside a transaction. What workers are to be told once it has committed goes into `signals`."""

    def __init__(self, transaction: Transaction, sealer: Sealer, signals: dict[Signal, None]) -> None:
        self._transaction = transaction
        self._sealer = sealer
        self._signals = signals

    @override
    async def enqueue(self, job: Job | Planned) -> Enqueued:
        (row,) = await self._prepared([job])
        while True:
            added = await self._add(row)
            if added is not None:
                self._announce(row.queue, added.state)
                return Enqueued(id=added.id)
            for standing in (await standing_for(self._transaction, [row.unique_key or b""])).values():
                return Enqueued(id=standing, duplicate=True)
            # It finished in between and keeps nobody out any more: once again.

    @override
    async def enqueue_many(self, jobs: Sequence[Job | Planned]) -> tuple[Enqueued, ...]:
        added = await add_all(self._transaction, await self._prepared(jobs))
        for queue, state in {(new.job.queue, new.state) for new, standing in added if new.id == standing}:
            self._announce(queue, state)
        return tuple(Enqueued(id=standing, duplicate=standing != new.id) for new, standing in added)

    @override
    async def cancel(self, job_id: int) -> JobState | None:
        state = await self._transaction.one(Sql.cancel, id=job_id)
        if state is JobState.RUNNING:
            self._signals[Signal(kind=SignalKind.CANCEL, key=str(job_id))] = None
        return state

    @override
    async def complete(self, job_id: int, run: int) -> bool:
        return await self._transaction.run(Sql.complete, id=job_id, run=run) == 1

    async def _prepared(self, jobs: Sequence[Job | Planned]) -> list[Prepared]:
        all_planned = [Planned.of(job) for job in jobs]
        now = await self._transaction.one(Sql.present) if any(map(_asks_the_time, all_planned)) else None
        return [
            prepared(
                planned,
                now=now or _NOBODY_ASKS,
                seal=partial(self._sealer.seal, context=f"job {planned.job.spec.kind}"),
            )
            for planned in all_planned
        ]

    async def _add(self, row: Prepared) -> Added | None:
        return await self._transaction.one(
            Sql.add,
            kind=row.kind,
            queue=row.queue,
            priority=row.priority,
            max_attempts=row.max_attempts,
            timeout=row.timeout,
            at=row.at,
            args=row.args.decode(),
            metadata=row.metadata.decode(),
            tags=text_array(row.tags),
            unique_key=row.unique_key,
            unique_states=None if row.unique_key is None else text_array(row.unique_states),
        )

    def _announce(self, queue: str, state: JobState) -> None:
        kind = SignalKind.AVAILABLE if state is JobState.AVAILABLE else SignalKind.SCHEDULED
        self._signals[Signal(kind=kind, key=queue if kind is SignalKind.AVAILABLE else "")] = None


def _asks_the_time(planned: Planned) -> bool:
    """Whether the job is one in a period of time."""
    unique = planned.unique or planned.job.spec.unique
    return unique is not None and unique.period is not None
