"""The PostgreSQL adapters, as the contracts want them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import psycopg
import pytest

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.postgres.accounts import PostgresInvitationReader
from revenge_adapters.postgres.activity import PostgresActivityReader
from revenge_adapters.postgres.api_keys import PostgresKeyPrincipalReader, PostgresKeyReader
from revenge_adapters.postgres.auth import PostgresAccountReader, PostgresPrincipalReader
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.devices import PostgresDeviceReader
from revenge_adapters.postgres.exports import PostgresExportReader, PostgresPersonalData
from revenge_adapters.postgres.groups import PostgresGroupReader
from revenge_adapters.postgres.guesses import PostgresGuessReader
from revenge_adapters.postgres.jobs.reader import PostgresJobReader
from revenge_adapters.postgres.jobs.store import PostgresJobStore
from revenge_adapters.postgres.jobs.upkeep import PostgresJobUpkeep
from revenge_adapters.postgres.jobs.wakeups import PostgresWakeUps
from revenge_adapters.postgres.preferences import PostgresPreferenceReader
from revenge_adapters.postgres.rbac import PostgresRoleDirectory, PostgresRoleReader
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.postgres.seals import PostgresSealReader
from revenge_adapters.postgres.sessions import PostgresSessionReader
from revenge_adapters.postgres.sql import Query
from revenge_adapters.postgres.uow import CommitListener, PostgresUnitOfWork
from revenge_adapters.postgres.users import PostgresUserDirectory, PostgresUserReader
from revenge_core.feed import Change, Topic
from revenge_core.jobs.ports import WakeUps
from revenge_core.testing import builders
from revenge_core.testing.contracts.world import World

SEALER: Final = MemorySealer()
NOW: Final = Query[datetime]("now", "SELECT clock_timestamp()", datetime)
PUT_BACK: Final = Query[str](
    "put back",
    r"""
    SELECT format('UPDATE revenge.%%I SET ', table_name) || string_agg(
               format('%%1$I = %%1$I - make_interval(secs => %%%%(seconds)s)', column_name), ', '
           )
      FROM information_schema.columns
     WHERE table_schema = 'revenge' AND table_name LIKE 'job%%' AND data_type = 'timestamp with time zone'
     GROUP BY table_name
    """,
    str,
)
EMPTY_UNLOGGED: Final = Query[str](
    "empty",
    "SELECT format('DELETE FROM revenge.%%I', relname) FROM pg_class"
    " WHERE relnamespace = 'revenge'::regnamespace AND relkind = 'r' AND relpersistence = 'u'",
    str,
)


def postgres_uow(
    database: Database, listener: CommitListener | None = None, wake_ups: WakeUps | None = None
) -> PostgresUnitOfWork:
    """A unit of work whose signals nobody outside hears, unless somebody does."""
    return PostgresUnitOfWork(
        database, listener, sealer=SEALER, wake_ups=wake_ups or PostgresWakeUps(database, "", listen=False)
    )


def postgres_world(
    database: Database, announced: Callable[[], Awaitable[Sequence[Change]]], wake_ups: WakeUps | None = None
) -> World:
    """Adapters without a cache, over an open database that nobody else uses."""
    wake_ups = wake_ups or PostgresWakeUps(database, "", listen=False)
    return World(
        uow=postgres_uow(database, wake_ups=wake_ups),
        users=PostgresUserReader(database),
        sessions=PostgresSessionReader(database),
        devices=PostgresDeviceReader(database),
        groups=PostgresGroupReader(database),
        guesses=PostgresGuessReader(database),
        roles=PostgresRoleReader(database),
        role_directory=PostgresRoleDirectory(database),
        activity=PostgresActivityReader(database, ManualClock(builders.NOW)),
        seals=PostgresSealReader(database),
        accounts=PostgresAccountReader(database),
        api_keys=PostgresKeyReader(database),
        key_principals=PostgresKeyPrincipalReader(database),
        principals=PostgresPrincipalReader(database),
        user_directory=PostgresUserDirectory(database),
        invitations=PostgresInvitationReader(database),
        preferences=PostgresPreferenceReader(database),
        exports=PostgresExportReader(database),
        personal_data=PostgresPersonalData(database),
        announced=announced,
        job_reader=PostgresJobReader(database),
        job_store=PostgresJobStore(database, wake_ups),
        job_upkeep=PostgresJobUpkeep(database, wake_ups, SEALER, warm_up=timedelta(0)),
        wake_ups=wake_ups,
        sealer=SEALER,
        now=partial(present, database),
        pass_time=partial(pass_time, database),
        lose_leases=partial(lose_leases, database),
    )


async def present(database: Database) -> datetime:
    """The database's time."""
    now = await database.one(NOW)
    assert now is not None
    return now


async def pass_time(database: Database, seconds: float) -> None:
    """Put back every time that the job queue keeps: to it, the present is that much later."""
    async with database.transaction() as transaction:
        for statement in await transaction.all(PUT_BACK):
            await transaction.run(Query("put back", statement, type(None)), seconds=seconds)


async def lose_leases(database: Database) -> None:
    """What a crash of the database does to tables that are not logged."""
    for statement in await database.all(EMPTY_UNLOGGED):
        await database.run(Query("empty", statement, type(None)))


def announced_in(url: str) -> Callable[[], Awaitable[Sequence[Change]]]:
    """Reads the feed of the database at `url`, over a connection of its own each time."""

    async def announced() -> Sequence[Change]:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            rows = await connection.execute("SELECT topic, key FROM revenge.changes ORDER BY number")
            return [Change(topic=Topic(topic), key=key) async for topic, key in rows]

    return announced


class OnPostgres:
    """Runs a suite on PostgreSQL."""

    @pytest.fixture
    async def world(self, revenge_postgres: RecycledDatabase, database: Database) -> AsyncIterator[World]:
        wake_ups = PostgresWakeUps(database, revenge_postgres.url)
        await wake_ups.start()
        async with wake_ups.listen() as signals:
            await anext(signals)  # it listens now, and all may have been missed before
        yield postgres_world(database, announced_in(revenge_postgres.url), wake_ups)
        await wake_ups.close()
