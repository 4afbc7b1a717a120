from collections.abc import AsyncIterator

import psycopg
import pytest

from revenge_adapters.memory.health import SteadyProbe
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.health import DatabaseProbe, MigrationsProbe
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_core.health.entities import Status
from revenge_core.health.ports import Probe
from revenge_core.testing.contracts.health import ProbeContract


class TestSteadyProbe(ProbeContract):
    @pytest.fixture
    def probe(self) -> Probe:
        return SteadyProbe("database")

    @pytest.fixture
    def broken_probe(self) -> Probe:
        return SteadyProbe("database", Status.UNHEALTHY, "away")


class TestDatabaseProbe(ProbeContract):
    @pytest.fixture
    def probe(self, database: Database) -> Probe:
        return DatabaseProbe(database)

    @pytest.fixture
    async def broken_probe(self, revenge_postgres: RecycledDatabase) -> Probe:
        """Of a database that hung up."""
        database = Database(revenge_postgres.url)
        await database.open()
        await database.close()
        return DatabaseProbe(database)

    async def test_a_database_that_cannot_be_written_to_is_degraded(self, revenge_postgres: RecycledDatabase) -> None:
        standby = Database(revenge_postgres.url + "&options=-c%20default_transaction_read_only%3Don")
        await standby.open()
        check = await DatabaseProbe(standby).check()
        await standby.close()
        assert check.status is Status.DEGRADED
        assert "read-only" in (check.message or "")


class TestMigrationsProbe(ProbeContract):
    @pytest.fixture
    def probe(self, database: Database) -> Probe:
        return MigrationsProbe(database)

    @pytest.fixture
    async def broken_probe(self, revenge_postgres_fresh: RecycledDatabase) -> AsyncIterator[Probe]:
        """Of a database that was never migrated."""
        async with await psycopg.AsyncConnection.connect(revenge_postgres_fresh.owner_url) as connection:
            await connection.execute("DROP SCHEMA revenge CASCADE")
        database = Database(revenge_postgres_fresh.url)
        await database.open()
        yield MigrationsProbe(database)
        await database.close()

    async def test_a_schema_of_a_newer_version_is_unhealthy(self, revenge_postgres_fresh: RecycledDatabase) -> None:
        async with await psycopg.AsyncConnection.connect(revenge_postgres_fresh.owner_url) as connection:
            await connection.execute(
                "INSERT INTO revenge.migrations VALUES (9999, '9999_pre_future', 'x', '2030-01-01Z')"
            )
        database = Database(revenge_postgres_fresh.url)
        await database.open()
        check = await MigrationsProbe(database).check()
        await database.close()
        assert check.status is Status.UNHEALTHY
        assert "newer Revenge" in (check.message or "")
