"""Enqueuing from outside of a use case, and looking after jobs, queues, schedules and workers."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final, Protocol

from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.errors import CursorInvalid
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.background import Enqueued, Job, JobState, Planned, Queue
from revenge_core.entity import Entity
from revenge_core.errors import FieldProblem
from revenge_core.jobs.entities import (
    BulkItem,
    ItemResult,
    JobDetail,
    JobFilter,
    JobItem,
    JobSummary,
    QueueInfo,
    ScheduleInfo,
    WorkerInfo,
)
from revenge_core.jobs.errors import (
    JobFilterInvalid,
    JobNotFound,
    JobStateConflict,
    QueueNotFound,
    ScheduleNotFound,
)
from revenge_core.jobs.policy import CANCELLED_FROM, DELETED_FROM, RETRIED_FROM, narrowed
from revenge_core.jobs.ports import JobAdmin, JobAdminTx, JobReader
from revenge_core.paging import Page, checked_limit
from revenge_core.permissions import Permission
from revenge_core.uow import UnitOfWork

MAX_BULK: Final = 1000
"""So many jobs at most are changed by one call; who wants more calls again until nothing is left."""
MAX_JOB_ID: Final = 2**63 - 1
DIGITS: Final = len(str(MAX_JOB_ID))


class _Chosen(Entity, kw_only=True):
    """Jobs, and the states in which they were wanted."""

    ids: tuple[int, ...]
    states: tuple[JobState, ...]


class _Act(Protocol):
    def __call__(self, ids: Sequence[int], *, states: Collection[JobState]) -> Awaitable[tuple[BulkItem, ...]]: ...


_Change = Callable[[JobAdmin], _Act]


class Jobs:
    """Jobs, queues, schedules and workers, for whoever may look after them. Every change is audited."""

    def __init__(self, uow: UnitOfWork[JobAdminTx], reader: JobReader, activity: Activity) -> None:
        self._uow = uow
        self._reader = reader
        self._activity = activity

    async def enqueue(self, actor: Actor, *jobs: Job | Planned) -> tuple[Enqueued, ...]:
        """Add jobs in a transaction of their own; use cases enqueue in theirs instead.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            JobRefused: a job breaks a rule; none was added.
        """
        actor.require(Permission.JOBS_ENQUEUE)
        async with self._uow.begin() as tx:
            enqueued = await tx.jobs.enqueue_many(jobs)
            await self._activity.write(
                tx,
                actor,
                Action.JOB_ENQUEUE,
                resource=_of_jobs([one.id for one in enqueued]),
                changes={"count": FieldChange(after=len(enqueued))},
            )
        return enqueued

    # Looking ---------------------------------------------------------------------------------------------------------

    async def list(
        self, actor: Actor, wanted: JobFilter, *, limit: int = 50, cursor: str | None = None
    ) -> Page[JobSummary]:
        """Jobs that fit the filter, newest first.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            CursorInvalid: the cursor is not one of this list.
            Invalid: `limit` is out of range.
        """
        actor.require(Permission.JOBS_LIST)
        before = None if cursor is None else _number(cursor)
        jobs = await self._reader.newest(wanted, limit=checked_limit(limit) + 1, before=before)
        page = jobs[:limit]
        return Page(items=page, next_cursor=str(page[-1].id) if len(jobs) > limit else None)

    async def count(self, actor: Actor, wanted: JobFilter) -> int:
        """How many jobs fit the filter: what a change of all of them would meet.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
        """
        actor.require(Permission.JOBS_LIST)
        return await self._reader.count(wanted)

    async def get(self, actor: Actor, job_id: int, *, args: bool = False) -> JobDetail:
        """One job with its attempts and errors; with its arguments for who may see those, which is audited.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            JobNotFound: there is no such job.
        """
        actor.require(Permission.JOBS_GET)
        if args:
            actor.require(Permission.JOBS_ARGS)
        job = await self._reader.by_id(job_id, args=args)
        if job is None:
            raise JobNotFound
        if args:
            async with self._uow.begin() as tx:
                await self._activity.write(tx, actor, Action.JOB_ARGS_READ, resource=_of_jobs([job_id]))
        return job

    async def items(self, actor: Actor, job_id: int, *, limit: int = 50, cursor: str | None = None) -> Page[JobItem]:
        """What became of the job's items, by name.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            JobNotFound: there is no such job.
            CursorInvalid: the cursor is not one of this list.
            Invalid: `limit` is out of range.
        """
        actor.require(Permission.JOBS_GET)
        if cursor is not None and "\x00" in cursor:
            raise CursorInvalid
        if await self._reader.by_id(job_id, args=False) is None:
            raise JobNotFound
        items = await self._reader.items(job_id, limit=checked_limit(limit) + 1, after=cursor)
        page = items[:limit]
        return Page(items=page, next_cursor=page[-1].item if len(items) > limit else None)

    async def counts(self, actor: Actor) -> dict[str, dict[JobState, int]]:
        """How many jobs are in which state, by queue.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
        """
        actor.require(Permission.JOBS_LIST)
        return await self._reader.counts()

    async def queues(self, actor: Actor) -> tuple[QueueInfo, ...]:
        """Every queue.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
        """
        actor.require(Permission.QUEUES_LIST)
        return await self._reader.queues()

    async def workers(self, actor: Actor) -> tuple[WorkerInfo, ...]:
        """Every living worker.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
        """
        actor.require(Permission.WORKERS_LIST)
        return await self._reader.workers()

    async def schedules(self, actor: Actor) -> tuple[ScheduleInfo, ...]:
        """Every schedule.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
        """
        actor.require(Permission.SCHEDULES_LIST)
        return await self._reader.schedules()

    # Changing --------------------------------------------------------------------------------------------------------

    async def retry(self, actor: Actor, which: Sequence[int] | JobFilter) -> tuple[BulkItem, ...]:
        """Make jobs available at once, whatever became of them before; running ones are refused. Each one's result.

        Of a filter only such as can be are taken, the newest 1,000 of them. The same holds for the two below.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            JobFilterInvalid: nothing in particular is selected, or more than 1,000 ids.
        """
        actor.require(Permission.JOBS_RETRY)
        chosen = await self._chosen(which, RETRIED_FROM)
        return await self._change(actor, chosen, Action.JOB_RETRY, lambda admin: admin.retry)

    async def cancel(self, actor: Actor, which: Sequence[int] | JobFilter) -> tuple[BulkItem, ...]:
        """End jobs: waiting ones at once, running ones as soon as their handler stops. Each one's result.

        Raises:
            Unauthenticated, Forbidden, JobFilterInvalid: as `retry`.
        """
        actor.require(Permission.JOBS_CANCEL)
        chosen = await self._chosen(which, CANCELLED_FROM)
        return await self._change(actor, chosen, Action.JOB_CANCEL, lambda admin: admin.cancel)

    async def delete(self, actor: Actor, which: Sequence[int] | JobFilter) -> tuple[BulkItem, ...]:
        """Delete jobs that do not run. Each one's result.

        Raises:
            Unauthenticated, Forbidden, JobFilterInvalid: as `retry`.
        """
        actor.require(Permission.JOBS_DELETE)
        chosen = await self._chosen(which, DELETED_FROM)
        return await self._change(actor, chosen, Action.JOB_DELETE, lambda admin: admin.delete)

    async def pause_queue(self, actor: Actor, name: str, *, paused: bool) -> QueueInfo:
        """Stop handing out a queue's jobs on every worker, or go on. Twice is the same as once.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            QueueNotFound: there is no such queue.
        """
        actor.require(Permission.QUEUES_UPDATE)
        if name not in set(Queue):
            raise QueueNotFound(f"There is no queue {name!r}; there are {', '.join(sorted(Queue))}")
        async with self._uow.begin() as tx:
            if await tx.job_admin.pause_queue(name, paused=paused):
                action = Action.QUEUE_PAUSE if paused else Action.QUEUE_RESUME
                await self._activity.write(tx, actor, action, resource=Resource(type="queue", key=name))
        return next(queue for queue in await self._reader.queues() if queue.name == name)

    async def pause_schedule(self, actor: Actor, name: str, *, paused: bool) -> ScheduleInfo:
        """Stop a schedule's ticks, or go on. Twice is the same as once.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            ScheduleNotFound: there is no such schedule.
        """
        actor.require(Permission.SCHEDULES_UPDATE)
        async with self._uow.begin() as tx:
            changed = await tx.job_admin.pause_schedule(name, paused=paused)
            if changed:
                action = Action.SCHEDULE_PAUSE if paused else Action.SCHEDULE_RESUME
                await self._activity.write(tx, actor, action, resource=Resource(type="schedule", key=name))
        for schedule in await self._reader.schedules():
            if schedule.name == name:
                return schedule
        raise ScheduleNotFound

    async def run_schedule(self, actor: Actor, name: str) -> JobSummary:
        """Enqueue a schedule's job now; its ticks stay as they are. The job, which may be one that waited already.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            ScheduleNotFound: there is no such schedule.
        """
        actor.require(Permission.SCHEDULES_RUN)
        async with self._uow.begin() as tx:
            job_id = await tx.job_admin.run_schedule(name)
            if job_id is None:
                raise ScheduleNotFound
            await self._activity.write(
                tx,
                actor,
                Action.SCHEDULE_RUN,
                resource=Resource(type="schedule", key=name),
                changes={"job": FieldChange(after=job_id)},
            )
        return await self._one(job_id)

    async def _change(self, actor: Actor, chosen: _Chosen, action: Action, change: _Change) -> tuple[BulkItem, ...]:
        if not chosen.ids:
            return ()
        async with self._uow.begin() as tx:
            results = await change(tx.job_admin)(chosen.ids, states=chosen.states)
            done = [one.id for one in results if one.result is ItemResult.DONE]
            if done:
                await self._activity.write(
                    tx,
                    actor,
                    action,
                    resource=_of_jobs(done),
                    changes={"count": FieldChange(after=len(done))},
                )
        return results

    async def _chosen(self, which: Sequence[int] | JobFilter, states: frozenset[JobState]) -> _Chosen:
        """The jobs that are named, whatever their state, or the newest that fit the filter and are in one of these."""
        if isinstance(which, JobFilter):
            if which == JobFilter():
                raise JobFilterInvalid("Say which jobs: by state, kind, queue, priority, tag, id or time")
            wanted = narrowed(which, states)
            if wanted is None:
                return _Chosen(ids=(), states=())
            jobs = await self._reader.newest(wanted, limit=MAX_BULK, before=None)
            return _Chosen(ids=tuple(job.id for job in jobs), states=wanted.states)
        if len(which) > MAX_BULK:
            raise JobFilterInvalid(
                problems=[FieldProblem(pointer="/ids", detail=f"must be at most {MAX_BULK}; send the rest afterwards")]
            )
        return _Chosen(ids=tuple(dict.fromkeys(which)), states=tuple(JobState))

    async def _one(self, job_id: int) -> JobSummary:
        job = await self._reader.by_id(job_id, args=False)
        if job is None:
            raise JobNotFound
        return job


def sole(results: Sequence[BulkItem]) -> None:
    """Turn the result of a call about one job into an answer or an error.

    Raises:
        JobNotFound, JobStateConflict: it was not done.
    """
    for one in results:
        if one.result is ItemResult.NOT_FOUND:
            raise JobNotFound
        if one.result is ItemResult.REFUSED:
            raise JobStateConflict(one.detail)


def _of_jobs(ids: Sequence[int]) -> Resource:
    """The audit log finds one job by its id; many are counted and named as far as there is room."""
    shown = ",".join(map(str, ids[:20]))
    return Resource(type="job", key=shown + (",…" if len(ids) > 20 else ""))  # noqa: PLR2004 -- room for twenty


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= DIGITS and int(cursor) <= MAX_JOB_ID):
        raise CursorInvalid
    return int(cursor)
