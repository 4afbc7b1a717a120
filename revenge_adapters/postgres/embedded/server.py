"""The embedded server as several processes share it (rulings R27, R31, R32).

Two lock files in the data directory, both held through open descriptors, so the
kernel lets go of them however a process ends:

- `postgres.users`: everybody who uses the server holds it shared. Who gets it
  exclusively is the last one, and stops the server.
- `postgres.starter`: held while somebody makes, starts or stops the server.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import psycopg
from psycopg import sql

from revenge_adapters.postgres.embedded.backup import write_dump
from revenge_adapters.postgres.embedded.binaries import Installation
from revenge_adapters.postgres.embedded.cluster import START_TIMEOUT, SUPERUSER, Answer, Cluster
from revenge_adapters.postgres.embedded.errors import EmbeddedPostgresError
from revenge_adapters.postgres.embedded.files import locked, open_lock, try_lock

DATABASE: Final = "revenge"
OWNER: Final = "revenge_owner"
APPLICATION: Final = "revenge_app"

STARTER_TIMEOUT: Final = 2 * START_TIMEOUT
"""Seconds to wait for another process that makes, starts or stops the server."""


class EmbeddedServer:
    """A running PostgreSQL in a data directory, shared by every process that opened it."""

    def __init__(self, cluster: Cluster, users_lock: int) -> None:
        """Take over what `open` prepared; call that instead."""
        self._cluster = cluster
        self._users_lock = users_lock
        self._process = os.getpid()
        self._closing = threading.Lock()
        self._closed = False

    @classmethod
    def open(cls, data_dir: Path, *, installation: Path | None = None) -> Self:
        """Join the server of `data_dir`; make and start it first where that is needed.

        `installation` names PostgreSQL's programs (see `find_installation`). Safe to
        call from several processes at once, and after a crash at any point of an earlier call.
        Let it make `data_dir`: as root, PostgreSQL's own user must be able to pass through it.
        Raises EmbeddedPostgresError.
        """
        with _explained(data_dir):
            cluster = Cluster.prepare(data_dir, installation=installation)
            with locked(_starter(cluster), timeout=STARTER_TIMEOUT):
                users_lock = open_lock(cluster.home / "postgres.users")
                try:
                    # whoever holds it exclusively has stopped the server and is about to let go
                    fcntl.flock(users_lock, fcntl.LOCK_SH)
                    if not cluster.exists():
                        cluster.initialise()
                    cluster.start()
                    _make_database(cluster)
                except BaseException:
                    os.close(users_lock)
                    raise
            return cls(cluster, users_lock)

    @property
    def url(self) -> str:
        """The database as the application sees it; a libpq URL over the unix socket, without a password."""
        return self._cluster.url(APPLICATION, DATABASE)

    @property
    def owner_url(self) -> str:
        """The database as its owner, who migrates it (rulings R27)."""
        return self._cluster.url(OWNER, DATABASE)

    @property
    def superuser_url(self) -> str:
        """The database as PostgreSQL's superuser."""
        return self._cluster.url(SUPERUSER, DATABASE)

    @property
    def log_file(self) -> Path:
        """The file the server writes its log to at this moment; another one every day."""
        return self._cluster.log_file()

    @property
    def installation(self) -> Installation:
        """The programs in use."""
        return self._cluster.installation

    @property
    def data_dir(self) -> Path:
        """The directory given to `open`, resolved; PostgreSQL's own is `postgres` inside it."""
        return self._cluster.home

    def ensure_running(self) -> bool:
        """Bring the server back if it is gone; say whether this call started it.

        For whoever lost the connection: the server goes down with the process that
        started it, and the others go on. Costs milliseconds when all is well, well
        under 2 s after a crash (rulings R31). Any thread may call it.
        Raises EmbeddedPostgresError.
        """
        if self._closed:
            raise EmbeddedPostgresError(
                f"The embedded PostgreSQL in {self.data_dir} has been closed by this process.",
                next_step="Open it again.",
            )
        if self._cluster.answer() is Answer.ACCEPTS:
            return False
        with _explained(self.data_dir), locked(_starter(self._cluster), timeout=STARTER_TIMEOUT):
            return self._cluster.start()

    def dump(self, label: str) -> Path:
        """Back up the database into `data_dir/backups` and return the file; the newest three stay (rulings R32).

        The format is pg_dump's custom one (`pg_restore` reads it). `label` becomes part of the name: the
        schema version, say. Raises EmbeddedPostgresError; a failed attempt leaves the earlier files alone.
        """
        directory = self.data_dir / "backups"
        with _explained(directory):
            return write_dump(self.installation, self.superuser_url, directory, label, datetime.now(UTC))

    def close(self) -> None:
        """Leave the server, and stop it if nobody else uses it. Calling it twice does nothing.

        In a process forked after `open` it only lets go. Raises EmbeddedPostgresError when it does not stop.
        """
        with self._closing:
            if self._closed:
                return
            self._closed = True
        try:
            if os.getpid() == self._process:
                with locked(_starter(self._cluster), timeout=STARTER_TIMEOUT):
                    if try_lock(self._users_lock, fcntl.LOCK_EX):
                        self._cluster.stop()
        finally:
            os.close(self._users_lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def _explained(place: Path) -> Generator[None]:
    """Turn what the operating system refuses into our own error."""
    try:
        yield
    except OSError as problem:
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL cannot use {problem.filename or place}: {problem.strerror or problem}.",
            next_step="Check who owns it, free space, and that it is on a local disk.",
        ) from problem


def _starter(cluster: Cluster) -> Path:
    return cluster.home / "postgres.starter"


def _make_database(cluster: Cluster) -> None:
    """Make the two roles and the database, whichever are missing (rulings R27)."""
    try:
        with psycopg.connect(cluster.url(), autocommit=True, connect_timeout=10) as connection:
            for role in (OWNER, APPLICATION):
                if connection.execute("select from pg_roles where rolname = %s", [role]).fetchone() is None:
                    connection.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
            if connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchone() is None:
                names = {"database": sql.Identifier(DATABASE), "owner": sql.Identifier(OWNER)}
                connection.execute(sql.SQL("create database {database} owner {owner}").format(**names))
            _grant(connection)
    except psycopg.Error as problem:
        raise EmbeddedPostgresError(
            f"The database {DATABASE!r} could not be made in {cluster.data}: {problem}.",
            next_step=f"See {cluster.log_file()}.",
            log=cluster.log_tail(),
        ) from problem


def _grant(connection: psycopg.Connection) -> None:
    """Let the two roles in and everybody else out; the rest is the migrations' business."""
    may = connection.execute(
        "select has_database_privilege('public', %(database)s, 'connect'),"
        " has_database_privilege(%(application)s, %(database)s, 'connect')",
        {"database": DATABASE, "application": APPLICATION},
    ).fetchone()
    if may == (False, True):
        return
    names = {"database": sql.Identifier(DATABASE), "application": sql.Identifier(APPLICATION)}
    with connection.transaction():
        connection.execute(sql.SQL("revoke all on database {database} from public").format(**names))
        connection.execute(sql.SQL("grant connect on database {database} to {application}").format(**names))
