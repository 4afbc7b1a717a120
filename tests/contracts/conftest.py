from collections.abc import AsyncIterator

import pytest

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.recycled import RecycledDatabase


@pytest.fixture
async def database(revenge_postgres: RecycledDatabase) -> AsyncIterator[Database]:
    """The test's own database, open, as the application sees it."""
    opened = Database(revenge_postgres.url, min_size=1, max_size=12)
    await opened.open()
    yield opened
    await opened.close()
