from collections.abc import AsyncIterator

import pytest

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.wakeups import PostgresWakeUps
from revenge_adapters.postgres.recycled import RecycledDatabase
from tests.taskiq.yard import Yard


@pytest.fixture
async def yard(revenge_postgres: RecycledDatabase) -> AsyncIterator[Yard]:
    """A database of the test's own, where workers may work."""
    database = Database(revenge_postgres.url, min_size=1, max_size=8)
    wake_ups = PostgresWakeUps(database, revenge_postgres.url)
    await database.open()
    await wake_ups.start()
    yield Yard(revenge_postgres.url, database, wake_ups)
    await wake_ups.close()
    await database.close()
