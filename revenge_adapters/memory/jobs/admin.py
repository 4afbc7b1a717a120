"""What administrators do to jobs, in memory."""

from collections.abc import Collection, Sequence

from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.memory.job_rows import StoredJob
from revenge_adapters.memory.jobs.changes import cancelled, enqueued, holder_of
from revenge_adapters.memory.jobs.upkeep import scheduled_job
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.background import JobState
from revenge_core.jobs.entities import BulkItem, JobAct, Signal, SignalKind
from revenge_core.jobs.policy import displaced, refusal, results
from revenge_core.jobs.ports import JobAdmin


class MemoryJobAdmin(JobAdmin):
    """Jobs, queues and schedules inside a transaction over `rows`; `signals` are sent when it has committed."""

    def __init__(self, tables: MemoryTables, rows: Rows, signals: list[Signal]) -> None:
        self._tables = tables
        self._rows = rows
        self._signals = signals

    @override
    async def retry(self, ids: Sequence[int], *, states: Collection[JobState]) -> tuple[BulkItem, ...]:
        jobs = self._found(ids)
        refusals = {job.id: refusal(JobAct.RETRY, job.state, states) or self._retried(job) for job in jobs}
        return results(ids, refusals)

    def _retried(self, job: StoredJob) -> str | None:
        """Make the job available; why not, if it is refused."""
        if job.state is JobState.AVAILABLE:
            return None
        holder = None if job.unique_key is None else holder_of(self._rows, job.unique_key)
        if holder is not None and holder.id != job.id:
            return displaced(holder.id)
        self._rows.jobs[job.id] = replace(
            job,
            state=JobState.AVAILABLE,
            scheduled_at=self._tables.clock.now(),
            finalized_at=None,
            cancel_requested_at=None,
            max_attempts=max(job.max_attempts, job.attempt + 1),
        )
        self._tell_available(job.queue)
        return None

    @override
    async def cancel(self, ids: Sequence[int], *, states: Collection[JobState]) -> tuple[BulkItem, ...]:
        refusals = {job.id: refusal(JobAct.CANCEL, job.state, states) for job in self._found(ids)}
        now = self._tables.clock.now()
        for job_id in _not_refused(refusals):
            self._rows.jobs[job_id] = cancelled(self._rows.jobs[job_id], now, self._signals)
        return results(ids, refusals)

    @override
    async def delete(self, ids: Sequence[int], *, states: Collection[JobState]) -> tuple[BulkItem, ...]:
        refusals = {job.id: refusal(JobAct.DELETE, job.state, states) for job in self._found(ids)}
        gone = set(_not_refused(refusals))
        for job_id in gone:
            del self._rows.jobs[job_id]
        for key in [key for key in self._rows.job_items if key[0] in gone]:
            del self._rows.job_items[key]
        return results(ids, refusals)

    @override
    async def pause_queue(self, name: str, *, paused: bool) -> bool:
        if paused == (name in self._rows.paused_queues):
            return False
        if paused:
            self._rows.paused_queues[name] = self._tables.clock.now()
        else:
            del self._rows.paused_queues[name]
            self._tell_available(name)
        return True

    @override
    async def pause_schedule(self, name: str, *, paused: bool) -> bool | None:
        schedule = self._rows.job_schedules.get(name)
        if schedule is None:
            return None
        if paused == (schedule.paused_at is not None):
            return False
        paused_at = self._tables.clock.now() if paused else None
        self._rows.job_schedules[name] = replace(schedule, paused_at=paused_at)
        return True

    @override
    async def run_schedule(self, name: str) -> int | None:
        schedule = self._rows.job_schedules.get(name)
        if schedule is None:
            return None
        now = self._tables.clock.now()
        job = enqueued(self._rows, scheduled_job(self._tables, schedule, now, {}), self._signals)
        if not job.duplicate:
            self._rows.job_schedules[name] = replace(schedule, last_run_at=now, last_job_id=job.id)
        return job.id

    def _found(self, ids: Sequence[int]) -> list[StoredJob]:
        """Those that there are, each once."""
        return [self._rows.jobs[job_id] for job_id in dict.fromkeys(ids) if job_id in self._rows.jobs]

    def _tell_available(self, queue: str) -> None:
        self._signals.append(Signal(kind=SignalKind.AVAILABLE, key=queue))


def _not_refused(refusals: dict[int, str | None]) -> list[int]:
    return [job_id for job_id, refused in refusals.items() if refused is None]
