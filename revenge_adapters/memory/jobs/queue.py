"""The transaction's end of the job queue, in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from typing_extensions import override

from revenge_adapters.memory.job_rows import StoredJob
from revenge_adapters.memory.jobs.changes import cancelled, enqueued, over, run_of, sealing
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.background import Enqueued, Job, JobQueue, JobState, Planned
from revenge_core.jobs.entities import JobKey, Signal
from revenge_core.jobs.policy import Prepared, prepared
from revenge_core.secrets import Sealer


class MemoryJobQueue(JobQueue):
    """Jobs inside a transaction over `rows`; `signals` are sent when it has committed."""

    def __init__(self, tables: MemoryTables, rows: Rows, sealer: Sealer, signals: list[Signal]) -> None:
        self._tables = tables
        self._rows = rows
        self._sealer = sealer
        self._signals = signals

    @override
    async def enqueue(self, job: Job | Planned) -> Enqueued:
        return (await self.enqueue_many([job]))[0]

    @override
    async def enqueue_many(self, jobs: Sequence[Job | Planned]) -> tuple[Enqueued, ...]:
        now = self._tables.clock.now()
        planned = [Planned.of(job) for job in jobs]
        seals = [sealing(self._sealer, one.job.spec.kind) for one in planned]
        ready = [prepared(one, now=now, seal=seal) for one, seal in zip(planned, seals, strict=True)]
        return tuple(enqueued(self._rows, self._stored(one, now), self._signals) for one in ready)

    def _stored(self, job: Prepared, now: datetime) -> StoredJob:
        waits = job.at is not None and job.at > now
        return StoredJob(
            id=next(self._tables.job_ids),
            kind=job.kind,
            queue=job.queue.value,
            priority=job.priority,
            state=JobState.SCHEDULED if waits else JobState.AVAILABLE,
            args=job.args,
            max_attempts=job.max_attempts,
            timeout=job.timeout,
            created_at=now,
            scheduled_at=job.at.astimezone(UTC) if job.at is not None and waits else now,
            tags=job.tags,
            metadata=msgspec.json.decode(job.metadata),
            unique_key=job.unique_key,
            unique_states=frozenset(job.unique_states),
        )

    @override
    async def cancel(self, job_id: int) -> JobState | None:
        job = self._rows.jobs.get(job_id)
        if job is None:
            return None
        self._rows.jobs[job_id] = cancelled(job, self._tables.clock.now(), self._signals)
        return self._rows.jobs[job_id].state

    @override
    async def complete(self, job_id: int, run: int) -> bool:
        job = run_of(self._rows, JobKey(id=job_id, run=run))
        if job is None:
            return False
        self._rows.jobs[job_id] = over(job, JobState.COMPLETED, self._tables.clock.now())
        return True
