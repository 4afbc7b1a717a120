"""`/admin/jobs`: what waits, runs, and what became of it."""

from msgspec import UNSET, UnsetType

from revenge_core.activity.errors import CursorInvalid
from revenge_core.jobs.errors import JobNotFound, JobStateConflict
from revenge_core.jobs.service import require_done
from revenge_core.permissions import Permission
from revenge_http import jobs_bulk
from revenge_http.access import needs
from revenge_http.answers import Answer
from revenge_http.job_filter import Ids, JobFilter, JobId, Kinds, Priorities, Queues, States, Tags
from revenge_http.job_records import ItemInfo, ItemList, JobCounts, JobDetails, JobInfo, JobList
from revenge_http.operations import Call, operation
from revenge_http.paging import DEFAULT_LIMIT, Cursor, Limit, answer_with, opaque, opened
from revenge_http.wire import Timestamp, present

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
    require_done(await call.revenge.jobs.retry(call.actor, [job_id]))


@operation("POST", f"{_JOBS}/{{jobId}}/cancel", "adminCancelJob", needs(Permission.JOBS_CANCEL), raises=_refusals)
async def cancel_job(call: Call, job_id: JobId) -> None:
    """End a job: a waiting one at once, a running one as soon as it can be stopped; a finished one is refused."""
    require_done(await call.revenge.jobs.cancel(call.actor, [job_id]))


@operation("DELETE", f"{_JOBS}/{{jobId}}", "adminDeleteJob", needs(Permission.JOBS_DELETE), raises=_refusals)
async def delete_job(call: Call, job_id: JobId) -> None:
    """Delete a job and what was recorded of it; a running one is refused."""
    require_done(await call.revenge.jobs.delete(call.actor, [job_id]))


operations = (list_jobs, count_jobs, get_job, list_items, retry_job, cancel_job, delete_job, *jobs_bulk.operations)
