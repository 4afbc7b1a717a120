"""Jobs, queues, schedules and workers in memory, as administrators see them."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import asdict, replace
from typing_extensions import override

from revenge_adapters.memory.job_rows import StoredJob
from revenge_adapters.memory.tables import MemoryTables
from revenge_core.background import FINISHED, UNFINISHED, JobState, Queue
from revenge_core.jobs.entities import (
    COUNTED_UPTO,
    JobDetail,
    JobFilter,
    JobItem,
    JobSummary,
    QueueInfo,
    ScheduleInfo,
    WorkerInfo,
)
from revenge_core.jobs.ports import JobReader


class MemoryJobReader(JobReader):
    """The reading end."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def newest(self, wanted: JobFilter, *, limit: int, before: int | None) -> tuple[JobSummary, ...]:
        fitting = (job for job in self._fitting(wanted) if before is None or job.id < before)
        newest = sorted(fitting, key=lambda job: job.id, reverse=True)[:limit]
        return tuple(JobSummary(**_shared(job)) for job in newest)

    @override
    async def count(self, wanted: JobFilter) -> int:
        return min(sum(1 for _ in self._fitting(wanted)), COUNTED_UPTO)

    def _fitting(self, wanted: JobFilter) -> Iterator[StoredJob]:
        return (job for job in self._tables.rows.jobs.values() if _fits(job, wanted))

    @override
    async def by_id(self, job_id: int, *, args: bool) -> JobDetail | None:
        job = self._tables.rows.jobs.get(job_id)
        if job is None:
            return None
        statuses = (item.status.value for (of, _), item in self._tables.rows.job_items.items() if of == job_id)
        return JobDetail(
            **_shared(job),
            errors=job.errors,
            metadata=job.metadata,
            timeout=job.timeout,
            items=dict(Counter(statuses)),
            args=msgspec.Raw(job.args) if args else None,
        )

    @override
    async def items(self, job_id: int, *, limit: int, after: str | None) -> tuple[JobItem, ...]:
        own = (item for (of, _), item in self._tables.rows.job_items.items() if of == job_id)
        later = (item for item in own if after is None or item.item > after)
        return tuple(sorted(later, key=lambda item: item.item)[:limit])

    @override
    async def counts(self) -> dict[str, dict[JobState, int]]:
        counts: dict[str, dict[JobState, int]] = {}
        for (queue, state), count in Counter((job.queue, job.state) for job in self._tables.rows.jobs.values()).items():
            counts.setdefault(queue, {})[state] = min(count, COUNTED_UPTO) if state in FINISHED else count
        return counts

    @override
    async def queues(self) -> tuple[QueueInfo, ...]:
        unfinished = {job.queue for job in self._tables.rows.jobs.values() if job.state in UNFINISHED}
        return tuple(self._queue(name) for name in sorted(unfinished | {queue.value for queue in Queue}))

    def _queue(self, name: str) -> QueueInfo:
        rows = self._tables.rows
        own = [job for job in rows.jobs.values() if job.queue == name and job.state in UNFINISHED]
        available = [job.scheduled_at for job in own if job.state is JobState.AVAILABLE]
        return QueueInfo(
            name=name,
            paused_at=rows.paused_queues.get(name),
            workers=sum(worker.queues.get(name, 0) for worker in rows.job_workers.values()),
            counts=dict(Counter(job.state for job in own)),
            oldest_available_at=min(available, default=None),
        )

    @override
    async def workers(self) -> tuple[WorkerInfo, ...]:
        rows = self._tables.rows
        running = Counter(job.attempted_by for job in rows.jobs.values() if job.state is JobState.RUNNING)
        return tuple(replace(rows.job_workers[name], running=running[name]) for name in sorted(rows.job_workers))

    @override
    async def schedules(self) -> tuple[ScheduleInfo, ...]:
        stored = sorted(self._tables.rows.job_schedules.values(), key=lambda schedule: schedule.name)
        fields = ScheduleInfo.__struct_fields__
        return tuple(ScheduleInfo(**{name: getattr(schedule, name) for name in fields}) for schedule in stored)


def _shared(job: StoredJob) -> dict[str, Any]:
    """What lists show of it."""
    return {name: value for name, value in asdict(job).items() if name in JobSummary.__struct_fields__}


def _fits(job: StoredJob, wanted: JobFilter) -> bool:
    return all(
        (
            not wanted.states or job.state in wanted.states,
            not wanted.kinds or job.kind in wanted.kinds,
            not wanted.queues or job.queue in wanted.queues,
            not wanted.priorities or job.priority in wanted.priorities,
            set(wanted.tags) <= set(job.tags),
            not wanted.ids or job.id in wanted.ids,
            wanted.created_after is None or job.created_at >= wanted.created_after,
            wanted.created_before is None or job.created_at < wanted.created_before,
            wanted.cancel_requested is None or (job.cancel_requested_at is not None) is wanted.cancel_requested,
        )
    )
