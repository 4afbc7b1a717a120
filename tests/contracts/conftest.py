from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg
import pytest

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_core.revenge import Revenge
from tests.contracts.postgres_world import announced_in, postgres_world
from tests.contracts.services import services_over


@pytest.fixture
async def database(revenge_postgres: RecycledDatabase) -> AsyncIterator[Database]:
    """The test's own database, open, as the application sees it."""
    opened = Database(revenge_postgres.url, min_size=1, max_size=12)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def servers(revenge_postgres: RecycledDatabase) -> AsyncIterator[tuple[Revenge, Revenge]]:
    """Two servers on one database, each with connections of its own."""
    clock = ManualClock()
    databases = [Database(revenge_postgres.url, max_size=10) for _ in range(2)]
    for database in databases:
        await database.open()
    worlds = [postgres_world(database, announced_in(revenge_postgres.url)) for database in databases]
    first, second = (services_over(world, clock) for world in worlds)
    for server in (first, second):
        await server.auth.load_signing_keys()
    yield first, second
    for database in databases:
        await database.close()


@pytest.fixture
def ask(revenge_postgres: RecycledDatabase) -> Callable[[str], Awaitable[Any]]:
    """Asks the database behind the servers' back for one value."""

    async def asked(statement: str) -> Any:  # noqa: ANN401 -- whatever the statement selects
        async with await psycopg.AsyncConnection.connect(revenge_postgres.superuser_url) as connection:
            row = await (await connection.execute(statement.encode())).fetchone()
            return row and row[0]

    return asked
