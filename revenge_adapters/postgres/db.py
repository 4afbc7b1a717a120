"""PostgreSQL: a pool of connections, typed statements, transactions, and a deadline for each of them."""

import os
import select
import socket
from asyncio import get_running_loop
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from typing import Any, Final, TypeVar

import psycopg
from psycopg import AsyncCursor
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg_pool import AsyncConnectionPool

from revenge_adapters.postgres.conninfo import with_settings
from revenge_adapters.postgres.errors import DRIVER_ERRORS, in_our_words
from revenge_adapters.postgres.exchange import Answer, Connection, Statement, exchange
from revenge_adapters.postgres.sql import Query, Replanned

T = TypeVar("T")

STATEMENT_TIMEOUT: Final = timedelta(seconds=5)
LOCK_TIMEOUT: Final = timedelta(seconds=2)
IDLE_IN_TRANSACTION_TIMEOUT: Final = timedelta(seconds=10)
NETWORK_ALLOWANCE: Final = timedelta(seconds=1)
"""How much later than the server's own timeout we take the line for dead and hang up."""
RECONNECT_SECONDS: Final = 5
"""After this the pool's growing pauses end, and the next caller's need opens a connection at once (recovery < 10 s)."""

BEGIN: Final = Query[None]("begin", "BEGIN", type(None))
COMMIT: Final = Query[None]("commit", "COMMIT", type(None))
ROLLBACK: Final = Replanned[None]("rollback", "ROLLBACK", type(None))
SAVEPOINT: Final = Replanned[None]("savepoint", "SAVEPOINT part", type(None))
RELEASE: Final = Replanned[None]("release", "RELEASE SAVEPOINT part", type(None))
ROLLBACK_PART: Final = Replanned[None]("rollback_part", "ROLLBACK TO SAVEPOINT part", type(None))
WITHOUT_THE_DISK: Final = Query[None]("without_the_disk", "SET LOCAL synchronous_commit TO off", type(None))


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
            kwargs={"autocommit": True},
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
            return _one(await _send(connection, self._deadline, (query, parameters)))

    async def all(self, query: Query[T], **parameters: object) -> tuple[T, ...]:
        """Every row, in the statement's order."""
        async with self._connection() as connection:
            return _all(await _send(connection, self._deadline, (query, parameters)))

    async def run(self, query: Query[None], **parameters: object) -> int:
        """Write; how many rows were written."""
        async with self._connection() as connection:
            return (await _send(connection, self._deadline, (query, parameters)))[0].count

    @asynccontextmanager
    async def transaction(self, *, durable: bool = True) -> AsyncGenerator["Transaction"]:
        """A transaction: committed on a clean exit of the block, rolled back on any exception.

        One that is not `durable` commits without waiting for the disk: if the machine fails in the same half second it
        may be forgotten, whole.

        Raises:
            DatabaseUnavailable: nothing was committed; only where the line broke during the very commit, nobody knows.
        """
        async with self._connection() as connection:
            transaction = Transaction(connection, self._deadline, durable=durable)
            try:
                yield transaction
                await transaction.commit()
            except BaseException:
                if connection.pgconn.transaction_status != TransactionStatus.IDLE:
                    await _roll_back(connection, self._deadline)
                raise

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
        line = connection.pgconn
        if line.transaction_status != TransactionStatus.IDLE or line.pipeline_status != PipelineStatus.OFF:
            await connection.close()
        await self._pool.putconn(connection)


class Transaction:
    """One transaction on one connection. `Database.transaction` makes it and ends it.

    Each trip to the server costs both sides more than most statements do. So BEGIN goes out with the first statement,
    and what nobody waits for with the next one, or with the commit.
    """

    def __init__(self, connection: Connection, deadline: float, *, durable: bool = True) -> None:
        self._connection = connection
        self._deadline = deadline
        self._opening: Sequence[Statement] = [(BEGIN, {})] if durable else [(BEGIN, {}), (WITHOUT_THE_DISK, {})]
        self._waiting: list[Statement] = [*self._opening]
        self._has_failed = False
        self._is_over = False

    async def one(self, query: Query[T], **parameters: object) -> T | None:
        """The first row, if there is one."""
        return _one(await self._send((query, parameters)))

    async def all(self, query: Query[T], **parameters: object) -> tuple[T, ...]:
        """Every row, in the statement's order."""
        return _all(await self._send((query, parameters)))

    async def run(self, query: Query[None], **parameters: object) -> int:
        """Write; how many rows were written."""
        return (await self._send((query, parameters)))[-1].count

    def later(self, query: Query[None], **parameters: object) -> None:
        """Write, together with the next statement or the commit: what goes wrong with it is raised there."""
        self._waiting.append((query, parameters))

    async def copy(self, query: Query[None], blocks: Iterable[bytes]) -> int:
        """Copy rows in, as COPY's text format has them; how many. All of it has the deadline of one statement."""
        await self._send()
        with _rim(), _deadline(self._connection, self._deadline):
            cursor = AsyncCursor(self._connection)
            async with cursor.copy(query.text) as copy:
                for block in blocks:
                    await copy.write(block)
            return cursor.rowcount

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """A part of the transaction: an exception undoes what the block did, and no more. The rest may go on."""
        await self._send((SAVEPOINT, {}))
        try:
            yield
            await self._send((RELEASE, {}))
        except Exception:
            self._waiting.clear()
            self._has_failed = False
            await _roll_back(self._connection, self._deadline, ROLLBACK_PART)
            raise

    async def commit_with(self, query: Query[T], **parameters: object) -> tuple[T, ...]:
        """Run the last statement of all and commit, in one trip: a lock that it takes is held no longer than that."""
        return _all((await self._commit((query, parameters)))[:-1])

    async def commit(self) -> None:
        """Commit, unless that was done, or there is nothing to commit."""
        if not self._is_over and self._waiting != self._opening:
            await self._commit()

    async def _commit(self, *last: Statement) -> list[Answer[Any]]:
        if self._has_failed or self._connection.pgconn.transaction_status == TransactionStatus.INERROR:
            raise RuntimeError("a statement failed and the block went on: nothing of it can be committed")
        self._is_over = True
        return await self._send(*last, (COMMIT, {}))

    async def _send(self, *statements: Statement) -> list[Answer[Any]]:
        together = (*self._waiting, *statements)
        self._waiting.clear()
        try:
            return await _send(self._connection, self._deadline, *together)
        except BaseException:
            # Some of them may not have reached the server, which then knows nothing of a failure.
            self._has_failed = len(together) > 1
            raise


async def _send(connection: Connection, deadline: float, *statements: Statement) -> list[Answer[Any]]:
    """Run them one after another, sent together. All of them have the deadline of one statement."""
    with _rim(), _deadline(connection, deadline):
        return await exchange(connection, statements)


def _one(answers: Sequence[Answer[T]]) -> T | None:
    with _rim():
        return next(iter(answers[-1].rows(1)), None)


def _all(answers: Sequence[Answer[T]]) -> tuple[T, ...]:
    with _rim():
        return answers[-1].rows()


async def _roll_back(connection: Connection, deadline: float, command: Query[None] = ROLLBACK) -> None:
    try:
        await _send(connection, deadline, (command, {}))
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
