"""Runs the jobs of the doubles when it is told to: one after the other, in the present task, at the clock's time."""

import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from msgspec.structs import replace

from revenge_adapters.memory.tables import MemoryTables
from revenge_core.background import (
    FINISHED,
    CancelJob,
    DiscardJob,
    J,
    JobState,
    Queue,
    RetryAfter,
    Snooze,
)
from revenge_core.entity import Entity
from revenge_core.jobs import Handlers
from revenge_core.jobs.entities import WORKERS, Claimed, WorkerInfo
from revenge_core.jobs.policy import decoded, finish_of
from revenge_core.jobs.ports import JobStore, JobUpkeep
from revenge_core.jobs.service import RunningJob
from revenge_core.secrets import Sealer

ASKED_FOR: Final = (Snooze, RetryAfter, CancelJob, DiscardJob)
"""What handlers raise on purpose."""
MOST_RUNS: Final = 10_000
"""So many in one go look like jobs that never come to an end."""


class Ran(Entity, kw_only=True):
    """One run of a job, and what came of it."""

    id: int
    kind: str
    attempt: int
    state: JobState | None
    """The job's, after the run; None if it is not there any more."""
    error: Exception | None = None
    """What the handler raised."""


class MemoryWorker:
    """The worker of a sandbox. It does nothing by itself: `run` does all that is due by now."""

    def __init__(
        self, tables: MemoryTables, store: JobStore, upkeep: JobUpkeep, handlers: Handlers, sealer: Sealer
    ) -> None:
        self._tables = tables
        self._store = store
        self._upkeep = upkeep
        self._handlers = handlers
        self._sealer = sealer
        self._numbers = itertools.count(1)

    def enqueued(self, kind: type[J]) -> tuple[J, ...]:
        """The payloads of all jobs of this kind that are not finished, in the order of enqueuing; secrets opened."""
        name = kind.spec.kind
        jobs = (job for job in self._tables.rows.jobs.values() if job.kind == name and job.state not in FINISHED)
        return tuple(
            decoded(kind, msgspec.Raw(job.args), lambda sealed: self._sealer.unseal(sealed, f"job {name}"))
            for job in jobs
        )

    async def run(self, *, raise_errors: bool = False) -> tuple[Ran, ...]:
        """Run all jobs that are due, also those that they enqueue and those of schedules, one after the other.

        What is to come later waits until the clock was advanced, a retry too. Timeouts do not end a run here. With
        `raise_errors` the first error that a handler did not raise on purpose is raised, its run ended as usual.

        Raises:
            RuntimeError: jobs go on for ever.
        """
        ran: list[Ran] = []
        async with self._enlisted() as worker_id:
            while claimed := await self._next(worker_id):
                ran.append(await self._run(claimed))
                if raise_errors and ran[-1].error is not None and not isinstance(ran[-1].error, ASKED_FOR):
                    raise ran[-1].error
                if len(ran) >= MOST_RUNS:
                    message = f"{MOST_RUNS} runs, and there are still jobs to do; the last was of kind {claimed.kind}"
                    raise RuntimeError(message)
        return tuple(ran)

    @asynccontextmanager
    async def _enlisted(self) -> AsyncGenerator[str]:
        """A worker of this call alone; whatever it did not get to end is given back."""
        queues = {queue.value: 1 for queue in Queue}
        name = f"sandbox-{next(self._numbers)}"
        await self._store.enlist(WorkerInfo(id=name, host="sandbox", pid=0, version="", queues=queues))
        await self._declare()
        try:
            yield name
        finally:
            await self._store.leave(name)

    async def _declare(self) -> None:
        """Whatever schedules are in the sandbox are its program's, however long it did not run."""
        async with self._tables.draft() as rows:
            now = self._tables.clock.now()
            rows.job_schedules = {name: replace(one, declared_at=now) for name, one in rows.job_schedules.items()}

    async def _next(self, worker_id: str) -> Claimed | None:
        """The job to run now, from the most urgent queue that has one."""
        await self._upkeep.promote()
        await self._upkeep.tick()
        others = sorted({job.queue for job in self._tables.rows.jobs.values()} - {queue.value for queue in WORKERS})
        for queue in (*WORKERS, *others):
            for claimed in await self._store.claim(worker_id, {queue: 1}, kinds=self._handlers.kinds):
                return claimed
        return None

    async def _run(self, claimed: Claimed) -> Ran:
        problem: Exception | None = None
        context = RunningJob(claimed, self._store)
        try:
            await self._handlers.run(claimed, context)
        except Exception as error:  # noqa: BLE001 -- whatever a handler raises is how its run ends
            problem = error
        retry = self._handlers.retry_of(claimed.kind)
        await self._store.finish([finish_of(claimed, retry, context.end(problem), chance=0.5, secrets=context.secrets)])
        job = self._tables.rows.jobs.get(claimed.id)
        return Ran(
            id=claimed.id,
            kind=claimed.kind,
            attempt=claimed.attempt,
            state=None if job is None else job.state,
            error=problem,
        )
