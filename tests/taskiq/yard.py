"""Workers on a database of their own, the jobs they are given, and what became of those."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Final

from taskiq import TaskiqMiddleware

from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.store import PostgresJobStore
from revenge_adapters.postgres.jobs.upkeep import PostgresJobUpkeep
from revenge_adapters.postgres.jobs.wakeups import PostgresWakeUps
from revenge_adapters.postgres.sql import Query
from revenge_adapters.postgres.uow import PostgresUnitOfWork
from revenge_adapters.taskiq.shift import Shift
from revenge_adapters.taskiq.worker import Worker
from revenge_core.background import Job, JobContext, JobSpec, JobState, Planned, Queue
from revenge_core.entity import Entity
from revenge_core.jobs.entities import JobRules, WorkerInfo
from revenge_core.jobs.ports import JobStore
from revenge_core.jobs.service import Handlers
from revenge_core.testing.builders import a_worker
from tests.contracts.postgres_world import pass_time

PATIENCE_SECONDS: Final = 20
"""For what happens in a moment unless it never does."""


class Errand(Job, kw_only=True):
    """Something to do."""

    spec: ClassVar[JobSpec] = JobSpec(kind="errand", max_attempts=3)

    what: str = "bread"


class Hasty(Job, kw_only=True):
    """Something to do at once or not at all."""

    spec: ClassVar[JobSpec] = JobSpec(kind="hasty", timeout=timedelta(milliseconds=30))


class Stranger(Job, kw_only=True):
    """Something that no worker here knows."""

    spec: ClassVar[JobSpec] = JobSpec(kind="stranger")


class Found(Entity, kw_only=True):
    """A job as it is in the database."""

    state: JobState
    attempt: int
    run: int
    attempted_by: str | None
    wait: timedelta
    """Until it is due."""
    errors: list[dict[str, Any]]


FIND: Final = Query[Found](
    "find",
    """
    SELECT state, attempt, run, attempted_by, scheduled_at - clock_timestamp() AS wait, errors
      FROM revenge.jobs WHERE id = %(id)s
    """,
    Found,
)
COUNT: Final = Query[int]("count", "SELECT count(*) FROM revenge.jobs WHERE state = %(state)s", int)
WORKERS: Final = Query[str]("workers", "SELECT id FROM revenge.job_workers ORDER BY id", str)


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the database tells nobody of."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await happened():  # noqa: ASYNC110 -- for that reason
            await asyncio.sleep(0.01)


async def nothing(_job: Job, _ctx: JobContext) -> None:
    """Do it at once."""


@dataclass
class Yard:
    """One database and all that works on it. Change `store` or `upkeep` before a shift begins to have trouble."""

    url: str
    database: Database
    wake_ups: PostgresWakeUps
    store: JobStore = field(init=False)
    handlers: Handlers = field(init=False)
    uow: PostgresUnitOfWork = field(init=False)
    upkeep: PostgresJobUpkeep = field(init=False)

    def __post_init__(self) -> None:
        sealer = MemorySealer()
        self.store = PostgresJobStore(self.database, self.wake_ups)
        self.handlers = Handlers(sealer)
        self.uow = PostgresUnitOfWork(self.database, sealer=sealer, wake_ups=self.wake_ups)
        self.upkeep = PostgresJobUpkeep(self.database, self.wake_ups, sealer)

    async def enqueue(self, *jobs: Job | Planned) -> list[int]:
        """Commit jobs; their ids."""
        async with self.uow.begin() as tx:
            return [one.id for one in await tx.jobs.enqueue_many(jobs)]

    async def cancel(self, job_id: int) -> None:
        """Ask for the job to be cancelled."""
        async with self.uow.begin() as tx:
            await tx.jobs.cancel(job_id)

    async def find(self, job_id: int) -> Found:
        """The job as it is now."""
        found = await self.database.one(FIND, id=job_id)
        assert found is not None
        return found

    async def found_in(self, job_id: int, state: JobState) -> Found:
        """The job, as soon as it is in this state."""

        async def arrived() -> bool:
            return (await self.find(job_id)).state is state

        await until(arrived)
        return await self.find(job_id)

    async def count(self, state: JobState) -> int:
        """How many jobs are in this state."""
        return await self.database.one(COUNT, state=state) or 0

    async def counted(self, state: JobState, wanted: int) -> None:
        """Wait until so many jobs are in this state."""

        async def arrived() -> bool:
            return await self.count(state) == wanted

        await until(arrived)

    async def pass_time(self, seconds: float) -> None:
        """To the queue, the present is that much later."""
        await pass_time(self.database, seconds)

    async def workers(self) -> tuple[str, ...]:
        """Who is enlisted."""
        return await self.database.all(WORKERS)

    @asynccontextmanager
    async def store_of_its_own(self) -> AsyncGenerator[JobStore]:
        """For the thread that beats."""
        database = Database(self.url, min_size=1, max_size=1)
        try:
            await database.open()
            yield PostgresJobStore(database, self.wake_ups)
        finally:
            await database.close()

    def shift(
        self,
        info: WorkerInfo | None = None,
        *,
        lease: timedelta = timedelta(seconds=20),
        poll: timedelta = timedelta(milliseconds=100),
        stop_timeout: timedelta = timedelta(seconds=PATIENCE_SECONDS),
    ) -> Shift:
        """A worker, not yet at work."""
        return Shift(
            info or a_worker(),
            store=self.store,
            upkeep=self.upkeep,
            wake_ups=self.wake_ups,
            handlers=self.handlers,
            open_beat_store=self.store_of_its_own,
            enqueue=self._enqueue_one,
            rules=JobRules(lease=lease),
            poll=poll,
            stop_timeout=stop_timeout,
        )

    async def _enqueue_one(self, planned: Planned) -> int:
        (job_id,) = await self.enqueue(planned)
        return job_id

    @asynccontextmanager
    async def working(self, shift: Shift | None = None, *middlewares: TaskiqMiddleware) -> AsyncGenerator[Shift]:
        """A worker beside the block."""
        shift = shift or self.shift()
        async with Worker(shift, middlewares).running():
            yield shift


def workers_of(queue: Queue, count: int) -> WorkerInfo:
    """A worker for one queue."""
    return a_worker(queues={queue.value: count})


class Blocker:
    """A handler that waits until it is let go, and counts who is in it."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()

    async def __call__(self, _job: Job, _ctx: JobContext) -> None:
        """Wait."""
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.set()
        try:
            await self.gate.wait()
        finally:
            self.inside -= 1


def raising(error: BaseException) -> Callable[[Job, JobContext], Awaitable[None]]:
    """A handler that raises this."""

    async def handler(_job: Job, _ctx: JobContext) -> None:
        raise error

    return handler
