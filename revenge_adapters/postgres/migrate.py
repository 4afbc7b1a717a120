"""Bringing a database to this version's schema: one process at a time, each step whole or not at all, never backwards.

Synchronous, since it runs before anything else does.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import psycopg
from psycopg import sql

from revenge_adapters.postgres.conninfo import with_settings
from revenge_adapters.postgres.errors import in_our_words
from revenge_adapters.postgres.migrations import Migration, grants, shipped
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.entity import Entity
from revenge_core.errors import DatabaseUnavailable, RevengeError

T = TypeVar("T")

AHEAD: Final = timedelta(days=62)
"""How far ahead audit partitions are made: this month and two more (rulings R28)."""
_SETTINGS: Final = {
    "search_path": "",
    "timezone": "UTC",
    "lock_timeout": "60s",
    "statement_timeout": 0,  # a migration takes as long as it takes
    "client_min_messages": "warning",
}


class MigrationError(RevengeError):
    """The schema cannot be brought to this version, or is of a newer one; the text names the way out."""

    code = "migration_failed"
    title = "The database's schema does not fit this version"


class Applied(Entity, kw_only=True):
    """A migration that a database has had."""

    number: int
    name: str
    checksum: str
    applied_at: datetime


class MigrationStatus(Entity, kw_only=True):
    """Where a database stands, compared with this version."""

    applied: tuple[Applied, ...]
    pending: tuple[Migration, ...]
    """What `migrate` would do, in order."""
    refusal: str | None
    """Why this version must not touch or use the database at all: it is newer, or a migration was rewritten."""


class Sql(SqlFile, file="migrate.sql"):
    """The statements of migrating."""

    lock: Query[bool]
    has_schema: Query[bool]
    has_table: Query[bool]
    create_schema: Query[None]
    create_table: Query[None]
    applied: Query[Applied]
    record: Query[None]
    has_role: Query[bool]
    make_partitions: Query[int]


def migrate(
    owner_url: str,
    *,
    app_role: str | None = None,
    include_post: bool = True,
    migrations: Sequence[Migration] | None = None,
    now: datetime | None = None,
) -> tuple[Applied, ...]:
    """Do what is pending, and return what was done; nothing where the database is up to date.

    `app_role` is the role that the application connects as, where that is not the owner. `include_post=False` leaves
    out the halves for which no older version may be running any more. Interrupted, it goes on where it stopped.

    Raises:
        MigrationError: the database is newer, a migration was rewritten or fails, or there is no `app_role`.
        DatabaseUnavailable: it cannot be reached, or somebody holds its locks for a minute.
    """
    ours = shipped() if migrations is None else migrations
    moment = now or datetime.now(UTC)
    done: list[Applied] = []
    with _connected(owner_url) as connection:
        while (step := _step(connection, ours, moment, include_post=include_post)) is not None:
            done.append(step)
        with connection.transaction():
            _one(connection, Sql.lock)
            if app_role is not None:
                _grant(connection, app_role)
            _one(connection, Sql.make_partitions, since=moment, upto=moment + AHEAD)
    return tuple(done)


def status(url: str) -> MigrationStatus:
    """Where the database stands; reads only, as owner or as application.

    Raises:
        DatabaseUnavailable: it cannot be reached.
    """
    with _connected(url) as connection:
        return compare(_applied(connection), shipped())


def compare(applied: Sequence[Applied], ours: Sequence[Migration]) -> MigrationStatus:
    """What this version makes of the migrations that a database has had."""
    known = {migration.number: migration for migration in ours}
    refusal = None
    for step in applied:
        here = known.pop(step.number, None)
        if here is None:
            refusal = (
                f"the database was migrated by a newer Revenge ({step.name}; this one ends at "
                f"{ours[-1].name if ours else 'nothing'}): start that version, or restore a backup from before"
            )
        elif here.checksum != step.checksum:
            refusal = f"migration {here.name} is not the one that this database had: install an unmodified Revenge"
        if refusal:
            break
    return MigrationStatus(applied=tuple(applied), pending=tuple(known.values()), refusal=refusal)


def _step(
    connection: psycopg.Connection[Any], ours: Sequence[Migration], now: datetime, *, include_post: bool
) -> Applied | None:
    """Apply the first pending migration, under the lock and after another look; None if there is none."""
    with connection.transaction():
        _one(connection, Sql.lock)
        standing = compare(_applied(connection), ours)
        if standing.refusal:
            raise MigrationError(standing.refusal)
        wanted = (step for step in standing.pending if include_post or step.half == "pre")
        migration = next(wanted, None)
        if migration is None:
            return None
        if not _one(connection, Sql.has_schema):
            connection.execute(Sql.create_schema.text)
        if not _one(connection, Sql.has_table):
            connection.execute(Sql.create_table.text)
        try:
            connection.execute(migration.text.encode())
        except psycopg.Error as error:
            if isinstance(in_our_words(error), DatabaseUnavailable):
                raise
            message = f"migration {migration.name} failed and was undone: {error.diag.message_primary or error}"
            raise MigrationError(message) from error
        step = Applied(number=migration.number, name=migration.name, checksum=migration.checksum, applied_at=now)
        connection.execute(
            Sql.record.text,
            {"number": step.number, "name": step.name, "checksum": step.checksum, "applied_at": step.applied_at},
        )
        return step


def _grant(connection: psycopg.Connection[Any], role: str) -> None:
    if not _one(connection, Sql.has_role, role=role):
        raise MigrationError(f"there is no database role {role!r} for the application; create it and migrate again")
    quoted = sql.Identifier(role).as_string(connection)
    connection.execute(grants().replace("{role}", quoted).encode())


def _applied(connection: psycopg.Connection[Any]) -> tuple[Applied, ...]:
    if not _one(connection, Sql.has_schema) or not _one(connection, Sql.has_table):
        return ()
    with connection.cursor(row_factory=Sql.applied.row_factory) as cursor:
        return tuple(cursor.execute(Sql.applied.text).fetchall())


def _one(connection: psycopg.Connection[Any], query: Query[T], **parameters: object) -> T | None:
    with connection.cursor(row_factory=query.row_factory) as cursor:
        return cursor.execute(query.text, parameters or None).fetchone()


@contextmanager
def _connected(url: str) -> Generator[psycopg.Connection[Any]]:
    try:
        conninfo = with_settings(url, _SETTINGS, connect_timeout=5, application_name="revenge migrate")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        message = f"the database role lacks a right: {error.diag.message_primary}; migrate with the owner's URL"
        raise MigrationError(message) from error
    except psycopg.Error as error:
        ours = in_our_words(error)
        if ours is error:
            raise
        raise ours from error
