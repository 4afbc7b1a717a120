"""`/admin/jobs/retry`, `cancel` and `delete`: the same done to many jobs, each with a result of its own."""

from collections.abc import Sequence
from http import HTTPStatus

from msgspec import UNSET, UnsetType

from revenge_core.errors import RevengeError
from revenge_core.jobs.entities import BulkItem, ItemResult
from revenge_core.jobs.errors import JobFilterInvalid
from revenge_core.jobs.service import require_done
from revenge_core.permissions import Permission
from revenge_http.access import needs
from revenge_http.job_filter import JobSelection
from revenge_http.operations import Call, operation
from revenge_http.problems import Problem, status_of
from revenge_http.wire import Wire, present


class JobResult(Wire, kw_only=True):
    """What became of one job: the status and the problem that a request about it alone would have got."""

    id: int
    status: int
    detail: str | UnsetType = UNSET
    problem: Problem | UnsetType = UNSET

    @classmethod
    def of(cls, call: Call, one: BulkItem) -> "JobResult":
        """The result of one."""
        try:
            require_done([one])
        except RevengeError as error:
            path = f"/api/v1/admin/jobs/{one.id}"
            problem = Problem.of(error, call.prefix, path, call.actor.origin.request_id or "")
            return cls(id=one.id, status=status_of(type(error)), problem=problem)
        return cls(id=one.id, status=HTTPStatus.NO_CONTENT.value, detail=present(one.detail))


class JobResults(Wire, kw_only=True):
    """What became of each job. With a filter, whatever is left is for another call; at the end there are no results."""

    results: list[JobResult]
    done: int
    failed: int

    @classmethod
    def of(cls, call: Call, results: Sequence[BulkItem]) -> "JobResults":
        """All results, in the order in which they were done."""
        done = sum(one.result is ItemResult.DONE for one in results)
        return cls(results=[JobResult.of(call, one) for one in results], done=done, failed=len(results) - done)


_JOBS = "/api/v1/admin/jobs"
_MIXED = HTTPStatus.MULTI_STATUS.value
_refusals = (JobFilterInvalid,)


@operation("POST", f"{_JOBS}/retry", "adminRetryJobs", needs(Permission.JOBS_RETRY), status=_MIXED, raises=_refusals)
async def retry_jobs(call: Call, body: JobSelection) -> JobResults:
    """Run many jobs again: those named, or all that fit a filter; without `state` in it, those that failed."""
    return JobResults.of(call, await call.revenge.jobs.retry(call.actor, body.which()))


@operation("POST", f"{_JOBS}/cancel", "adminCancelJobs", needs(Permission.JOBS_CANCEL), status=_MIXED, raises=_refusals)
async def cancel_jobs(call: Call, body: JobSelection) -> JobResults:
    """End many jobs: those named, or all that fit a filter; without `state` in it, those that are not finished."""
    return JobResults.of(call, await call.revenge.jobs.cancel(call.actor, body.which()))


@operation("POST", f"{_JOBS}/delete", "adminDeleteJobs", needs(Permission.JOBS_DELETE), status=_MIXED, raises=_refusals)
async def delete_jobs(call: Call, body: JobSelection) -> JobResults:
    """Delete many jobs: those named, or all that fit a filter; without `state` in it, those that are finished."""
    return JobResults.of(call, await call.revenge.jobs.delete(call.actor, body.which()))


operations = (retry_jobs, cancel_jobs, delete_jobs)
