"""Ours, as `revenge serve` runs it: the product's own wiring, everything switched on."""

import asyncio
import math
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import ClassVar, Final

import psycopg

from revenge_adapters.postgres.sql import Query
from revenge_adapters.wiring.program import Program, opened
from revenge_adapters.wiring.settings import Settings
from revenge_adapters.wiring.settings.records import Auth, Database, Jobs
from revenge_adapters.wiring.worker import working
from revenge_core.background import Handler, Job, JobContext, JobSpec, Planned, Queue, Unique
from revenge_core.jobs.service import Handlers
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from tests.bench.queues import measures
from tests.bench.queues.measures import Watch, by_many, latencies

SHARE: Final = 20 / 53
"""Of all places, those of the queue `critical`."""
INSERT: Final[Query[None]] = Query("effect", "INSERT INTO public.effects (payload) VALUES ('x')", type(None))


class Work(Job, kw_only=True):
    """A job that is hardly any."""

    spec: ClassVar[JobSpec] = JobSpec(kind="bench_work", queue=Queue.CRITICAL)

    number: int


class Sole(Job, kw_only=True):
    """The same, of which there is one at a time by number."""

    spec: ClassVar[JobSpec] = JobSpec(kind="bench_sole", queue=Queue.CRITICAL, unique=Unique())

    number: int


class RevengeQueue(measures.Queue):
    """Measures ours."""

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def _program(
        self, places: int, handler: Handler[Work] | None = None, *, connections: int = 10, anew: bool = True
    ) -> AsyncGenerator[Program]:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            if anew:
                await connection.execute("DROP SCHEMA IF EXISTS revenge CASCADE")
            await connection.execute(measures.EFFECT_TABLE)
        settings = Settings(
            auth=Auth(jwt_secret=Secret("bench " * 8)),
            database=Database(url=Secret(self._url), pool_max=connections),
            jobs=Jobs(max_workers=math.ceil(places / SHARE)),
        )

        def register(revenge: Revenge, handlers: Handlers) -> None:
            handlers.add(Work, handler or _nobody)

        async with opened(settings, register, works=True) as program:
            yield program

    async def drain(self, jobs: int, concurrency: int, *, effect: bool, finished: int = 0) -> float:
        """As every queue; `finished` jobs lie in the table already."""
        watch = Watch(jobs)

        async def work(job: Work, ctx: JobContext) -> None:
            if effect:
                async with program.adapters.database().transaction() as transaction:
                    await transaction.run(INSERT)
            watch.tick()

        async with self._program(concurrency, work) as program:
            if finished:
                await self._history(finished)
            await _fill(program, jobs)
            async with working(program, None):
                return await watch.rate()

    async def enqueue(self, jobs: int, connections: int) -> float:
        async with self._program(1, connections=connections) as program:
            uow = program.adapters.uow()

            async def one() -> None:
                async with uow.begin() as tx:
                    await tx.jobs.enqueue(Work(number=1))

            return await by_many(jobs, connections, one)

    async def bulk(self, jobs: int, size: int, *, unique: bool) -> float:
        """Jobs per second in transactions of `size` jobs each; without uniqueness 1,000 and more are copied."""
        async with self._program(1) as program:
            kind = Sole if unique else Work
            batches = [[kind(number=n) for n in range(start, start + size)] for start in range(0, jobs, size)]
            began = time.perf_counter()
            for batch in batches:
                async with program.adapters.uow().begin() as tx:
                    await tx.jobs.enqueue_many(batch)
            return len(batches) * size / (time.perf_counter() - began)

    async def idle(self, samples: int) -> list[float]:
        started: asyncio.Queue[float] = asyncio.Queue()

        async def work(job: Work, ctx: JobContext) -> None:
            started.put_nowait(time.perf_counter())

        async with self._program(10, work) as program, working(program, None):
            uow = program.adapters.uow()

            async def one() -> None:
                async with uow.begin() as tx:
                    await tx.jobs.enqueue(Work(number=1))

            return await latencies(samples, one, started)

    async def lateness(self, samples: int) -> list[float]:
        """Milliseconds from the time jobs were scheduled for to their start; each alone."""
        late: asyncio.Queue[float] = asyncio.Queue()

        async def work(job: Work, ctx: JobContext) -> None:
            late.put_nowait(1000 * (program.adapters.clock().now() - due[job.number]).total_seconds())

        due: dict[int, datetime] = {}
        async with self._program(10, work) as program, working(program, None):
            for number in range(samples):
                due[number] = program.adapters.clock().now() + timedelta(seconds=0.5 + number % 7 / 10)
                async with program.adapters.uow().begin() as tx:
                    await tx.jobs.enqueue(Planned(job=Work(number=number), at=due[number]))
                await asyncio.sleep(0.037)
            async with asyncio.timeout(measures.PATIENCE_SECONDS):
                return [await late.get() for _ in range(samples)]

    async def cancelling(self, samples: int) -> list[float]:
        """Milliseconds from cancelling a job that runs in another process' place to its handler's end."""
        begun: asyncio.Queue[int] = asyncio.Queue()
        ended: asyncio.Queue[float] = asyncio.Queue()

        async def work(job: Work, ctx: JobContext) -> None:
            begun.put_nowait(ctx.id)
            try:
                await asyncio.sleep(60)
            finally:
                ended.put_nowait(time.perf_counter())

        found: list[float] = []
        async with (
            self._program(10, work) as program,
            self._program(1, anew=False) as elsewhere,
            working(program, None),
        ):
            for number in range(samples):
                async with elsewhere.adapters.uow().begin() as tx:
                    await tx.jobs.enqueue(Work(number=number))
                job_id = await begun.get()
                before = time.perf_counter()
                async with elsewhere.adapters.uow().begin() as tx:
                    await tx.jobs.cancel(job_id)
                found.append(1000 * (await ended.get() - before))
        return found

    async def rescue(self) -> float:
        """Seconds from the SIGKILL of a worker to the start of its job elsewhere."""
        again: asyncio.Queue[float] = asyncio.Queue()

        async def work(job: Work, ctx: JobContext) -> None:
            again.put_nowait(time.perf_counter())

        async with self._program(10, work) as program:
            victim = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.bench.queues.victim", self._url, stdout=asyncio.subprocess.PIPE
            )
            async with program.adapters.uow().begin() as tx:
                await tx.jobs.enqueue(Work(number=1))
            if victim.stdout is None or await victim.stdout.readline() != b"begun\n":
                raise RuntimeError("the worker that was to be killed did not begin")
            async with working(program, None):
                victim.kill()
                killed = time.perf_counter()
                await victim.wait()
                async with asyncio.timeout(measures.PATIENCE_SECONDS):
                    return await again.get() - killed

    async def _history(self, finished: int) -> None:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            await connection.execute(
                "INSERT INTO revenge.jobs (kind, queue, state, attempt, run, attempted_at, attempted_by, finalized_at) "
                "SELECT 'bench_work', 'critical', 'completed', 1, 1, now(), 'somebody', now() "
                "FROM generate_series(1, %s)",
                [finished],
            )
            await connection.execute("VACUUM ANALYZE revenge.jobs")


async def _nobody(job: Work, ctx: JobContext) -> None:
    raise RuntimeError("nobody runs it")


async def _fill(program: Program, jobs: int) -> None:
    async with program.adapters.uow().begin() as tx:
        await tx.jobs.enqueue_many([Work(number=number) for number in range(jobs)])
