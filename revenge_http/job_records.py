"""Jobs, and what is told about them, on the wire."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from revenge_core.background import ItemStatus, JobState, Progress, Queue
from revenge_core.jobs.entities import Failure, JobDetail, JobItem, JobSummary
from revenge_http.paging import OnePage
from revenge_http.wire import Timestamp, Wire, present


class JobProgress(Wire, kw_only=True):
    """How far a long job is."""

    phase: str | UnsetType = UNSET
    current: int
    total: int | UnsetType = UNSET
    message: str | UnsetType = UNSET

    @classmethod
    def of(cls, progress: Progress | None) -> "JobProgress | UnsetType":
        """What the job reported last, if it ever did. Its cursor means something to the handler only."""
        if progress is None:
            return UNSET
        return cls(
            phase=present(progress.phase),
            current=progress.current,
            total=present(progress.total),
            message=present(progress.message),
        )


class JobInfo(Wire, kw_only=True):
    """A job, without what may be private in it. What is not known yet is left out."""

    id: int
    kind: str
    queue: str
    priority: int
    """1 goes first, 4 last."""
    state: JobState
    attempt: int
    max_attempts: int
    created_at: Timestamp
    scheduled_at: Timestamp
    attempted_at: Timestamp | UnsetType = UNSET
    attempted_by: str | UnsetType = UNSET
    finalized_at: Timestamp | UnsetType = UNSET
    cancel_requested_at: Timestamp | UnsetType = UNSET
    tags: list[str]
    progress: JobProgress | UnsetType = UNSET

    @classmethod
    def of(cls, job: JobSummary) -> "JobInfo":
        """The job as lists show it."""
        return cls(
            id=job.id,
            kind=job.kind,
            queue=job.queue,
            priority=job.priority,
            state=job.state,
            attempt=job.attempt,
            max_attempts=job.max_attempts,
            created_at=job.created_at,
            scheduled_at=job.scheduled_at,
            attempted_at=present(job.attempted_at),
            attempted_by=present(job.attempted_by),
            finalized_at=present(job.finalized_at),
            cancel_requested_at=present(job.cancel_requested_at),
            tags=list(job.tags),
            progress=JobProgress.of(job.progress),
        )


class JobFailure(Wire, kw_only=True):
    """Why an attempt ended as it did."""

    attempt: int
    at: Timestamp
    error: str
    trace: str | UnsetType = UNSET
    worker: str | UnsetType = UNSET

    @classmethod
    def of(cls, failure: Failure) -> "JobFailure":
        """One line of the job's history."""
        return cls(
            attempt=failure.attempt,
            at=failure.at,
            error=failure.error,
            trace=present(failure.trace),
            worker=present(failure.worker),
        )


class JobDetails(JobInfo, kw_only=True):
    """A job with its history. `args` are there if they were asked for; secrets in them stay sealed."""

    errors: list[JobFailure]
    metadata: dict[str, Any]
    timeout: float | UnsetType = UNSET
    """Seconds that one attempt may take; left out where there is no limit."""
    items: dict[str, int]
    """How many items of it have which status."""
    args: dict[str, Any] | UnsetType = UNSET

    @classmethod
    def of_detail(cls, job: JobDetail) -> "JobDetails":
        """The job as it is shown alone."""
        return cls(
            **msgspec.structs.asdict(JobInfo.of(job)),
            errors=[JobFailure.of(one) for one in job.errors],
            metadata=job.metadata,
            timeout=present(job.timeout),
            items={status.value: job.items.get(status, 0) for status in ItemStatus},
            args=UNSET if job.args is None else msgspec.json.decode(job.args),
        )


class JobList(OnePage, kw_only=True):
    """Jobs, the newest first."""

    jobs: list[JobInfo]
    total: int | UnsetType = UNSET
    """How many there are on all pages, counted up to 10,000; only if `total=true` asks for it."""


class ItemInfo(Wire, kw_only=True):
    """What became of one item of a job: a path, an address, an id."""

    item: str
    status: ItemStatus
    detail: str | UnsetType = UNSET
    at: Timestamp

    @classmethod
    def of(cls, item: JobItem) -> "ItemInfo":
        """One item."""
        return cls(item=item.item, status=item.status, detail=present(item.detail), at=item.at)


class ItemList(OnePage, kw_only=True):
    """Items of a job, by name."""

    items: list[ItemInfo]


class JobCounts(Wire, kw_only=True):
    """How many jobs are in which state, by queue and altogether. Finished ones are counted up to 10,000."""

    queues: dict[str, dict[JobState, int]]
    total: dict[JobState, int]

    @classmethod
    def of(cls, counts: dict[str, dict[JobState, int]]) -> "JobCounts":
        """Every queue and every state, also where there is no job."""
        names = sorted({*Queue, *counts})
        queues = {name: {state: counts.get(name, {}).get(state, 0) for state in JobState} for name in names}
        return cls(queues=queues, total={state: sum(found[state] for found in queues.values()) for state in JobState})
