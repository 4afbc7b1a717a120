"""Enqueuing from outside of a use case, and looking after jobs, queues, schedules and workers."""

from collections.abc import Sequence

from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.errors import CursorInvalid
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.background import Enqueued, Job, JobState, Planned, Queue
from revenge_core.jobs.entities import (
    BulkItem,
    ItemResult,
    JobAct,
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
from revenge_core.jobs.policy import narrowed
from revenge_core.jobs.ports import JobAdminTx, JobReader
from revenge_core.jobs.service.selection import (
    MAX_BULK,
    MAX_JOB_ID,
    checked,
    checked_ids,
    how_chosen,
    how_many,
    number_in,
    of_jobs,
)
from revenge_core.paging import Page, checked_limit
from revenge_core.permissions import Permission
from revenge_core.uow import UnitOfWork

__all__ = ["MAX_BULK", "MAX_JOB_ID", "Jobs", "require_done"]


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
            added = [one.id for one in enqueued if not one.duplicate]
            if added:
                kinds = {Planned.of(job).job.spec.kind for job in jobs}
                told = {"kinds": FieldChange(after=", ".join(sorted(kinds)))}
                await self._activity.write(
                    tx, actor, Action.JOB_ENQUEUE, resource=of_jobs(added), changes=told | how_many(added)
                )
        return enqueued

    # Looking ---------------------------------------------------------------------------------------------------------

    async def list(
        self, actor: Actor, wanted: JobFilter, *, limit: int = 50, cursor: str | None = None
    ) -> Page[JobSummary]:
        """Jobs that fit the filter, newest first.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            JobFilterInvalid: it holds what nothing can be compared with.
            CursorInvalid: the cursor is not one of this list.
            Invalid: `limit` is out of range.
        """
        actor.require(Permission.JOBS_LIST)
        before = None if cursor is None else number_in(cursor)
        jobs = await self._reader.newest(checked(wanted), limit=checked_limit(limit) + 1, before=before)
        page = jobs[:limit]
        return Page(items=page, next_cursor=str(page[-1].id) if len(jobs) > limit else None)

    async def count(self, actor: Actor, wanted: JobFilter, *, act: JobAct | None = None) -> int:
        """How many jobs fit the filter, up to `COUNTED_UPTO`; with `act`, to how many of them it would be done.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            JobFilterInvalid: it holds what nothing can be compared with.
        """
        actor.require(Permission.JOBS_LIST)
        left = checked(wanted) if act is None else narrowed(checked(wanted), act)
        return 0 if left is None else await self._reader.count(left)

    async def get(self, actor: Actor, job_id: int, *, args: bool = False) -> JobDetail:
        """One job with its attempts and errors; with its arguments for who may see those, which is audited.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            JobNotFound: there is no such job.
        """
        actor.require(Permission.JOBS_GET)
        if args:
            actor.require(Permission.JOBS_ARGS)
        job = await self._found(job_id, args=args)
        if args:
            async with self._uow.begin() as tx:
                await self._activity.write(tx, actor, Action.JOB_ARGS_READ, resource=of_jobs([job_id]))
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
        await self._found(job_id)
        items = await self._reader.items(job_id, limit=checked_limit(limit) + 1, after=cursor)
        page = items[:limit]
        return Page(items=page, next_cursor=page[-1].item if len(items) > limit else None)

    async def counts(self, actor: Actor) -> dict[str, dict[JobState, int]]:
        """How many jobs are in which state, by queue: finished ones up to `COUNTED_UPTO`, all others exactly.

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
        """Every worker that was not given up; `seen_at` says when it was heard of last.

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

        Of those that fit a filter the newest 1,000 are taken with which it can be done (`policy.REACH`): where the
        filter names no state, only jobs that failed. The same holds for the two below.

        Raises:
            Unauthenticated, Forbidden: the actor may not.
            JobFilterInvalid: nothing in particular is selected, or more than 1,000 ids.
        """
        actor.require(Permission.JOBS_RETRY)
        return await self._change(actor, which, JobAct.RETRY)

    async def cancel(self, actor: Actor, which: Sequence[int] | JobFilter) -> tuple[BulkItem, ...]:
        """End jobs: waiting ones at once, running ones as soon as their handler stops. Each one's result.

        Of a filter those are left out of which it was wanted before.

        Raises:
            Unauthenticated, Forbidden, JobFilterInvalid: as `retry`.
        """
        actor.require(Permission.JOBS_CANCEL)
        return await self._change(actor, which, JobAct.CANCEL)

    async def delete(self, actor: Actor, which: Sequence[int] | JobFilter) -> tuple[BulkItem, ...]:
        """Delete jobs that do not run, with what was recorded of them; of a filter without states only finished ones.

        Raises:
            Unauthenticated, Forbidden, JobFilterInvalid: as `retry`.
        """
        actor.require(Permission.JOBS_DELETE)
        return await self._change(actor, which, JobAct.DELETE)

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
        return await self._found(job_id)

    async def _change(self, actor: Actor, which: Sequence[int] | JobFilter, act: JobAct) -> tuple[BulkItem, ...]:
        ids, states = await self._chosen(which, act)
        if not ids:
            return ()
        async with self._uow.begin() as tx:
            admin = tx.job_admin
            action, do = {
                JobAct.CANCEL: (Action.JOB_CANCEL, admin.cancel),
                JobAct.DELETE: (Action.JOB_DELETE, admin.delete),
                JobAct.RETRY: (Action.JOB_RETRY, admin.retry),
            }[act]
            results = await do(ids, states=states)
            done = [one.id for one in results if one.result is ItemResult.DONE]
            if done:
                changes = how_many(done) | how_chosen(which)
                await self._activity.write(tx, actor, action, resource=of_jobs(done), changes=changes)
        return results

    async def _chosen(
        self, which: Sequence[int] | JobFilter, act: JobAct
    ) -> tuple[tuple[int, ...], tuple[JobState, ...]]:
        """The jobs that are named, or those that fit the filter; and in which states they are wanted."""
        if not isinstance(which, JobFilter):
            return checked_ids(which), tuple(JobState)
        if which == JobFilter():
            raise JobFilterInvalid("Say which jobs: by state, kind, queue, priority, tag, id or time")
        wanted = narrowed(checked(which), act)
        if wanted is None:
            return (), ()
        jobs = await self._reader.newest(wanted, limit=MAX_BULK, before=None)
        return tuple(job.id for job in jobs), wanted.states

    async def _found(self, job_id: int, *, args: bool = False) -> JobDetail:
        job = await self._reader.by_id(job_id, args=args) if 1 <= job_id <= MAX_JOB_ID else None
        if job is None:
            raise JobNotFound
        return job


def require_done(results: Sequence[BulkItem]) -> None:
    """Turn the result of a call about one job into an answer or an error.

    Raises:
        JobNotFound, JobStateConflict: it was not done.
    """
    for one in results:
        if one.result is ItemResult.NOT_FOUND:
            raise JobNotFound
        if one.result is ItemResult.REFUSED:
            raise JobStateConflict(one.detail)
