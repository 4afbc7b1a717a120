"""A few databases that tests take in turn; each is cleaned in the background while the next is in use.

A clone costs 30 ms and more, a recycled database a millisecond or two of another thread: taking one is a look into a
queue. What cannot be cleaned is thrown away and cloned anew under another name.
"""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import psycopg
from psycopg import sql

from revenge_adapters.postgres.recycled.baseline import Baseline
from revenge_adapters.postgres.recycled.janitor import OPTIONS, Janitor, SpoiledError

SIZE = 4
USES = 100
"""How often one database is handed out before dead rows and fat indexes call for a new clone."""
PATIENCE = 60.0
"""Seconds to wait for a database, or for a server that recovers from a crash."""

log = logging.getLogger(__name__)


class PoolError(Exception):
    """No database can be had: the server is gone, or cloning fails. The cause says why."""


class Server(Protocol):
    """A PostgreSQL whose databases come and go; nobody else uses the names that the pool draws."""

    owner: str
    """The role that owns the databases."""
    application: str
    """The role that the product connects as."""
    superuser: str

    def url(self, role: str, database: str) -> str:
        """Where `role` reaches `database`, as a libpq URL."""
        ...


@dataclass(frozen=True, slots=True)
class RecycledDatabase:
    """A database that is the test's own until it gives it back."""

    name: str
    url: str
    """For the application role, which the product runs as."""
    owner_url: str
    """For the role that owns the database and runs migrations."""
    superuser_url: str


@dataclass(slots=True)
class _Slot:
    database: RecycledDatabase
    janitor: Janitor
    uses: int = 0


class RecycledPool:
    """Databases equal to what `prepare` made, handed out one by one. Close it; usable from several threads."""

    def __init__(
        self,
        server: Server,
        prepare: Callable[[str], None],
        *,
        size: int = SIZE,
        uses: int = USES,
        prefix: str = "revenge_test",
    ) -> None:
        """Create the template, run `prepare` with its owner's URL, and begin to clone it `size` times.

        What `prepare` raises passes through.
        """
        self._server = server
        self._uses = uses
        self._numbers = itertools.count(1)
        self._prefix = prefix
        self._template = self._database(f"{prefix}_template")
        self._baseline = self._make_template(prepare)
        self._ready: SimpleQueue[_Slot | Exception] = SimpleQueue()
        self._leased: dict[str, _Slot] = {}
        self._chores: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        for _ in range(size):
            self._chores.put(self._add)
        self._thread = threading.Thread(target=self._work, name="revenge-recycled-pool", daemon=True)
        self._thread.start()

    def take(self) -> RecycledDatabase:
        """Hand out a clean database. Raises `PoolError` when there is none and none can be made."""
        while True:
            try:
                slot = self._ready.get(timeout=PATIENCE)
            except Empty:
                raise PoolError(f"no database was given back within {PATIENCE:.0f} s") from None
            if isinstance(slot, Exception):
                self._chores.put(self._add)
                raise PoolError("no test database can be made") from slot
            if slot.janitor.alive():
                slot.uses += 1
                self._leased[slot.database.name] = slot
                return slot.database
            self._chores.put(partial(self._replace, slot))

    def give_back(self, database: RecycledDatabase) -> None:
        """Return what `take` gave; returns at once. Connections that are still open are cut, and cost a new clone."""
        self._chores.put(partial(self._recycle, self._leased.pop(database.name)))

    @contextmanager
    def lease(self) -> Generator[RecycledDatabase]:
        """Take a database for the length of a block."""
        database = self.take()
        try:
            yield database
        finally:
            self.give_back(database)

    @contextmanager
    def fresh(self) -> Generator[RecycledDatabase]:
        """Clone the template for the length of a block: for tests that run DDL or look at files, ids and statistics."""
        database = self._clone()
        try:
            yield database
        finally:
            self._chores.put(partial(self._drop, database))

    def close(self) -> None:
        """Finish the cleaning that is under way and let go of the databases, which stay on the server."""
        self._chores.put(None)
        self._thread.join()
        slots = list(self._leased.values())
        with suppress(Empty):
            while True:
                slot = self._ready.get_nowait()
                if isinstance(slot, _Slot):
                    slots.append(slot)
        for slot in slots:
            slot.janitor.close()

    def _work(self) -> None:
        while (chore := self._chores.get()) is not None:
            try:
                chore()
            except Exception as problem:  # noqa: BLE001 -- it is raised where the database is asked for
                self._ready.put(problem)

    def _add(self) -> None:
        database = self._clone()
        self._ready.put(
            _Slot(database, Janitor(self._baseline, self._connect(database.superuser_url, options=OPTIONS)))
        )

    def _replace(self, slot: _Slot) -> None:
        slot.janitor.close()
        self._drop(slot.database)
        self._add()

    def _recycle(self, slot: _Slot) -> None:
        try:
            if slot.uses >= self._uses:
                raise SpoiledError(f"used {slot.uses} times")
            slot.janitor.clean()
        except (SpoiledError, psycopg.Error) as reason:
            log.debug("database %s is cloned anew: %s", slot.database.name, reason)
            self._replace(slot)
        else:
            self._ready.put(slot)

    def _make_template(self, prepare: Callable[[str], None]) -> Baseline:
        name = sql.Identifier(self._template.name)
        with self._connect(self._server.url(self._server.superuser, "postgres")) as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(self._server.owner)), prepare=False
            )
            prepare(self._template.owner_url)
            with self._connect(self._template.superuser_url, options=OPTIONS) as template:
                baseline = Baseline(template)
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false IS_TEMPLATE true").format(name))
        return baseline

    def _clone(self) -> RecycledDatabase:
        database = self._database(f"{self._prefix}_{next(self._numbers)}")
        names = {
            "name": sql.Identifier(database.name),
            "template": sql.Identifier(self._template.name),
            "owner": sql.Identifier(self._server.owner),
        }
        with self._connect(self._server.url(self._server.superuser, "postgres")) as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {name} TEMPLATE {template} OWNER {owner} STRATEGY file_copy").format(**names)
            )
            self._copy_what_a_template_does_not_pass_on(admin, database.name)
        return database

    def _copy_what_a_template_does_not_pass_on(self, admin: psycopg.Connection[Any], name: str) -> None:
        # Grants and settings of the database itself: `REVOKE … ON DATABASE`, `ALTER DATABASE … SET`.
        both = {"name": name, "template": self._template.name}
        admin.execute(
            "UPDATE pg_database SET datacl = t.datacl FROM pg_database t"
            " WHERE pg_database.datname = %(name)s AND t.datname = %(template)s AND t.datacl IS NOT NULL",
            both,
        )
        admin.execute(
            "INSERT INTO pg_db_role_setting SELECT d.oid, s.setrole, s.setconfig"
            " FROM pg_db_role_setting s JOIN pg_database t ON t.oid = s.setdatabase, pg_database d"
            " WHERE d.datname = %(name)s AND t.datname = %(template)s",
            both,
        )

    def _drop(self, database: RecycledDatabase) -> None:
        # Its name is not drawn again, so what cannot be dropped costs space and nothing else.
        with suppress(psycopg.Error), self._connect(self._server.url(self._server.superuser, "postgres")) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))

    def _database(self, name: str) -> RecycledDatabase:
        roles = (self._server.application, self._server.owner, self._server.superuser)
        return RecycledDatabase(name, *(self._server.url(role, name) for role in roles))

    @staticmethod
    def _connect(url: str, *, options: str = "") -> psycopg.Connection[Any]:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return psycopg.connect(url, autocommit=True, options=options, prepare_threshold=None)
            except psycopg.OperationalError as problem:
                # "… starting up", "… in recovery mode": a backend was killed, and the server comes back by itself.
                if "the database system is" not in str(problem) or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)
