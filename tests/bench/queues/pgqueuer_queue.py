"""pgqueuer, with asyncpg (its fastest driver) or psycopg."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import psycopg
from pgqueuer import Queries, QueueManager
from pgqueuer.db import AsyncpgPoolDriver, PsycopgDriver
from pgqueuer.models import Job
from psycopg.conninfo import conninfo_to_dict

from tests.bench.queues.measures import EFFECT_TABLE, Queue, Watch, by_many, latencies

BATCH = 1000
INSERT = "INSERT INTO public.effects (payload) VALUES ('x')"


class Pgqueuer(Queue):
    """Measures pgqueuer."""

    def __init__(self, url: str, *, psycopg_driver: bool) -> None:
        self._url = url
        self._psycopg = psycopg_driver

    @asynccontextmanager
    async def _manager(self, size: int = 20) -> AsyncGenerator[tuple[QueueManager, Any]]:
        create_pool = cast(Any, asyncpg).create_pool  # it ships no types
        async with create_pool(min_size=size, max_size=size, **_arguments(self._url)) as pool:
            await pool.execute("DROP SCHEMA public CASCADE")
            await pool.execute("CREATE SCHEMA public")
            await Queries(AsyncpgPoolDriver(pool)).install()
            await pool.execute(EFFECT_TABLE)
            if self._psycopg:
                async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
                    yield QueueManager(Queries(PsycopgDriver(connection))), pool
            else:
                yield QueueManager(Queries(AsyncpgPoolDriver(pool))), pool

    async def drain(self, jobs: int, concurrency: int, *, effect: bool) -> float:
        async with self._manager() as (manager, pool):
            watch = Watch(jobs)

            @manager.entrypoint("work")
            async def work(job: Job) -> None:
                if effect:
                    await pool.execute(INSERT)
                watch.tick()

            for start in range(0, jobs, BATCH):
                count = min(BATCH, jobs - start)
                await manager.queries.enqueue(["work"] * count, [b"{}"] * count, [0] * count)
            worker = asyncio.create_task(manager.run(batch_size=concurrency, max_concurrent_tasks=2 * concurrency))
            rate = await watch.rate()
            await _stopped(manager, worker)
            return rate

    async def enqueue(self, jobs: int, connections: int) -> float:
        async with self._manager(connections) as (manager, _):
            return await by_many(jobs, connections, lambda: manager.queries.enqueue("work", b"{}"))

    async def idle(self, samples: int) -> list[float]:
        async with self._manager() as (manager, _):
            started: asyncio.Queue[float] = asyncio.Queue()

            @manager.entrypoint("work")
            async def work(job: Job) -> None:
                started.put_nowait(time.perf_counter())

            worker = asyncio.create_task(manager.run())
            found = await latencies(samples, lambda: manager.queries.enqueue("work", b"{}"), started)
            await _stopped(manager, worker)
            return found


def _arguments(url: str) -> dict[str, Any]:
    """asyncpg knows no keyword form of an address."""
    given = conninfo_to_dict(url)
    return {"host": given["host"], "user": given["user"], "database": given["dbname"]}


async def _stopped(manager: QueueManager, worker: "asyncio.Task[None]") -> None:
    manager.shutdown.set()
    await asyncio.wait([worker], timeout=40)
