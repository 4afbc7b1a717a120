"""One trip to PostgreSQL: what is prepared, what is told of a failure, and what a value that cannot be sent costs."""

from collections.abc import AsyncIterator
from typing import Final

import psycopg
import pytest

from revenge_adapters.postgres import exchange as module
from revenge_adapters.postgres.exchange import Connection, exchange
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.postgres.sql import Query, Replanned

ECHO: Final = Query[str]("echo", "SELECT coalesce(%(text)s::text, '%%') || %(text)s::text", str)
WIDE: Final = Query[int]("wide", "SELECT %(number)s::bigint", int)
BROKEN: Final = Query[int]("broken", "SELECT 1 / %(number)s::integer", int)
NONSENSE: Final = Query[int]("nonsense", "SELECT nothing FROM nowhere", int)
FRESH: Final = Replanned[int]("fresh", "SELECT 7", int)
PREPARED: Final = Replanned[int]("prepared", "SELECT count(*) FROM pg_prepared_statements", int)


@pytest.fixture
async def connection(revenge_postgres: RecycledDatabase) -> AsyncIterator[Connection]:
    """A connection of its own."""
    async with await Connection.connect(revenge_postgres.url, autocommit=True) as opened:
        yield opened


async def prepared(connection: Connection) -> int:
    """How many statements PostgreSQL keeps for it."""
    (answer,) = await exchange(connection, [(PREPARED, {})])
    number: int = answer.rows()[0]
    return number


async def test_a_statement_is_prepared_once_for_values_of_the_same_types(connection: Connection) -> None:
    for number in (1, 2, 3):
        (answer,) = await exchange(connection, [(WIDE, {"number": number})])
        assert answer.rows() == (number,)
    assert await prepared(connection) == 1
    (answer,) = await exchange(connection, [(WIDE, {"number": 2**40})])
    assert answer.rows() == (2**40,)
    assert await prepared(connection) == 2


async def test_what_is_planned_anew_is_not_prepared(connection: Connection) -> None:
    assert (await exchange(connection, [(FRESH, {})]))[0].rows() == (7,)
    assert await prepared(connection) == 0


async def test_a_connection_keeps_no_more_than_so_many(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PREPARED_STATEMENTS", 1)
    for number in (1, 2**20, 2**40):
        assert (await exchange(connection, [(WIDE, {"number": number})]))[0].rows() == (number,)
    assert await prepared(connection) == 1


async def test_a_sign_that_is_doubled_is_one_and_a_name_is_sent_once(connection: Connection) -> None:
    assert ECHO.names == ("text",)
    assert ECHO.positional == b"SELECT coalesce($1::text, '%') || $1::text"
    assert (await exchange(connection, [(ECHO, {"text": "ab"})]))[0].rows() == ("abab",)


async def test_the_first_failure_is_told_of_and_nothing_after_it_was_done(connection: Connection) -> None:
    zero, one = {"number": 0}, {"number": 1}
    with pytest.raises(psycopg.errors.DivisionByZero):
        await exchange(connection, [(WIDE, one), (BROKEN, zero), (NONSENSE, {})])
    assert [answer.rows() for answer in await exchange(connection, [(BROKEN, one), (WIDE, one)])] == [(1,), (1,)]
    assert await prepared(connection) == 2


async def test_what_cannot_be_prepared_is_tried_anew(connection: Connection) -> None:
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            await exchange(connection, [(NONSENSE, {})])
    assert await prepared(connection) == 0


async def test_a_value_that_cannot_be_sent_stops_the_trip_before_it_begins(connection: Connection) -> None:
    with pytest.raises(psycopg.DataError):
        await exchange(connection, [(WIDE, {"number": 1}), (ECHO, {"text": "a\x00b"})])
    assert (await exchange(connection, [(WIDE, {"number": 2})]))[0].rows() == (2,)
    assert await prepared(connection) == 1


async def test_a_closed_connection_is_an_error_of_its_own_kind(connection: Connection) -> None:
    await connection.close()
    with pytest.raises(psycopg.OperationalError):
        await exchange(connection, [(FRESH, {})])


async def test_rows_and_how_many_were_written_are_told(connection: Connection) -> None:
    several = Query[int]("several", "SELECT * FROM generate_series(1, 3) AS number", int)
    (answer,) = await exchange(connection, [(several, {})])
    assert answer.count == 3
    assert answer.rows() == (1, 2, 3)
    assert answer.rows(1) == (1,)
