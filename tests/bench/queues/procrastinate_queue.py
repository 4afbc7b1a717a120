"""procrastinate, as its documentation runs it: psycopg pool, one worker in the process."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import procrastinate
from procrastinate import App, PsycopgConnector
from procrastinate.types import JSONDict

from tests.bench.queues.measures import EFFECT_TABLE, Queue, Watch, by_many, latencies


class Procrastinate(Queue):
    """Measures procrastinate."""

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def _app(self, size: int = 20) -> AsyncGenerator[tuple[App, PsycopgConnector]]:
        connector = PsycopgConnector(conninfo=self._url, min_size=size, max_size=size)
        app = procrastinate.App(connector=connector)
        async with app.open_async():
            await connector.execute_query_async("DROP SCHEMA public CASCADE")
            await connector.execute_query_async("CREATE SCHEMA public")
            await app.schema_manager.apply_schema_async()
            await connector.execute_query_async(EFFECT_TABLE)
            yield app, connector

    async def drain(self, jobs: int, concurrency: int, *, effect: bool) -> float:
        async with self._app() as (app, connector):
            watch = Watch(jobs)

            @app.task(name="work")
            async def work(number: int) -> None:
                if effect:
                    await connector.execute_query_async("INSERT INTO public.effects (payload) VALUES ('x')")
                watch.tick()

            given: list[JSONDict] = [{"number": number} for number in range(jobs)]
            await work.batch_defer_async(*given)
            worker = asyncio.create_task(
                app.run_worker_async(concurrency=concurrency, install_signal_handlers=False, wait=True)
            )
            rate = await watch.rate()
            await _stopped(worker)
            return rate

    async def enqueue(self, jobs: int, connections: int) -> float:
        async with self._app(connections) as (app, _):

            @app.task(name="work")
            async def work(number: int) -> None:
                raise RuntimeError("nobody runs it")

            return await by_many(jobs, connections, lambda: work.defer_async(number=1))

    async def idle(self, samples: int) -> list[float]:
        async with self._app() as (app, _):
            started: asyncio.Queue[float] = asyncio.Queue()

            @app.task(name="work")
            async def work(number: int) -> None:
                started.put_nowait(time.perf_counter())

            worker = asyncio.create_task(app.run_worker_async(concurrency=10, install_signal_handlers=False, wait=True))
            found = await latencies(samples, lambda: work.defer_async(number=1), started)
            await _stopped(worker)
            return found


async def _stopped(worker: "asyncio.Task[None]") -> None:
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker
