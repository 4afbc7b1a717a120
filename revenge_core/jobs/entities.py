"""Jobs as workers and administrators see them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from msgspec import Raw

from revenge_core.background import ItemStatus, JobState, Missed, Progress, Queue
from revenge_core.entity import Entity

WORKERS: Final[Mapping[Queue, int]] = {
    Queue.CRITICAL: 20,
    Queue.HIGH: 15,
    Queue.DEFAULT: 10,
    Queue.LOW: 5,
    Queue.BULK: 3,
}
"""How many jobs of each queue one worker process runs at a time (rulings R5)."""


ANSWERED_WITHIN: Final = timedelta(seconds=10)
"""A claim that got no answer for so long gets none; longer than any store waits for its database."""


class JobRules(Entity, kw_only=True):
    """What the settings say about jobs."""

    lease: timedelta = timedelta(seconds=20)
    """A worker that was not heard of for so long has lost its jobs. It beats four times as often."""
    grace: timedelta = timedelta(minutes=1)
    """A job whose timeout passed so long ago is taken from a worker that lives."""
    keep_completed: timedelta = timedelta(days=1)
    keep_cancelled: timedelta = timedelta(days=1)
    keep_discarded: timedelta = timedelta(days=7)


class JobKey(Entity, kw_only=True):
    """One run of one job: what a worker holds, and what fences it off when it is late.

    `run` counts how often the job was handed out and never goes back, unlike the attempt.
    """

    id: int
    run: int


class Claimed(Entity, kw_only=True):
    """A job that was handed to a worker."""

    id: int
    run: int
    kind: str
    queue: str
    priority: int
    attempt: int
    max_attempts: int
    timeout: float | None
    """Seconds."""
    args: Raw
    metadata: dict[str, Any]
    progress: Progress | None
    created_at: datetime
    scheduled_at: datetime
    attempted_at: datetime

    @property
    def key(self) -> JobKey:
        """What to say when it is done."""
        return JobKey(id=self.id, run=self.run)


class Failure(Entity, kw_only=True):
    """Why an attempt ended as it did; kept with the job."""

    attempt: int
    at: datetime
    error: str
    trace: str | None = None
    worker: str | None = None


class Finish(Entity, kw_only=True):
    """How one run ended. It counts only while the run is the job's present one."""

    key: JobKey
    state: JobState
    delay: timedelta = timedelta(0)
    """For `SCHEDULED` and `RETRYABLE`: from the moment at which the database stores it."""
    refund: bool = False
    """The attempt does not count."""
    error: str | None = None
    trace: str | None = None


class Promoted(Entity, kw_only=True):
    """What became due."""

    queues: tuple[str, ...] = ()
    """Where jobs are available now that were not before."""
    next_in: timedelta | None = None
    """Until the next scheduled job is due; None where there is none."""


class SignalKind(StrEnum):
    """What workers are told."""

    AVAILABLE = "available"
    CANCEL = "cancel"
    SCHEDULED = "scheduled"


class Signal(Entity, kw_only=True):
    """A hint to workers that it is worth looking now. Looking from time to time finds the same."""

    kind: SignalKind
    key: str = ""
    """The queue in which a job is available, or the id of the job to cancel."""


class WorkerInfo(Entity, kw_only=True):
    """One process that runs jobs."""

    id: str
    host: str
    pid: int
    version: str
    queues: dict[str, int]
    """How many at a time, by queue."""
    started_at: datetime | None = None
    """None until it is enlisted: the database's time is what counts."""
    seen_at: datetime | None = None
    running: int = 0


class JobSummary(Entity, kw_only=True):
    """A job without what may be private in it."""

    id: int
    kind: str
    queue: str
    priority: int
    state: JobState
    attempt: int
    max_attempts: int
    created_at: datetime
    scheduled_at: datetime
    attempted_at: datetime | None
    attempted_by: str | None
    finalized_at: datetime | None
    cancel_requested_at: datetime | None
    tags: tuple[str, ...]
    progress: Progress | None


class JobDetail(JobSummary, kw_only=True):
    """A job with its history."""

    errors: tuple[Failure, ...]
    metadata: dict[str, Any]
    timeout: float | None
    items: dict[str, int]
    """How many items of it have which status."""
    args: Raw | None = None
    """None unless asked for by somebody who may see them. Secrets in it stay sealed."""


class JobItem(Entity, kw_only=True):
    """What became of one item of a job."""

    item: str
    status: ItemStatus
    detail: str | None
    at: datetime


class JobFilter(Entity, kw_only=True):
    """Which jobs: all conditions hold, None and empty ones ask for nothing."""

    states: tuple[JobState, ...] = ()
    kinds: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    """All of them."""
    ids: tuple[int, ...] = ()
    created_after: datetime | None = None
    """At this moment or later."""
    created_before: datetime | None = None
    cancel_requested: bool | None = None
    """Whether somebody asked for the job to be cancelled, also where its handler has not stopped yet."""


class JobAct(StrEnum):
    """What administrators do to jobs."""

    CANCEL = "cancel"
    DELETE = "delete"
    RETRY = "retry"


COUNTED_UPTO: Final = 10_000
"""Where finished jobs are counted, nobody counts further: this number stands for itself and for all above it."""


class QueueInfo(Entity, kw_only=True):
    """One queue at this moment."""

    name: str
    paused_at: datetime | None
    workers: int
    """How many jobs all living workers together run of it at a time."""
    counts: dict[JobState, int]
    """Unfinished states only; finished ones are counted by `counts()`."""
    oldest_available_at: datetime | None


class ScheduleInfo(Entity, kw_only=True):
    """One schedule at this moment."""

    name: str
    kind: str
    queue: str
    every: float
    """Seconds."""
    offset: float
    missed: Missed
    next_run_at: datetime
    last_run_at: datetime | None
    last_job_id: int | None
    paused_at: datetime | None


class ItemResult(StrEnum):
    """What became of one job of a bulk."""

    DONE = "done"
    NOT_FOUND = "not_found"
    REFUSED = "refused"


class BulkItem(Entity, kw_only=True):
    """One job of a bulk."""

    id: int
    result: ItemResult
    detail: str | None = None
