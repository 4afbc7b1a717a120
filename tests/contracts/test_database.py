"""What the pool of connections promises: deadlines, no leak, no dead connection, no word of the driver's to clients."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

import psycopg
import pytest

from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.postgres.sql import Query
from revenge_core.errors import DatabaseUnavailable, Invalid

ONE: Final = Query[int]("one", "SELECT 1", int)
PID: Final = Query[int]("pid", "SELECT pg_backend_pid()", int)
SLEEP: Final = Query[bool]("sleep", "SELECT true FROM pg_sleep(%(seconds)s)", bool)
ECHO: Final = Query[str]("echo", "SELECT %(text)s::text", str)
SETTING: Final = Query[str]("setting", "SELECT current_setting(%(name)s)", str)
LOCK: Final = Query[str]("lock", "SELECT name FROM revenge.roles WHERE name = %(name)s FOR UPDATE", str)
RENAME: Final = Query[None]("rename", "UPDATE revenge.roles SET description = 'x' WHERE name = %(name)s", type(None))
RENAMED: Final = Query[str]("renamed", "SELECT name FROM revenge.roles WHERE description = 'x' ORDER BY name", str)
BROKEN: Final = Query[int]("broken", "SELECT 1/0", int)
SERIALIZABLE: Final = Query[None]("serializable", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", type(None))


@pytest.fixture
async def narrow(revenge_postgres: RecycledDatabase) -> AsyncIterator[Database]:
    """Two connections and little patience."""
    database = Database(
        revenge_postgres.url,
        max_size=2,
        acquire_timeout=timedelta(seconds=0.2),
        statement_timeout=timedelta(seconds=0.5),
        lock_timeout=timedelta(seconds=0.2),
    )
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def terminate(revenge_postgres: RecycledDatabase) -> Callable[[], Awaitable[None]]:
    """Ends every connection of the application's to the test's database, as a restart does."""

    async def end_all() -> None:
        async with await psycopg.AsyncConnection.connect(revenge_postgres.superuser_url) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    return end_all


async def use_every_connection(database: Database) -> None:
    """Two transactions at once: impossible if one of the two connections was lost."""
    together = asyncio.Barrier(2)

    async def use() -> None:
        async with database.transaction() as transaction:
            await together.wait()
            assert await transaction.one(ONE) == 1

    async with asyncio.timeout(10):
        await asyncio.gather(use(), use())


async def refused(attempt: Awaitable[object]) -> DatabaseUnavailable:
    with pytest.raises(DatabaseUnavailable) as caught:
        await attempt
    return caught.value


async def test_a_statement_that_takes_too_long_is_given_up(narrow: Database) -> None:
    await refused(narrow.one(SLEEP, seconds=30))
    await use_every_connection(narrow)


async def test_a_lock_that_is_not_let_go_is_given_up(narrow: Database) -> None:
    async with narrow.transaction() as holder:
        await holder.one(LOCK, name="user")
        await refused(narrow.one(LOCK, name="user"))
    await use_every_connection(narrow)


async def test_a_connection_that_does_not_get_free_is_given_up(narrow: Database) -> None:
    async with narrow.transaction(), narrow.transaction():
        await refused(narrow.one(ONE))
    await use_every_connection(narrow)


async def test_what_clients_are_told_is_not_in_the_drivers_words(narrow: Database) -> None:
    error = await refused(narrow.one(SLEEP, seconds=30))
    assert error.detail == DatabaseUnavailable.title
    assert error.retry_after == 1
    assert isinstance(error.__cause__, psycopg.errors.QueryCanceled)


async def test_a_cancelled_statement_gives_its_connection_back(narrow: Database) -> None:
    for _ in range(3):
        task = asyncio.create_task(narrow.one(SLEEP, seconds=30))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await use_every_connection(narrow)


async def test_a_cancelled_transaction_gives_its_connection_back(narrow: Database) -> None:
    async def hold() -> None:
        async with narrow.transaction() as transaction:
            await transaction.one(LOCK, name="user")
            await asyncio.Event().wait()

    for _ in range(3):
        task = asyncio.create_task(hold())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await use_every_connection(narrow)
    async with narrow.transaction() as transaction:
        assert await transaction.one(LOCK, name="user") == "user"


async def test_cancellations_at_any_moment_lose_no_connection(narrow: Database) -> None:
    chance = random.Random(5)

    async def work() -> None:
        async with narrow.transaction() as transaction:
            await transaction.one(LOCK, name=chance.choice(["admin", "user"]))
            await transaction.run(RENAME, name="guest")
            await transaction.one(SLEEP, seconds=chance.choice([0.0, 0.001]))

    for _ in range(60):
        tasks = [asyncio.create_task(work()) for _ in range(4)]
        await asyncio.sleep(chance.random() * 0.004)
        for task in chance.sample(tasks, 3):
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError, DatabaseUnavailable):
                await task
    await use_every_connection(narrow)


async def test_a_dead_connection_is_not_handed_out(narrow: Database, terminate: Callable[[], Awaitable[None]]) -> None:
    await use_every_connection(narrow)
    for _ in range(3):
        before = await narrow.one(PID)
        await terminate()
        assert await narrow.one(PID) != before
    await terminate()
    await use_every_connection(narrow)


async def test_a_connection_that_dies_in_use_is_an_answer_and_the_next_call_works(
    narrow: Database, terminate: Callable[[], Awaitable[None]]
) -> None:
    task = asyncio.create_task(narrow.one(SLEEP, seconds=30))
    await asyncio.sleep(0.05)
    await terminate()
    await refused(task)
    await use_every_connection(narrow)


async def test_a_transaction_whose_connection_dies_commits_nothing(
    narrow: Database, terminate: Callable[[], Awaitable[None]]
) -> None:
    async def rename() -> None:
        async with narrow.transaction() as transaction:
            await transaction.run(RENAME, name="guest")
            await terminate()

    await refused(rename())
    description = Query[str]("description", "SELECT description FROM revenge.roles WHERE name = 'guest'", str)
    assert await narrow.one(description) != "x"


async def test_a_deadlock_is_an_answer_to_one_of_the_two(revenge_postgres: RecycledDatabase) -> None:
    patient = Database(
        revenge_postgres.url, lock_timeout=timedelta(seconds=30), statement_timeout=timedelta(seconds=30)
    )
    await patient.open()
    together = asyncio.Barrier(2)

    async def take(first: str, second: str) -> str:
        async with patient.transaction() as transaction:
            await transaction.one(LOCK, name=first)
            await together.wait()
            try:
                await transaction.one(LOCK, name=second)
            except DatabaseUnavailable as error:
                return type(error.__cause__).__name__
            return "both"

    outcomes = await asyncio.gather(take("admin", "user"), take("user", "admin"), return_exceptions=True)
    await patient.close()
    assert "both" in outcomes
    assert any("nothing of it can be committed" in str(outcome) for outcome in outcomes), outcomes


async def test_a_transaction_that_others_overtook_is_an_answer(narrow: Database) -> None:
    async def rename(transaction: Transaction) -> None:
        await transaction.run(RENAME, name="guest")

    async def overtaken() -> None:
        async with narrow.transaction() as transaction:
            await transaction.run(SERIALIZABLE)
            await transaction.one(ONE)
            async with narrow.transaction() as other:
                await rename(other)
            await rename(transaction)

    assert isinstance((await refused(overtaken())).__cause__, psycopg.errors.SerializationFailure)


async def test_a_database_that_cannot_be_written_to_is_an_answer(revenge_postgres: RecycledDatabase) -> None:
    options = quote("-c default_transaction_read_only=on")
    standby = Database(f"{revenge_postgres.url}&options={options}")
    await standby.open()
    await refused(standby.run(RENAME, name="guest"))
    await standby.close()


async def test_a_defect_of_ours_is_not_called_an_outage(narrow: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await narrow.one(BROKEN)
    await use_every_connection(narrow)


async def rename_and_fail(transaction: Transaction) -> None:
    async with transaction.savepoint():
        await transaction.run(RENAME, name="guest")
        await transaction.one(BROKEN)


async def test_what_fails_in_a_part_of_a_transaction_is_undone_and_the_rest_is_committed(narrow: Database) -> None:
    async with narrow.transaction() as transaction:
        await transaction.run(RENAME, name="admin")
        with pytest.raises(psycopg.errors.DivisionByZero):
            await rename_and_fail(transaction)
        async with transaction.savepoint():
            await transaction.run(RENAME, name="user")
    assert await narrow.all(RENAMED) == ("admin", "user")


async def test_a_part_that_was_done_goes_with_its_transaction(narrow: Database) -> None:
    with suppress(ZeroDivisionError):
        async with narrow.transaction() as transaction:
            async with transaction.savepoint():
                await transaction.run(RENAME, name="admin")
            raise ZeroDivisionError
    assert await narrow.all(RENAMED) == ()


async def test_a_connection_that_dies_in_a_part_is_an_answer_and_commits_nothing(
    narrow: Database, terminate: Callable[[], Awaitable[None]]
) -> None:
    async def rename_and_die() -> None:
        async with narrow.transaction() as transaction, transaction.savepoint():
            await transaction.run(RENAME, name="admin")
            await terminate()
            await transaction.one(ONE)

    with pytest.raises(DatabaseUnavailable):
        await rename_and_die()
    assert await narrow.all(RENAMED) == ()


async def test_what_is_written_later_is_there_for_the_next_statement_and_at_the_end(narrow: Database) -> None:
    async with narrow.transaction() as transaction:
        transaction.later(RENAME, name="admin")
        assert await transaction.all(RENAMED) == ("admin",)
        transaction.later(RENAME, name="user")
    assert await narrow.all(RENAMED) == ("admin", "user")


async def test_what_waits_for_the_next_statement_is_rolled_back_too(narrow: Database) -> None:
    with suppress(ZeroDivisionError):
        async with narrow.transaction() as transaction:
            transaction.later(RENAME, name="admin")
            raise ZeroDivisionError
    assert await narrow.all(RENAMED) == ()
    await use_every_connection(narrow)


async def test_what_waits_in_a_part_is_undone_with_it(narrow: Database) -> None:
    async def rename_later_and_fail(transaction: Transaction) -> None:
        async with transaction.savepoint():
            transaction.later(RENAME, name="admin")
            raise ZeroDivisionError

    async with narrow.transaction() as transaction:
        transaction.later(RENAME, name="user")
        with pytest.raises(ZeroDivisionError):
            await rename_later_and_fail(transaction)
    assert await narrow.all(RENAMED) == ("user",)


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"])
async def test_what_was_written_later_and_never_sent_cannot_be_forgotten(narrow: Database, name: str) -> None:
    async def swallow() -> None:
        async with narrow.transaction() as transaction:
            transaction.later(RENAME, name=name)
            transaction.later(RENAME, name="guest")
            with suppress(Invalid):
                await transaction.one(ONE)

    with pytest.raises(RuntimeError, match="nothing of it can be committed"):
        await swallow()
    assert await narrow.all(RENAMED) == ()
    await use_every_connection(narrow)


async def test_what_fails_with_the_commit_is_rolled_back(narrow: Database) -> None:
    async def fail() -> None:
        async with narrow.transaction() as transaction:
            transaction.later(RENAME, name="guest")
            await transaction.commit_with(BROKEN)

    for _ in range(3):
        before = {await narrow.one(PID)}
        with pytest.raises(psycopg.errors.DivisionByZero):
            await fail()
        assert {await narrow.one(PID)} == before, "the connection is as good as before"
    assert await narrow.all(RENAMED) == ()
    await use_every_connection(narrow)


async def test_the_last_statement_answers_and_is_committed(narrow: Database) -> None:
    async with narrow.transaction() as transaction:
        transaction.later(RENAME, name="guest")
        assert await transaction.commit_with(RENAMED) == ("guest",)
    assert await narrow.all(RENAMED) == ("guest",)


async def test_only_a_durable_transaction_waits_for_the_disk(narrow: Database) -> None:
    async with narrow.transaction(durable=False) as transaction:
        assert await transaction.one(SETTING, name="synchronous_commit") == "off"
    async with narrow.transaction() as transaction:
        found = await transaction.one(SETTING, name="synchronous_commit")
    assert found == await narrow.one(SETTING, name="synchronous_commit")


async def test_a_failure_that_was_swallowed_cannot_be_committed(narrow: Database) -> None:
    async def swallow() -> None:
        async with narrow.transaction() as transaction:
            await transaction.run(RENAME, name="guest")
            with suppress(psycopg.errors.DivisionByZero):
                await transaction.one(BROKEN)

    with pytest.raises(RuntimeError, match="nothing of it can be committed"):
        await swallow()
    await use_every_connection(narrow)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "a\udfff"])
async def test_text_that_cannot_be_stored_is_the_callers_mistake(narrow: Database, text: str) -> None:
    with pytest.raises(Invalid, match="cannot be stored"):
        await narrow.one(ECHO, text=text)
    await use_every_connection(narrow)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("application_name", "revenge"),
        ("default_transaction_isolation", "read committed"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("lock_timeout", "200ms"),
        ("search_path", ""),
        ("statement_timeout", "500ms"),
        ("TimeZone", "UTC"),
    ],
)
async def test_every_session_has_our_settings(narrow: Database, name: str, value: str) -> None:
    assert await narrow.one(SETTING, name=name) == value


async def test_what_the_url_sets_wins(revenge_postgres: RecycledDatabase) -> None:
    options = quote("-c statement_timeout=1234ms")
    database = Database(f"{revenge_postgres.url}&options={options}&application_name=mine")
    await database.open()
    settings = [await database.one(SETTING, name=name) for name in ("statement_timeout", "application_name")]
    await database.close()
    assert settings == ["1234ms", "mine"]


async def test_a_database_that_is_away_cannot_be_opened() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none", acquire_timeout=timedelta(seconds=0.2))
    error = await refused(database.open())
    assert error.retry_after == 1


async def test_statements_run_without_a_transaction_around_them_see_each_others_writes(database: Database) -> None:
    assert await database.run(RENAME, name="guest") == 1
    assert await database.run(RENAME, name="nobody") == 0
    every: Query[Any] = Query("every", "SELECT description FROM revenge.roles ORDER BY name", str)
    assert "x" in await database.all(every)
