"""What administrators do to jobs in PostgreSQL."""

from collections.abc import Collection, Sequence

from typing_extensions import override

from revenge_adapters.postgres.db import Transaction
from revenge_adapters.postgres.sql import Query, Replanned, SqlFile
from revenge_core.background import JobState
from revenge_core.entity import Entity
from revenge_core.jobs.entities import BulkItem, JobAct, Signal, SignalKind
from revenge_core.jobs.errors import JobStateConflict
from revenge_core.jobs.policy import displaced, refusal, results
from revenge_core.jobs.ports import JobAdmin


class LockedJob(Entity, kw_only=True):
    """A job that nobody else changes now."""

    id: int
    queue: str
    state: JobState
    key_to_take: bytes | None
    """Of a unique job that is finished and keeps nobody out: what a retry needs."""


class Displaced(Entity, kw_only=True):
    """A finished unique job, and the one that is there in its place."""

    id: int
    holder_id: int


class AddedJob(Entity, kw_only=True):
    """A schedule's job."""

    id: int
    queue: str


class Sql(SqlFile, file="admin.sql"):
    """The statements of administration."""

    lock: Replanned[LockedJob]
    retry: Replanned[int]
    holders: Replanned[Displaced]
    cancel: Replanned[None]
    delete: Replanned[None]
    pause_queue: Query[None]
    resume_queue: Query[None]
    pause_schedule: Query[bool]
    lock_schedule: Query[str]
    run_schedule: Query[AddedJob]
    standing_for_schedule: Replanned[int]
    tell_run: Query[None]


class PostgresJobAdmin(JobAdmin):
    """Jobs, queues and schedules inside a transaction. What workers are to be told goes into `signals`."""

    def __init__(self, transaction: Transaction, signals: dict[Signal, None]) -> None:
        self._transaction = transaction
        self._signals = signals

    @override
    async def retry(self, ids: Sequence[int], *, states: Collection[JobState]) -> tuple[BulkItem, ...]:
        locked, refusals = await self._locked(ids, JobAct.RETRY, states)
        wanted = [
            locked[job_id]
            for job_id in dict.fromkeys(ids)
            if job_id in refusals and refusals[job_id] is None and locked[job_id].state is not JobState.AVAILABLE
        ]
        retried = await self._retry([job.id for job in wanted if job.key_to_take is None])
        # The first named of those with the same key. One after the other by key, as they are enqueued in bulk: in
        # another order, a retry and who enqueues the same jobs wait for each other.
        first = {job.key_to_take: job.id for job in reversed(wanted) if job.key_to_take is not None}
        for _, job_id in sorted(first.items()):
            retried |= await self._retry([job_id])
        left = [job.id for job in wanted if job.id not in retried]
        if left:
            holders = {one.id: one.holder_id for one in await self._transaction.all(Sql.holders, ids=left)}
            refusals |= {job_id: displaced(holders.get(job_id)) for job_id in left}
        for job_id in retried:
            self._tell(SignalKind.AVAILABLE, locked[job_id].queue)
        return results(ids, refusals)

    async def _retry(self, ids: list[int]) -> frozenset[int]:
        """Make them available; those that are now."""
        while ids:
            try:
                async with self._transaction.savepoint():
                    return frozenset(await self._transaction.all(Sql.retry, ids=ids))
            except JobStateConflict:
                # Somebody enqueued the same job since the statement began. Now it can be seen: once again.
                continue
        return frozenset()

    @override
    async def cancel(self, ids: Sequence[int], *, states: Collection[JobState]) -> tuple[BulkItem, ...]:
        locked, refusals = await self._locked(ids, JobAct.CANCEL, states)
        chosen = [job_id for job_id, refused in refusals.items() if refused is None]
        await self._transaction.run(Sql.cancel, ids=chosen)
        for job_id in chosen:
            if locked[job_id].state is JobState.RUNNING:
                self._tell(SignalKind.CANCEL, str(job_id))
        return results(ids, refusals)

    @override
    async def delete(self, ids: Sequence[int], *, states: Collection[JobState]) -> tuple[BulkItem, ...]:
        _, refusals = await self._locked(ids, JobAct.DELETE, states)
        await self._transaction.run(Sql.delete, ids=[job_id for job_id, refused in refusals.items() if refused is None])
        return results(ids, refusals)

    @override
    async def pause_queue(self, name: str, *, paused: bool) -> bool:
        changed = await self._transaction.run(Sql.pause_queue if paused else Sql.resume_queue, name=name) == 1
        if changed and not paused:
            self._tell(SignalKind.AVAILABLE, name)
        return changed

    @override
    async def pause_schedule(self, name: str, *, paused: bool) -> bool | None:
        return await self._transaction.one(Sql.pause_schedule, name=name, paused=paused)

    @override
    async def run_schedule(self, name: str) -> int | None:
        if await self._transaction.one(Sql.lock_schedule, name=name) is None:
            return None
        while True:
            added = await self._transaction.one(Sql.run_schedule, name=name)
            if added is not None:
                await self._transaction.run(Sql.tell_run, name=name, job_id=added.id)
                self._tell(SignalKind.AVAILABLE, added.queue)
                return added.id
            standing = await self._transaction.one(Sql.standing_for_schedule, name=name)
            if standing is not None:
                return standing
            # It finished in between and keeps nobody out any more: once again.

    async def _locked(
        self, ids: Sequence[int], act: JobAct, states: Collection[JobState]
    ) -> tuple[dict[int, LockedJob], dict[int, str | None]]:
        """The jobs that there are, locked; and why the act is refused to each, None where it is not."""
        locked = {job.id: job for job in await self._transaction.all(Sql.lock, ids=list(ids))}
        return locked, {job.id: refusal(act, job.state, states) for job in locked.values()}

    def _tell(self, kind: SignalKind, key: str) -> None:
        self._signals[Signal(kind=kind, key=key)] = None
