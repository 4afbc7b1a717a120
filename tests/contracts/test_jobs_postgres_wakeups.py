"""Notifications of PostgreSQL as wake-ups: between processes, over lost connections, among strangers."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, TypeAlias

import psycopg
import pytest

from revenge_adapters.listeners import EVERYTHING
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.wakeups import CHANNEL, PostgresWakeUps
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_core.background import Queue
from revenge_core.jobs.entities import Signal, SignalKind
from revenge_core.testing.contracts.errands import PATIENCE_SECONDS, heard_until

CANCEL: Final = Signal(kind=SignalKind.CANCEL, key="9007199254740993")
HIGH: Final = Signal(kind=SignalKind.AVAILABLE, key=Queue.HIGH)
LAST: Final = Signal(kind=SignalKind.CANCEL, key="0")
"""Sent after what a test wonders whether it comes."""

Process: TypeAlias = Callable[..., AbstractAsyncContextManager[PostgresWakeUps]]


@pytest.fixture
def process(revenge_postgres: RecycledDatabase, database: Database) -> Process:
    """Makes wake-ups as another process has them."""

    @asynccontextmanager
    async def started(*, listen: bool = True) -> AsyncGenerator[PostgresWakeUps]:
        wake_ups = PostgresWakeUps(database, revenge_postgres.url, listen=listen)
        await wake_ups.start()
        if listen:
            async with wake_ups.listen() as signals:
                await anext(signals)
        yield wake_ups
        await wake_ups.close()

    return started


@pytest.fixture
async def notified(revenge_postgres: RecycledDatabase) -> AsyncIterator[Callable[[], Awaitable[list[str]]]]:
    """What went over the channel until the last signal."""
    async with await psycopg.AsyncConnection.connect(revenge_postgres.url, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")

        async def payloads() -> list[str]:
            heard: list[str] = []
            async for note in connection.notifies(timeout=PATIENCE_SECONDS):
                heard.append(note.payload.rpartition(":")[0])
                if heard[-1] == "cancel:0":
                    break
            return heard

        yield payloads


async def test_another_process_hears(process: Process) -> None:
    async with process() as one, process() as other, other.listen() as signals:
        one.send([HIGH, CANCEL])
        assert await heard_until(CANCEL, signals) == {HIGH, CANCEL}


async def test_signals_are_few_however_many_are_sent(
    process: Process, notified: Callable[[], Awaitable[list[str]]]
) -> None:
    async with process() as wake_ups:
        for _ in range(500):
            wake_ups.send([HIGH])
        wake_ups.send([LAST])
        assert await notified() == ["available:high", "cancel:0"]


async def test_nobody_hears_himself_twice(process: Process) -> None:
    async with process() as one, process() as other, one.listen() as signals:
        one.send([CANCEL])
        assert await anext(signals) == CANCEL
        other.send([LAST])
        assert await heard_until(LAST, signals) == {LAST}


async def test_without_listening_a_process_hears_itself_and_is_heard(process: Process) -> None:
    async with process(listen=False) as deaf, process() as other, deaf.listen() as own, other.listen() as signals:
        other.send([HIGH])
        await heard_until(HIGH, signals)
        deaf.send([LAST])
        await heard_until(LAST, signals)
        assert await heard_until(LAST, own) == {LAST}


async def test_what_is_no_signal_is_passed_over(
    process: Process, revenge_postgres: RecycledDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    async with process() as wake_ups, wake_ups.listen() as signals:
        with psycopg.connect(revenge_postgres.url, autocommit=True) as stranger:
            for payload in ("", "nonsense", "paused:high:0123", ":", '{"kind": "available"}', "cancel:0"):
                stranger.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
        assert await heard_until(LAST, signals) == {LAST}
    assert caplog.records == []


async def test_whoever_writes_sql_may_wake_workers(process: Process, revenge_postgres: RecycledDatabase) -> None:
    async with process() as wake_ups, wake_ups.listen() as signals:
        with psycopg.connect(revenge_postgres.url, autocommit=True) as stranger:
            stranger.execute("NOTIFY revenge_jobs, 'available:high'")
        await heard_until(HIGH, signals)


async def test_after_a_lost_connection_everything_is_signalled(
    process: Process, revenge_postgres: RecycledDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "revenge.wakeups")
    async with process() as wake_ups, wake_ups.listen() as signals:
        with psycopg.connect(revenge_postgres.superuser_url, autocommit=True) as superuser:
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
                "pg_backend_pid()"
            )
        assert await heard_until(EVERYTHING[-1], signals) == set(EVERYTHING)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_the_last_signals_are_out_before_a_process_ends(process: Process) -> None:
    async with process() as stays, stays.listen() as signals:
        async with process() as goes:
            goes.send([CANCEL])
        await heard_until(CANCEL, signals)


async def test_while_the_database_is_away_a_process_wakes_itself_and_ends_soon(tmp_path: Path) -> None:
    url = f"host={tmp_path} dbname=nowhere"
    wake_ups = PostgresWakeUps(Database(url, max_size=1), url)
    await wake_ups.start()
    async with wake_ups.listen() as signals, asyncio.timeout(PATIENCE_SECONDS):
        wake_ups.send([CANCEL])
        assert await anext(signals) == CANCEL
        await wake_ups.close()
    wake_ups.send([CANCEL])
