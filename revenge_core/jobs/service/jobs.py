"""Enqueuing from outside of a use case, and looking after jobs, queues and schedules."""

from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.background import Enqueued, Job, Planned
from revenge_core.jobs.ports import JobAdminTx, JobReader
from revenge_core.permissions import Permission
from revenge_core.uow import UnitOfWork


class Jobs:
    """Jobs, queues, schedules and workers, for whoever may."""

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
            return await tx.jobs.enqueue_many(jobs)
