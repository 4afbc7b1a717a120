"""What happens to one job of the doubles, whoever does it: enqueued, handed back, cancelled."""

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from revenge_adapters.memory.job_rows import StoredJob
from revenge_adapters.memory.tables import Rows
from revenge_core.background import FINISHED, Enqueued, JobState
from revenge_core.jobs.entities import Failure, JobKey, Signal, SignalKind
from revenge_core.jobs.policy import MAX_ERRORS
from revenge_core.secrets import Sealer, Secret


def sealing(sealer: Sealer, kind: str) -> Callable[[Secret], str]:
    """Seals secrets of jobs of this kind."""
    return lambda secret: sealer.seal(secret, f"job {kind}")


def enqueued(rows: Rows, job: StoredJob, signals: list[Signal]) -> Enqueued:
    """Add the job, unless it is unique and another stands in its place."""
    in_its_place = None if job.unique_key is None else holder_of(rows, job.unique_key)
    if in_its_place is not None:
        return Enqueued(id=in_its_place.id, duplicate=True)
    rows.jobs[job.id] = job
    if job.state is JobState.SCHEDULED:
        signals.append(Signal(kind=SignalKind.SCHEDULED))
    else:
        signals.append(Signal(kind=SignalKind.AVAILABLE, key=job.queue))
    return Enqueued(id=job.id)


def holder_of(rows: Rows, unique_key: bytes) -> StoredJob | None:
    """The job that keeps others of this key out."""
    same = (job for job in rows.jobs.values() if job.unique_key == unique_key)
    return next((job for job in same if job.state in job.unique_states), None)


def run_of(rows: Rows, key: JobKey) -> StoredJob | None:
    """The job, if this very run has it now."""
    job = rows.jobs.get(key.id)
    return job if job is not None and job.state is JobState.RUNNING and job.run == key.run else None


def failed(job: StoredJob, error: str, now: datetime, *, trace: str | None = None) -> StoredJob:
    """The job, with another error among the latest that are kept."""
    failure = Failure(attempt=job.attempt, at=now, error=error, trace=trace, worker=job.attempted_by)
    return replace(job, errors=(*job.errors, failure)[-MAX_ERRORS:])


def over(job: StoredJob, state: JobState, now: datetime) -> StoredJob:
    """The job, finished."""
    return replace(job, state=state, finalized_at=now)


def given_back(job: StoredJob, now: datetime) -> StoredJob:
    """The running job as if it had not been handed out; cancelled, if somebody wanted that."""
    uncounted = replace(job, attempt=job.attempt - 1)
    if job.cancel_requested_at is not None:
        return over(uncounted, JobState.CANCELLED, now)
    return replace(uncounted, state=JobState.AVAILABLE)


def cancelled(job: StoredJob, now: datetime, signals: list[Signal]) -> StoredJob:
    """The job after somebody asked for its end: a running one is only marked, and its worker told."""
    if job.state in FINISHED:
        return job
    job = replace(job, cancel_requested_at=job.cancel_requested_at or now)
    if job.state is not JobState.RUNNING:
        return over(job, JobState.CANCELLED, now)
    signals.append(Signal(kind=SignalKind.CANCEL, key=str(job.id)))
    return job
