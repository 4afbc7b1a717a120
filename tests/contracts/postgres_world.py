"""The PostgreSQL adapters, as the contracts want them."""

from collections.abc import Awaitable, Callable, Sequence

import psycopg
import pytest

from revenge_adapters.postgres.activity import PostgresActivityReader
from revenge_adapters.postgres.auth import PostgresAccountReader, PostgresPrincipalReader
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.rbac import PostgresRoleReader
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.postgres.sessions import PostgresSessionReader
from revenge_adapters.postgres.uow import PostgresUnitOfWork
from revenge_adapters.postgres.users import PostgresUserReader
from revenge_core.feed import Change, Topic
from revenge_core.testing.contracts.world import World


def postgres_world(database: Database, announced: Callable[[], Awaitable[Sequence[Change]]]) -> World:
    """Adapters without a cache, over an open database that nobody else uses."""
    return World(
        uow=PostgresUnitOfWork(database),
        users=PostgresUserReader(database),
        sessions=PostgresSessionReader(database),
        roles=PostgresRoleReader(database),
        activity=PostgresActivityReader(database),
        accounts=PostgresAccountReader(database),
        principals=PostgresPrincipalReader(database),
        announced=announced,
    )


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
    def world(self, revenge_postgres: RecycledDatabase, database: Database) -> World:
        return postgres_world(database, announced_in(revenge_postgres.url))
