"""Signals between processes as notifications of PostgreSQL. Who misses one finds the same by looking."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final
from uuid import uuid4

import psycopg
from psycopg.rows import TupleRow
from typing_extensions import override

from revenge_adapters.listeners import EVERYTHING, Listeners
from revenge_adapters.postgres.conninfo import with_settings
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.literals import text_array
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.errors import DatabaseUnavailable
from revenge_core.jobs.entities import Signal, SignalKind
from revenge_core.jobs.ports import WakeUps

CHANNEL: Final = "revenge_jobs"
TOGETHER_SECONDS: Final = 0.005
"""The first signal goes out at once; what comes up to so long after it goes out together."""
LAST_CHANCE_SECONDS: Final = 0.5
"""How long leaving waits until the last signals are out."""
PROBE_SECONDS: Final = 10.0
"""A line on which nothing is heard for so long is asked whether it is still there."""
ANSWER_SECONDS: Final = 5.0
RECONNECT_SECONDS: Final = 0.5

_KINDS: Final = {kind.value: kind for kind in SignalKind}
_GONE: Final = (psycopg.Error, OSError, TimeoutError)
_log = logging.getLogger("revenge.wakeups")


class Sql(SqlFile, file="wakeups.sql"):
    """The statement of sending."""

    notify: Query[int]


class PostgresWakeUps(WakeUps):
    """Notifies in the background, all that came together at once; listens on a connection of its own.

    Whoever listens in this process hears its own signals directly. Behind a pooler in transaction mode, `listen=False`
    leaves hearing others out. `start` it on the event loop that uses it. A payload is `available:default`; anything
    else that can write SQL may send one.
    """

    def __init__(self, database: Database, url: str, *, listen: bool = True) -> None:
        self._database = database
        self._url = with_settings(
            url, {}, application_name="revenge wake-ups", connect_timeout=3, keepalives_idle=30, keepalives_interval=5
        )
        self._listen = listen
        self._sender = uuid4().hex[:16]
        self._listeners = Listeners()
        self._outgoing: dict[Signal, None] = {}
        self._pending = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Notify and listen from now on. Returns at once, whether the database is there or not."""
        self._tasks.append(asyncio.create_task(self._notify_on(), name="revenge wake-ups out"))
        if self._listen:
            self._tasks.append(asyncio.create_task(self._listen_on(), name="revenge wake-ups in"))

    async def close(self) -> None:
        """Send what is left, if that is quick, and stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_CHANCE_SECONDS if self._tasks else 0):
                await self._idle.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    @override
    def send(self, signals: Iterable[Signal]) -> None:
        told = dict.fromkeys(signals)
        if told:
            self._listeners.deliver(told)
            self._outgoing |= told
            self._idle.clear()
            self._pending.set()

    @override
    def listen(self) -> AbstractAsyncContextManager[AsyncIterator[Signal]]:
        return self._listeners.listen()

    async def _notify_on(self) -> None:
        while True:
            await self._pending.wait()
            self._pending.clear()
            signals, self._outgoing = self._outgoing, {}
            payloads = text_array(f"{signal.kind}:{signal.key}:{self._sender}" for signal in signals)
            try:
                await self._database.one(Sql.notify, payloads=payloads)
            except DatabaseUnavailable as problem:
                _log.debug("signals were not sent; others find the jobs by looking (%s)", problem.detail)
            except Exception:  # noqa: BLE001 -- a program outlives the defects of its hints
                _log.exception("signals were not sent")
            if not self._outgoing:
                self._idle.set()
            await asyncio.sleep(TOGETHER_SECONDS)

    async def _listen_on(self) -> None:
        lost = False
        while True:
            try:
                async with self._listening() as connection:
                    if lost:
                        _log.info("wake-ups are heard again")
                    lost = False
                    self._listeners.deliver(EVERYTHING)
                    while True:
                        await self._hear(connection)
            except _GONE as error:
                if not lost:
                    _log.warning("wake-ups lost (%s): jobs start by looking once a second", type(error).__name__)
            except Exception:  # noqa: BLE001 -- as above
                _log.exception("wake-ups failed; trying again")
            lost = True
            await asyncio.sleep(RECONNECT_SECONDS)

    @asynccontextmanager
    async def _listening(self) -> AsyncGenerator[psycopg.AsyncConnection[TupleRow]]:
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.execute(f"LISTEN {CHANNEL}")
            yield connection
        finally:
            with contextlib.suppress(*_GONE):
                await connection.close()

    async def _hear(self, connection: psycopg.AsyncConnection[TupleRow]) -> None:
        """Hand on what comes in the next seconds, then ask whether the line is still there."""
        async for notification in connection.notifies(timeout=PROBE_SECONDS):
            self._take(notification.payload)
        async with asyncio.timeout(ANSWER_SECONDS):
            await connection.execute("SELECT")

    def _take(self, payload: str) -> None:
        """Newer programs may send what this one does not know: that is passed over."""
        kind, _, rest = payload.partition(":")
        key, _, sender = rest.partition(":")
        if kind in _KINDS and sender != self._sender:
            self._listeners.deliver([Signal(kind=_KINDS[kind], key=key)])
