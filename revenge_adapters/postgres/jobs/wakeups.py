"""Signals between processes as notifications of PostgreSQL. Who misses one finds the same by looking."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import uuid4

import psycopg
from psycopg.rows import TupleRow
from typing_extensions import override

from revenge_adapters.listeners import CarriedWakeUps
from revenge_adapters.postgres.conninfo import with_settings
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.literals import text_array
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.errors import DatabaseUnavailable
from revenge_core.jobs.entities import Signal, SignalKind

CHANNEL: Final = "revenge_jobs"
PROBE_SECONDS: Final = 10.0
"""A line on which nothing is heard for so long is asked whether it is still there."""
ANSWER_SECONDS: Final = 5.0

_KINDS: Final = {kind.value: kind for kind in SignalKind}
_GONE: Final = (psycopg.Error, OSError, TimeoutError)


class Sql(SqlFile, file="wakeups.sql"):
    """The statement of sending."""

    notify: Query[int]


class PostgresWakeUps(CarriedWakeUps):
    """Listens on a connection of its own; not behind a pooler in transaction mode, where `listen=False` is for.

    A payload is `available:default`; anything else that can write SQL may send one.
    """

    def __init__(self, database: Database, url: str, *, listen: bool = True) -> None:
        super().__init__(listen=listen)
        self._database = database
        self._url = with_settings(
            url, {}, application_name="revenge wake-ups", connect_timeout=3, keepalives_idle=30, keepalives_interval=5
        )
        self._sender = uuid4().hex[:16]

    @override
    async def _publish(self, signals: Sequence[Signal]) -> None:
        payloads = text_array(f"{signal.kind}:{signal.key}:{self._sender}" for signal in signals)
        await self._database.one(Sql.notify, payloads=payloads)

    @override
    async def _follow(self) -> None:
        try:
            async with self._listening() as connection:
                self._reached()
                while True:
                    await self._hear(connection)
        except _GONE as error:
            raise DatabaseUnavailable(type(error).__name__) from error

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
