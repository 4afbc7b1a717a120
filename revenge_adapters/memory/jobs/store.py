"""What workers do with jobs, in memory."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.memory.job_rows import StoredJob
from revenge_adapters.memory.jobs.changes import failed, given_back, over, run_of
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.background import FINISHED, ItemOutcome, JobState, Progress
from revenge_core.jobs.entities import ANSWERED_WITHIN, Claimed, Finish, JobItem, JobKey, WorkerInfo
from revenge_core.jobs.ports import JobStore


class MemoryJobStore(JobStore):
    """Jobs of `tables`. Each call is a transaction: a handler calls none of it inside of its own."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def enlist(self, worker: WorkerInfo) -> None:
        async with self._tables.draft() as rows:
            now = self._tables.clock.now()
            rows.job_workers[worker.id] = replace(worker, started_at=now, seen_at=now, running=0)
            self._tables.leases_since = self._tables.leases_since or now

    @override
    async def beat(self, worker_id: str) -> bool:
        async with self._tables.draft() as rows:
            worker = rows.job_workers.get(worker_id)
            if worker is None:
                return False
            rows.job_workers[worker_id] = replace(worker, seen_at=self._tables.clock.now())
            return True

    @override
    async def leave(self, worker_id: str) -> int:
        async with self._tables.draft() as rows:
            rows.job_workers.pop(worker_id, None)
            return self._give_back(rows, _held(rows, worker_id))

    @override
    async def claim(
        self, worker_id: str, slots: Mapping[str, int], *, kinds: Collection[str] | None = None
    ) -> tuple[Claimed, ...]:
        async with self._tables.draft() as rows:
            now = self._tables.clock.now()
            chosen = [
                job
                for queue, free in slots.items()
                if queue not in rows.paused_queues
                for job in _first(rows, queue, kinds)[:free]
            ]
            for job in chosen:
                rows.jobs[job.id] = replace(
                    job,
                    state=JobState.RUNNING,
                    attempt=job.attempt + 1,
                    run=job.run + 1,
                    attempted_at=now,
                    attempted_by=worker_id,
                )
            return tuple(_claimed(rows.jobs[job.id], now) for job in chosen)

    @override
    async def give_back_unknown(self, worker_id: str, known: Collection[JobKey]) -> int:
        async with self._tables.draft() as rows:
            before = self._tables.clock.now() - ANSWERED_WITHIN
            return self._give_back(
                rows,
                [
                    job
                    for job in _held(rows, worker_id)
                    if JobKey(id=job.id, run=job.run) not in known
                    and job.attempted_at is not None
                    and job.attempted_at < before
                ],
            )

    @override
    async def finish(self, finishes: Sequence[Finish]) -> frozenset[JobKey]:
        async with self._tables.draft() as rows:
            return frozenset(finish.key for finish in finishes if self._finish(rows, finish))

    @override
    async def report(self, key: JobKey, progress: Progress, items: Sequence[ItemOutcome]) -> bool:
        async with self._tables.draft() as rows:
            job = run_of(rows, key)
            if job is None:
                return False
            rows.jobs[job.id] = replace(job, progress=progress)
            now = self._tables.clock.now()
            for item in items:
                rows.job_items[job.id, item.item] = JobItem(
                    item=item.item, status=item.status, detail=item.detail, at=now
                )
            return True

    @override
    async def cancel_requests(self, worker_id: str) -> tuple[JobKey, ...]:
        held = _held(self._tables.rows, worker_id)
        return tuple(JobKey(id=job.id, run=job.run) for job in held if job.cancel_requested_at is not None)

    def _give_back(self, rows: Rows, jobs: Sequence[StoredJob]) -> int:
        now = self._tables.clock.now()
        rows.jobs.update((job.id, given_back(job, now)) for job in jobs)
        return len(jobs)

    def _finish(self, rows: Rows, finish: Finish) -> bool:
        job = run_of(rows, finish.key)
        if job is None:
            return False
        now = self._tables.clock.now()
        if finish.error is not None:
            job = failed(job, finish.error, now, trace=finish.trace)
        if finish.refund:
            job = replace(job, attempt=job.attempt - 1)
        if finish.state in FINISHED:
            job = over(job, finish.state, now)
        elif job.cancel_requested_at is not None:
            job = over(job, JobState.CANCELLED, now)
        else:
            keeps_its_place = finish.state is JobState.AVAILABLE
            job = replace(
                job,
                state=finish.state if finish.delay else JobState.AVAILABLE,
                scheduled_at=job.scheduled_at if keeps_its_place else now + finish.delay,
            )
        rows.jobs[job.id] = job
        return True


def _held(rows: Rows, worker_id: str) -> list[StoredJob]:
    """What runs on this worker."""
    running = (job for job in rows.jobs.values() if job.state is JobState.RUNNING)
    return [job for job in running if job.attempted_by == worker_id]


def _first(rows: Rows, queue: str, kinds: Collection[str] | None) -> list[StoredJob]:
    """What the queue hands out, in order."""
    available = (job for job in rows.jobs.values() if job.state is JobState.AVAILABLE and job.queue == queue)
    wanted = (job for job in available if kinds is None or job.kind in kinds)
    return sorted(wanted, key=lambda job: (job.priority, job.scheduled_at, job.id))


def _claimed(job: StoredJob, now: datetime) -> Claimed:
    return Claimed(
        id=job.id,
        run=job.run,
        kind=job.kind,
        queue=job.queue,
        priority=job.priority,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        timeout=job.timeout,
        args=msgspec.Raw(job.args),
        metadata=job.metadata,
        progress=job.progress,
        created_at=job.created_at,
        scheduled_at=job.scheduled_at,
        attempted_at=now,
    )
