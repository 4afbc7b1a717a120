"""PostgreSQL restarts, is full, or is behind a dead line: callers get an answer, and the pool is soon well again."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from psycopg import sql

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.embedded.cluster import Cluster
from revenge_adapters.postgres.health import DatabaseProbe
from revenge_adapters.postgres.recycled import RecycledDatabase, postgres_server
from revenge_adapters.postgres.sql import Query
from revenge_core.errors import DatabaseUnavailable
from revenge_core.health.entities import Status

RECOVERY_SECONDS: Final = 10.0
"""Fault 4: what we promise after a restart."""
ONE: Final = Query[int]("one", "SELECT 1", int)
SLEEP: Final = Query[bool]("sleep", "SELECT true FROM pg_sleep(%(seconds)s)", bool)


async def works(database: Database) -> bool:
    """Whether a read and a transaction are served."""
    try:
        await database.one(ONE)
        async with database.transaction() as transaction:
            return await transaction.one(ONE) == 1
    except DatabaseUnavailable:
        return False


async def recovers(database: Database) -> None:
    """Wait until it works again for one who tries ten times a second, at most as long as promised."""
    began = time.monotonic()
    while not await works(database):
        assert time.monotonic() - began < RECOVERY_SECONDS
        await asyncio.sleep(0.1)


@asynccontextmanager
async def opened(url: str, *, max_size: int = 4) -> AsyncGenerator[Database]:
    database = Database(
        url, max_size=max_size, acquire_timeout=timedelta(seconds=0.5), statement_timeout=timedelta(seconds=1)
    )
    await database.open()
    try:
        yield database
    finally:  # a test that failed must not leave the pool's tasks behind: Python 3.11 can lose what cancels them
        await database.close()


class TestRestart:
    @pytest.fixture
    def cluster(self) -> Iterator[Cluster]:
        with postgres_server() as server:
            yield server._cluster

    @pytest.mark.parametrize("seconds_away", [0, 8])
    async def test_after_a_restart_everything_works_again(self, cluster: Cluster, seconds_away: int) -> None:
        async with opened(cluster.url()) as database:
            outcomes: list[bool] = []
            stopped = asyncio.Event()

            async def client() -> None:
                while not stopped.is_set():
                    outcomes.append(await works(database))
                    await asyncio.sleep(0.01)

            clients = [asyncio.create_task(client()) for _ in range(8)]
            await asyncio.sleep(0.1)
            await asyncio.to_thread(cluster.stop)
            await asyncio.sleep(seconds_away)
            await asyncio.to_thread(cluster.start)
            await recovers(database)
            stopped.set()
            async with asyncio.timeout(RECOVERY_SECONDS):
                await asyncio.gather(*clients)
            assert outcomes[0]
            await every_connection_works(database, 4)

    async def test_a_pool_opened_while_the_server_is_away_says_so(self, cluster: Cluster) -> None:
        cluster.stop()
        with pytest.raises(DatabaseUnavailable):
            async with opened(cluster.url()):
                pass


async def every_connection_works(database: Database, size: int) -> None:
    """All at the same time, once the pool has grown: on a busy machine that takes longer than one caller waits."""

    async def all_at_once() -> set[object]:
        together = asyncio.Barrier(size)

        async def use() -> object:
            async with database.transaction() as transaction:
                async with asyncio.timeout(1):
                    await together.wait()
                return await transaction.one(ONE)

        return set(await asyncio.gather(*(use() for _ in range(size)), return_exceptions=True))

    began = time.monotonic()
    while (found := await all_at_once()) != {1}:
        assert time.monotonic() - began < RECOVERY_SECONDS, found


class Line:
    """A connection to PostgreSQL over TCP that can go dead: nothing passes, nothing is closed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        asked = parse_qs(parts.query)
        self._socket = Path(asked["host"][0]) / f".s.PGSQL.{asked['port'][0]}"
        self._rest = f"{parts.path}?user={asked['user'][0]}&sslmode=disable"
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._pumps: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        self._flowing.clear()

    def mend(self) -> None:
        self._flowing.set()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[str]:
        """The URL of its near end."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"postgresql://127.0.0.1:{server.sockets[0].getsockname()[1]}{self._rest}"
            self.mend()
            for pump in self._pumps:
                pump.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(str(self._socket))
        for source, target in ((reader, far_writer), (far_reader, writer)):
            pump = asyncio.create_task(self._pump(source, target))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._flowing.wait()
                target.write(data)
        except ConnectionError:
            pass
        finally:
            target.close()


class TestDeadLine:
    @pytest.fixture
    def line(self, revenge_postgres: RecycledDatabase) -> Line:
        return Line(revenge_postgres.url)

    async def test_a_statement_on_a_dead_line_is_given_up_and_the_next_one_works(self, line: Line) -> None:
        async with line.open() as url, opened(url) as database:
            assert await works(database)
            line.cut()
            async with asyncio.timeout(5):
                assert not await works(database)
            line.mend()
            await recovers(database)

    async def test_a_cancelled_statement_on_a_dead_line_is_given_up_too(self, line: Line) -> None:
        async with line.open() as url, opened(url, max_size=1) as database:
            task = asyncio.create_task(database.one(SLEEP, seconds=30))
            await asyncio.sleep(0.1)
            line.cut()
            task.cancel()
            async with asyncio.timeout(4):
                with pytest.raises(asyncio.CancelledError):
                    await task
            line.mend()
            await recovers(database)
            await every_connection_works(database, 1)

    async def test_the_probe_answers_in_time(self, line: Line) -> None:
        async with line.open() as url, opened(url) as database:
            assert await works(database)
            line.cut()
            async with asyncio.timeout(2):
                check = await DatabaseProbe(database).check()
            assert check.status is Status.UNHEALTHY


class TestCrowd:
    @pytest.fixture
    def allow(self, revenge_postgres_fresh: RecycledDatabase) -> Callable[[int], None]:
        """Sets how many connections the database accepts; -1 for any number."""

        def limit(number: int) -> None:
            with psycopg.connect(revenge_postgres_fresh.superuser_url, autocommit=True) as connection:
                name = sql.Identifier(revenge_postgres_fresh.name)
                connection.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(name, number))

        return limit

    async def test_too_many_connections_are_an_answer_and_pass(
        self, revenge_postgres_fresh: RecycledDatabase, allow: Callable[[int], None]
    ) -> None:
        allow(2)
        async with opened(revenge_postgres_fresh.url, max_size=8) as database:
            together = [database.one(SLEEP, seconds=0.3) for _ in range(8)]
            outcomes = await asyncio.gather(*together, return_exceptions=True)
            assert True in outcomes
            assert {type(outcome) for outcome in outcomes} <= {bool, DatabaseUnavailable}
            allow(-1)
            await recovers(database)
            await every_connection_works(database, 8)
