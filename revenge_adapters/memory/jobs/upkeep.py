"""What keeps the job queue going, in memory."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.memory.job_rows import StoredJob, StoredSchedule
from revenge_adapters.memory.jobs.changes import enqueued, failed, over, sealing
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.background import JobState, Planned, Schedule
from revenge_core.jobs.entities import JobRules, Promoted, Signal, SignalKind
from revenge_core.jobs.policy import DECLARED_FOR, LOST, OVERRAN, due, next_tick, prepared, rescue_delay
from revenge_core.jobs.ports import JobUpkeep, WakeUps
from revenge_core.secrets import Sealer

FORGOTTEN_AFTER: Final = timedelta(days=30)
LOSS: Final = LOST.partition(":")[0]


class MemoryJobUpkeep(JobUpkeep):
    """Jobs and schedules of `tables`."""

    def __init__(self, tables: MemoryTables, sealer: Sealer, wake_ups: WakeUps) -> None:
        self._tables = tables
        self._sealer = sealer
        self._wake_ups = wake_ups

    @override
    async def lead(self, worker_id: str, lease: timedelta) -> bool:
        async with self._tables.draft() as rows:
            now = self._tables.clock.now()
            if any(other != worker_id and until > now for other, until in rows.job_leader.items()):
                return False
            rows.job_leader = {worker_id: now + lease}
            return True

    @override
    async def promote(self) -> Promoted:
        async with self._tables.draft() as rows:
            now = self._tables.clock.now()
            waiting = [job for job in rows.jobs.values() if job.state in {JobState.SCHEDULED, JobState.RETRYABLE}]
            ready = [job for job in waiting if job.scheduled_at <= now]
            rows.jobs.update((job.id, replace(job, state=JobState.AVAILABLE)) for job in ready)
        self._tell(ready)
        return Promoted(
            queues=tuple(sorted({job.queue for job in ready})),
            next_in=min((job.scheduled_at - now for job in waiting if job.scheduled_at > now), default=None),
        )

    @override
    async def rescue(self, rules: JobRules) -> tuple[int, ...]:
        async with self._tables.draft() as rows:
            now = self._tables.clock.now()
            self._tables.leases_since = self._tables.leases_since or now
            if now - self._tables.leases_since < rules.lease:
                return ()
            silent = {
                worker.id
                for worker in rows.job_workers.values()
                if worker.seen_at is None or now - worker.seen_at > rules.lease
            }
            for worker_id in silent:
                del rows.job_workers[worker_id]
            running = [job for job in rows.jobs.values() if job.state is JobState.RUNNING]
            lost = {
                job.id: _rescued(job, LOST, now)
                for job in running
                if job.attempted_by in silent
                or (job.attempted_by not in rows.job_workers and _held_since(job) < now - rules.lease)
            }
            overran = {job.id: _rescued(job, OVERRAN, now) for job in running if _overran(job, now - rules.grace)}
            rescued = overran | lost
            rows.jobs.update(rescued)
        self._tell([job for job in rescued.values() if job.state is JobState.AVAILABLE])
        return tuple(sorted(rescued))

    @override
    async def clean(self, rules: JobRules, *, limit: int = 1000) -> int:
        kept_for = {
            JobState.COMPLETED: rules.keep_completed,
            JobState.CANCELLED: rules.keep_cancelled,
            JobState.DISCARDED: rules.keep_discarded,
        }
        async with self._tables.draft() as rows:
            now = self._tables.clock.now()
            old = sorted(
                (job.finalized_at, job.id)
                for job in rows.jobs.values()
                if job.finalized_at is not None and now - job.finalized_at > kept_for[job.state]
            )
            gone = {job_id for _, job_id in old[:limit]}
            rows.jobs = {job_id: job for job_id, job in rows.jobs.items() if job_id not in gone}
            rows.job_items = {key: item for key, item in rows.job_items.items() if key[0] not in gone}
            rows.job_schedules = {
                name: one for name, one in rows.job_schedules.items() if now - one.declared_at <= FORGOTTEN_AFTER
            }
            return len(gone)

    @override
    async def declare(self, schedules: Sequence[Schedule]) -> None:
        async with self._tables.draft() as rows:
            self.declare_in(rows, schedules)

    def declare_in(self, rows: Rows, schedules: Sequence[Schedule]) -> None:
        """Make the schedules known in these rows: a sandbox is made where no event loop runs."""
        for schedule in schedules:
            rows.job_schedules[schedule.name] = self._declared(schedule, rows.job_schedules.get(schedule.name))

    @override
    async def tick(self) -> tuple[int, ...]:
        ids: list[int] = []
        signals: list[Signal] = []
        async with self._tables.draft() as rows:
            now = self._tables.clock.now()
            for schedule in sorted(rows.job_schedules.values(), key=lambda one: one.name):
                if schedule.paused_at is None and now - schedule.declared_at < DECLARED_FOR:
                    ids += self._ticked(rows, schedule, signals)
        self._wake_ups.send(signals)
        return tuple(ids)

    def _declared(self, schedule: Schedule, known: StoredSchedule | None) -> StoredSchedule:
        now = self._tables.clock.now()
        kind = schedule.job.spec.kind
        job = prepared(Planned(job=schedule.job), now=now, seal=sealing(self._sealer, kind))
        fresh = StoredSchedule(
            name=schedule.name,
            kind=kind,
            queue=job.queue.value,
            priority=job.priority,
            max_attempts=job.max_attempts,
            timeout=job.timeout,
            args=job.args,
            unique_key=job.unique_key,
            unique_states=frozenset(job.unique_states),
            every=schedule.every.total_seconds(),
            offset=schedule.offset.total_seconds(),
            missed=schedule.missed,
            next_run_at=next_tick(schedule.every, schedule.offset, now),
            declared_at=now,
        )
        if known is None:
            return replace(fresh, next_run_at=now) if schedule.at_start else fresh
        same_ticks = (known.every, known.offset) == (fresh.every, fresh.offset)
        return replace(
            fresh,
            next_run_at=known.next_run_at if same_ticks else fresh.next_run_at,
            last_run_at=known.last_run_at,
            last_job_id=known.last_job_id,
            paused_at=known.paused_at,
        )

    def _ticked(self, rows: Rows, schedule: StoredSchedule, signals: list[Signal]) -> list[int]:
        """Enqueue what the schedule has due; ids of the jobs that were added."""
        now = self._tables.clock.now()
        every, offset = timedelta(seconds=schedule.every), timedelta(seconds=schedule.offset)
        done = due(every, offset, schedule.missed, next_run_at=schedule.next_run_at, now=now)
        jobs = [scheduled_job(self._tables, schedule, now, {"tick": tick.isoformat()}) for tick in done.ticks]
        made = [one for one in (enqueued(rows, job, signals) for job in jobs) if not one.duplicate]
        rows.job_schedules[schedule.name] = replace(
            schedule,
            next_run_at=done.next_run_at,
            last_run_at=now if done.ticks else schedule.last_run_at,
            last_job_id=made[-1].id if made else schedule.last_job_id,
        )
        return [one.id for one in made]

    def _tell(self, available: Sequence[StoredJob]) -> None:
        queues = sorted({job.queue for job in available})
        self._wake_ups.send(Signal(kind=SignalKind.AVAILABLE, key=queue) for queue in queues)


def scheduled_job(tables: MemoryTables, schedule: StoredSchedule, now: datetime, metadata: dict[str, str]) -> StoredJob:
    """The schedule's job, available now."""
    return StoredJob(
        id=next(tables.job_ids),
        kind=schedule.kind,
        queue=schedule.queue,
        priority=schedule.priority,
        state=JobState.AVAILABLE,
        args=schedule.args,
        max_attempts=schedule.max_attempts,
        timeout=schedule.timeout,
        created_at=now,
        scheduled_at=now,
        metadata={"schedule": schedule.name, **metadata},
        unique_key=schedule.unique_key,
        unique_states=schedule.unique_states,
    )


def _held_since(job: StoredJob) -> datetime:
    return job.attempted_at or job.created_at


def _overran(job: StoredJob, at: datetime) -> bool:
    """Whether the attempt's time was over before `at`."""
    return job.timeout is not None and _held_since(job) + timedelta(seconds=job.timeout) < at


def _rescued(job: StoredJob, error: str, now: datetime) -> StoredJob:
    job = failed(job, error, now)
    if job.cancel_requested_at is not None:
        return over(job, JobState.CANCELLED, now)
    if job.attempt >= job.max_attempts:
        return over(job, JobState.DISCARDED, now)
    delay = rescue_delay(sum(one.error.startswith(LOSS) for one in job.errors), job.attempt)
    return replace(job, state=JobState.RETRYABLE if delay else JobState.AVAILABLE, scheduled_at=now + delay)
