"""PostgreSQL: a pool of connections, typed statements, transactions, and a deadline for each of them."""

import os
import select
import socket
from asyncio import get_running_loop
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from typing import Any, Final, TypeAlias, TypeVar

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool
from typing_extensions import override

from revenge_adapters.postgres.conninfo import with_settings
from revenge_adapters.postgres.errors import DRIVER_ERRORS, in_our_words
from revenge_adapters.postgres.sql import Query

T = TypeVar("T")

STATEMENT_TIMEOUT: Final = timedelta(seconds=5)
LOCK_TIMEOUT: Final = timedelta(seconds=2)
IDLE_IN_TRANSACTION_TIMEOUT: Final = timedelta(seconds=10)
NETWORK_ALLOWANCE: Final = timedelta(seconds=1)
"""How much later than the server's own timeout we take the line for dead and hang up."""
RECONNECT_SECONDS: Final = 5
"""After this the pool's growing pauses end, and the next caller's need opens a connection at once (recovery < 10 s)."""
PREPARED_STATEMENTS: Final = 500
CANCEL_SECONDS: Final = 1.0
"""How long a cancelled caller waits at most for the server to hear of it; the connection is closed then."""


class Connection(AsyncConnection[Any]):
    """A connection that gives up soon where the line is dead."""

    @override
    async def cancel_safe(self, *, timeout: float = CANCEL_SECONDS) -> None:
        await super().cancel_safe(timeout=min(timeout, CANCEL_SECONDS))


class Database:
    """A pool of connections.

    Single statements run without a transaction around them, which is 1.6 times cheaper; `transaction` is for more.
    Whatever happens to the caller, a cancellation included, its connection goes back or is closed.
    """

    def __init__(
        self,
        url: str,
        *,
        min_size: int = 1,
        max_size: int = 10,
        acquire_timeout: timedelta = timedelta(seconds=3),
        statement_timeout: timedelta = STATEMENT_TIMEOUT,
        lock_timeout: timedelta = LOCK_TIMEOUT,
    ) -> None:
        self._deadline = (statement_timeout + NETWORK_ALLOWANCE).total_seconds()
        self._pool = AsyncConnectionPool(
            _conninfo(url, statement_timeout=statement_timeout, lock_timeout=lock_timeout),
            connection_class=Connection,
            kwargs={"autocommit": True, "prepare_threshold": 0},
            configure=_configure,
            min_size=min_size,
            max_size=max_size,
            timeout=acquire_timeout.total_seconds(),
            reconnect_timeout=RECONNECT_SECONDS,
            open=False,
        )

    async def open(self) -> None:
        """Connect.

        Raises:
            DatabaseUnavailable: the database does not answer in time.
        """
        with _rim():
            await self._pool.open(wait=True, timeout=self._pool.timeout)

    async def close(self) -> None:
        """Hang up; connections in use close when they are given back."""
        await self._pool.close()

    async def one(self, query: Query[T], **parameters: object) -> T | None:
        """The first row, if there is one.

        Raises:
            DatabaseUnavailable: no answer in time. The same holds for every method here.
        """
        async with self._connection() as connection:
            return await _one(connection, self._deadline, query, parameters)

    async def all(self, query: Query[T], **parameters: object) -> tuple[T, ...]:
        """Every row, in the statement's order."""
        async with self._connection() as connection:
            return await _all(connection, self._deadline, query, parameters)

    async def run(self, query: Query[None], **parameters: object) -> int:
        """Write; how many rows were written."""
        async with self._connection() as connection:
            return await _run(connection, self._deadline, query, parameters)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator["Transaction"]:
        """A transaction: committed on a clean exit of the block, rolled back on any exception.

        Raises:
            DatabaseUnavailable: nothing was committed; only where the line broke during the very commit, nobody knows.
        """
        async with self._connection() as connection:
            await _command(connection, self._deadline, b"BEGIN")
            try:
                yield Transaction(connection, self._deadline)
            except BaseException:
                await _roll_back(connection, self._deadline)
                raise
            if connection.pgconn.transaction_status == TransactionStatus.INERROR:
                await _roll_back(connection, self._deadline)
                raise RuntimeError("a statement failed and the block went on: nothing of it can be committed")
            await _command(connection, self._deadline, b"COMMIT")

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Connection]:
        connection = await self._living()
        try:
            yield connection
        finally:
            await self._give_back(connection)

    async def _living(self) -> Connection:
        with _rim():
            while True:
                connection = await self._pool.getconn()
                if not _has_spoken(connection):
                    return connection
                await connection.close()
                await self._give_back(connection)

    async def _give_back(self, connection: Connection) -> None:
        # Nothing here waits, so no cancellation comes between: the pool repairs only what would keep it waiting.
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            await connection.close()
        await self._pool.putconn(connection)


class Transaction:
    """One transaction on one connection. `Database.transaction` makes it and ends it."""

    def __init__(self, connection: Connection, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    async def one(self, query: Query[T], **parameters: object) -> T | None:
        """The first row, if there is one."""
        return await _one(self._connection, self._deadline, query, parameters)

    async def all(self, query: Query[T], **parameters: object) -> tuple[T, ...]:
        """Every row, in the statement's order."""
        return await _all(self._connection, self._deadline, query, parameters)

    async def run(self, query: Query[None], **parameters: object) -> int:
        """Write; how many rows were written."""
        return await _run(self._connection, self._deadline, query, parameters)

    async def copy(self, query: Query[None], blocks: Iterable[bytes]) -> int:
        """Copy rows in, as COPY's text format has them; how many. All of it has the deadline of one statement."""
        with _rim(), _deadline(self._connection, self._deadline):
            cursor = AsyncCursor(self._connection)
            async with cursor.copy(query.text) as copy:
                for block in blocks:
                    await copy.write(block)
            return cursor.rowcount

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """A part of the transaction: an exception undoes what the block did, and no more. The rest may go on."""
        await _command(self._connection, self._deadline, b"SAVEPOINT part")
        try:
            yield
        except Exception:
            await _roll_back(self._connection, self._deadline, b"ROLLBACK TO SAVEPOINT part")
            raise
        await _command(self._connection, self._deadline, b"RELEASE SAVEPOINT part")


Parameters: TypeAlias = dict[str, object]


async def _one(connection: Connection, deadline: float, query: Query[T], parameters: Parameters) -> T | None:
    with _rim(), _deadline(connection, deadline):
        cursor = AsyncCursor(connection, row_factory=query.row_factory)
        await cursor.execute(query.text, parameters, prepare=query.keeps_plan, binary=True)
        return await cursor.fetchone()


async def _all(connection: Connection, deadline: float, query: Query[T], parameters: Parameters) -> tuple[T, ...]:
    with _rim(), _deadline(connection, deadline):
        cursor = AsyncCursor(connection, row_factory=query.row_factory)
        await cursor.execute(query.text, parameters, prepare=query.keeps_plan, binary=True)
        return tuple(await cursor.fetchall())


async def _run(connection: Connection, deadline: float, query: Query[None], parameters: Parameters) -> int:
    with _rim(), _deadline(connection, deadline):
        cursor = AsyncCursor(connection, row_factory=query.row_factory)
        await cursor.execute(query.text, parameters, prepare=query.keeps_plan, binary=True)
        return cursor.rowcount


async def _command(connection: Connection, deadline: float, command: bytes) -> None:
    with _rim(), _deadline(connection, deadline):
        await AsyncCursor(connection).execute(command, prepare=False)


async def _roll_back(connection: Connection, deadline: float, command: bytes = b"ROLLBACK") -> None:
    try:
        await _command(connection, deadline, command)
    except Exception:  # noqa: BLE001 -- the exception that brought us here is the one to tell of
        await connection.close()


@contextmanager
def _rim() -> Generator[None]:
    try:
        yield
    except DRIVER_ERRORS as error:
        ours = in_our_words(error)
        if ours is error:
            raise
        raise ours from error


@contextmanager
def _deadline(connection: Connection, seconds: float) -> Generator[None]:
    """Hang up when the time is over.

    That ends every wait for this connection at once, the one included in which psycopg, cancelled, asks the server to
    cancel: on a dead line it would go on for ten seconds.
    """
    timer = get_running_loop().call_later(seconds, _hang_up, connection)
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: Connection) -> None:
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def _has_spoken(connection: Connection) -> bool:
    """Whether the server said something unasked, which on an idle connection is good-bye. Takes a microsecond."""
    if connection.closed:
        return True
    ear = select.poll()
    ear.register(connection.fileno(), select.POLLIN)
    return bool(ear.poll(0))


async def _configure(connection: Connection) -> None:
    connection.prepared_max = PREPARED_STATEMENTS


def _conninfo(url: str, *, statement_timeout: timedelta, lock_timeout: timedelta) -> str:
    settings = {
        "statement_timeout": _milliseconds(statement_timeout),
        "lock_timeout": _milliseconds(lock_timeout),
        "idle_in_transaction_session_timeout": _milliseconds(IDLE_IN_TRANSACTION_TIMEOUT),
        "default_transaction_isolation": "read committed",
        "search_path": "",  # every name is qualified
        "timezone": "UTC",
        "random_page_cost": 1.1,  # what is asked for is in memory, or on flash: an index is worth its while early
        "jit": "off",  # compiling costs more than any statement here
    }
    return with_settings(
        url,
        settings,
        application_name="revenge",
        client_encoding="utf8",
        connect_timeout=3,
        keepalives_idle=30,
        keepalives_interval=5,
        keepalives_count=3,
    )


def _milliseconds(time: timedelta) -> int:
    return time // timedelta(milliseconds=1)
