"""`/admin/jobs`: what waits, runs, and what became of it."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from revenge_core.activity.errors import CursorInvalid
from revenge_core.background import ItemStatus, JobState, Progress, Queue
from revenge_core.jobs.entities import Failure, JobDetail, JobItem, JobSummary
from revenge_core.jobs.errors import JobNotFound, JobStateConflict
from revenge_core.jobs.service import sole
from revenge_core.permissions import Permission
from revenge_http import jobs_bulk
from revenge_http.access import needs
from revenge_http.answers import Answer
from revenge_http.job_filter import Ids, JobFilter, JobId, Kinds, Priorities, Queues, States, Tags
from revenge_http.operations import Call, operation
from revenge_http.paging import DEFAULT_LIMIT, Cursor, Limit, OnePage, answer_with, opaque, opened
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
    """How many there are on all pages, counted up to 100,000; only if `total=true` asks for it."""


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
    """How many jobs are in which state, by queue and altogether. Finished ones are counted up to 100,000."""

    queues: dict[str, dict[JobState, int]]
    total: dict[JobState, int]

    @classmethod
    def of(cls, counts: dict[str, dict[JobState, int]]) -> "JobCounts":
        """Every queue and every state, also where there is no job."""
        names = sorted({*Queue, *counts})
        queues = {name: {state: counts.get(name, {}).get(state, 0) for state in JobState} for name in names}
        return cls(queues=queues, total={state: sum(found[state] for found in queues.values()) for state in JobState})


_JOBS = "/api/v1/admin/jobs"


@operation("GET", _JOBS, "adminListJobs", needs(Permission.JOBS_LIST), answers={200: JobList}, raises=(CursorInvalid,))
async def list_jobs(
    call: Call,
    state: States = (),
    kind: Kinds = (),
    queue: Queues = (),
    priority: Priorities = (),
    tag: Tags = (),
    id: Ids = (),
    cancel_requested: bool | UnsetType = UNSET,  # noqa: FBT001 (a query parameter)
    created_after: Timestamp | UnsetType = UNSET,
    created_before: Timestamp | UnsetType = UNSET,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor | UnsetType = UNSET,
    total: bool = False,  # noqa: FBT001, FBT002 (a query parameter)
) -> Answer:
    """Jobs that fit every condition, the newest first; of tags all have to be there."""
    wanted = JobFilter(
        state=state,
        kind=kind,
        queue=queue,
        priority=priority,
        tag=tag,
        id=id,
        cancel_requested=cancel_requested,
        created_after=created_after,
        created_before=created_before,
    ).wanted()
    page = await call.revenge.jobs.list(call.actor, wanted, limit=limit, cursor=opened(cursor))
    count = await call.revenge.jobs.count(call.actor, wanted) if total else None
    jobs = [JobInfo.of(job) for job in page.items]
    return answer_with(call, JobList(jobs=jobs, next_cursor=opaque(page.next_cursor), total=present(count)))


@operation("GET", f"{_JOBS}/counts", "adminCountJobs", needs(Permission.JOBS_LIST))
async def count_jobs(call: Call) -> JobCounts:
    """How many jobs are in which state, by queue."""
    return JobCounts.of(await call.revenge.jobs.counts(call.actor))


@operation("GET", f"{_JOBS}/{{jobId}}", "adminGetJob", needs(Permission.JOBS_GET), raises=(JobNotFound,))
async def get_job(call: Call, job_id: JobId, args: bool = False) -> JobDetails:  # noqa: FBT001, FBT002 (a query parameter)
    """One job with its attempts and errors; with its arguments for who asks for them and holds `jobs:args`."""
    return JobDetails.of_detail(await call.revenge.jobs.get(call.actor, job_id, args=args))


@operation(
    "GET",
    f"{_JOBS}/{{jobId}}/items",
    "adminListJobItems",
    needs(Permission.JOBS_GET),
    answers={200: ItemList},
    raises=(JobNotFound, CursorInvalid),
)
async def list_items(
    call: Call, job_id: JobId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor | UnsetType = UNSET
) -> Answer:
    """What became of the items of a long job, by name."""
    page = await call.revenge.jobs.items(call.actor, job_id, limit=limit, cursor=opened(cursor))
    items = [ItemInfo.of(item) for item in page.items]
    return answer_with(call, ItemList(items=items, next_cursor=opaque(page.next_cursor)))


_refusals = (JobNotFound, JobStateConflict)


@operation("POST", f"{_JOBS}/{{jobId}}/retry", "adminRetryJob", needs(Permission.JOBS_RETRY), raises=_refusals)
async def retry_job(call: Call, job_id: JobId) -> None:
    """Run a job again as soon as a worker is free, whatever became of it before; a running one is refused."""
    sole(await call.revenge.jobs.retry(call.actor, [job_id]))


@operation("POST", f"{_JOBS}/{{jobId}}/cancel", "adminCancelJob", needs(Permission.JOBS_CANCEL), raises=_refusals)
async def cancel_job(call: Call, job_id: JobId) -> None:
    """End a job: a waiting one at once, a running one as soon as it can be stopped; a finished one is refused."""
    sole(await call.revenge.jobs.cancel(call.actor, [job_id]))


@operation("DELETE", f"{_JOBS}/{{jobId}}", "adminDeleteJob", needs(Permission.JOBS_DELETE), raises=_refusals)
async def delete_job(call: Call, job_id: JobId) -> None:
    """Delete a job and what was recorded of it; a running one is refused."""
    sole(await call.revenge.jobs.delete(call.actor, [job_id]))


operations = (list_jobs, count_jobs, get_job, list_items, retry_job, cancel_job, delete_job, *jobs_bulk.operations)
