"""What readiness asks PostgreSQL."""

import asyncio
from collections.abc import Coroutine
from time import perf_counter
from typing import Final, TypeVar

import psycopg
from typing_extensions import override

from revenge_adapters.postgres import migrate
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.migrations import shipped
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.entity import Entity
from revenge_core.errors import RevengeError
from revenge_core.health.entities import Check, Status
from revenge_core.health.ports import Probe

T = TypeVar("T")

BUDGET_SECONDS: Final = 1.8
"""Less than the two seconds that a probe may take (decisions P7), so that the answer still arrives in time."""


class Server(Entity, kw_only=True):
    """What a server says about itself."""

    version: str
    read_only: bool


class Sql(SqlFile, file="health.sql"):
    """The statements of the probes."""

    server: Query[Server]


class DatabaseProbe(Probe):
    """Whether PostgreSQL answers and can be written to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def check(self) -> Check:
        began = perf_counter()
        try:
            server = await _within_budget(self._database.one(Sql.server))
        except (RevengeError, psycopg.Error, TimeoutError):
            server = None
        if server is None:
            return Check(name="database", status=Status.UNHEALTHY, message="the database does not answer")
        return Check(
            name="database",
            status=Status.DEGRADED if server.read_only else Status.HEALTHY,
            message="the database is read-only: nothing can be changed" if server.read_only else None,
            details={"version": server.version, "milliseconds": round((perf_counter() - began) * 1000, 1)},
        )


class MigrationsProbe(Probe):
    """Whether the schema is the one that this version needs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def check(self) -> Check:
        try:
            applied = await _within_budget(self._database.all(migrate.Sql.applied))
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            applied = ()
        except (RevengeError, psycopg.Error, TimeoutError):
            return Check(name="migrations", status=Status.UNHEALTHY, message="the schema cannot be looked at")
        standing = migrate.compare(applied, shipped())
        needed = [migration.name for migration in standing.pending if migration.half == "pre"]
        missing = f"not migrated yet: {', '.join(needed)}; run `revenge migrate up`" if needed else None
        message = standing.refusal or missing
        return Check(
            name="migrations",
            status=Status.UNHEALTHY if message else Status.HEALTHY,
            message=message,
            details={"applied": len(standing.applied), "pending": len(standing.pending)},
        )


async def _within_budget(asking: Coroutine[object, object, T]) -> T:
    """The answer, unless it takes too long; whoever still waits for the database then does so without us."""
    task = asyncio.ensure_future(asking)
    task.add_done_callback(_look_at)
    try:
        done, _ = await asyncio.wait({task}, timeout=BUDGET_SECONDS)
        if not done:
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()


def _look_at(task: asyncio.Task[T]) -> None:
    """Take notice of what became of it, or asyncio would complain that nobody did."""
    if not task.cancelled():
        task.exception()
