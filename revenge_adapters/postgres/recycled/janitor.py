"""How a used database is made equal to its template again, or found to be past that.

The server's counters tell what a test may have written to; what they name is then looked at itself, and looked at again
after it was put back. Rolled back rows and temporary tables that are gone leave nothing. Committed DDL leaves its
rows in the system catalogs, and so do large objects: they count as DDL.
"""

import select
import time
from typing import Any

from psycopg import Connection

from revenge_adapters.postgres.recycled.baseline import Baseline, Relation, assembled, one

CLEANING_LIMIT = 16 * 1024 * 1024
"""Bytes of heap in the dirty tables from which a new clone is cheaper than deleting (and leaves no dead rows)."""
PARTING = 0.05
"""Seconds in which connections that a test has closed may go; what stays longer was left open."""
PAUSE = 0.0005

OPTIONS = (
    "-c session_replication_role=replica -c search_path= -c timezone=UTC -c lock_timeout=5s -c statement_timeout=30s"
    " -c client_min_messages=error -c jit=off -c max_parallel_workers_per_gather=0"
)
"""The superuser's session: triggers, foreign keys and rules stay quiet (rulings R29)."""

_OTHERS = """
SELECT count(*) FROM pg_stat_get_activity(NULL) AS other
 WHERE other.pid <> pg_backend_pid() AND other.datid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class SpoiledError(Exception):
    """The database cannot be cleaned, or not cheaply: throw it away and clone another."""


class Janitor:
    """Keeps one clone clean.

    Its connection is a superuser's, in autocommit mode, with `OPTIONS`, and was opened before anybody used the clone.
    """

    def __init__(self, baseline: Baseline, connection: Connection[Any]) -> None:
        self._baseline = baseline
        self._connection = connection
        self._touched = baseline.touched(connection)

    def alive(self) -> bool:
        """Tell whether the server has kept the connection: a crash may bring rows back, or empty unlogged tables."""
        waiting = select.poll()
        waiting.register(self._connection.fileno(), select.POLLIN)
        return not waiting.poll(0)

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def clean(self) -> None:
        """Make the database equal to the template and prove it.

        Raises `SpoiledError`, or psycopg's error where something that is ENABLE ALWAYS refuses.
        """
        self._wait_for_parting()
        before, self._touched = self._touched, self._baseline.touched(self._connection)
        if self._touched == before:
            return
        if self._touched.database != before.database:
            raise SpoiledError("grants, settings or counters of the database were changed")
        if self._touched.catalogs != before.catalogs and not self._baseline.same_catalogs(self._connection):
            raise SpoiledError("DDL was committed")
        counters = zip(self._baseline.relations, before.relations, self._touched.relations, strict=True)
        if suspects := [relation for relation, old, new in counters if old != new]:
            self._put_back(suspects)
            # looking and putting back moved the counters too: they are handed in, and are part of the next comparison
            one(self._connection, "SELECT pg_stat_force_next_flush()::text")
            self._touched = self._baseline.touched(self._connection)

    def _wait_for_parting(self) -> None:
        # A connection that is left open may belong to a pool that would come back in another test's turn: then the
        # database is given up together with its name. Whoever is gone can no longer commit.
        deadline = time.monotonic() + PARTING
        while others := one(self._connection, _OTHERS):
            if time.monotonic() > deadline:
                raise SpoiledError(f"connections left open: {others}")
            time.sleep(PAUSE)

    def _put_back(self, suspects: list[Relation]) -> None:
        if not (dirty := self._baseline.changed(self._connection, suspects)):
            return
        names = [relation.name for relation in dirty]
        if any(relation.kind == "m" for relation in dirty) or self._size(dirty) > CLEANING_LIMIT:
            raise SpoiledError(f"cheaper to clone than to clean: {names}")
        with self._connection.transaction():
            self._connection.execute(assembled(";".join(map(_undo, dirty))), prepare=False)
            for relation in dirty:
                if relation.kind == "r" and relation.seeds:
                    self._copy_in(relation)
            if self._baseline.changed(self._connection, dirty):
                raise SpoiledError(f"still different after cleaning: {names}")

    def _size(self, relations: list[Relation]) -> int:
        sizes = " + ".join(f"pg_relation_size({_literal(relation.name)})" for relation in relations)
        return int(one(self._connection, f"SELECT {sizes}", prepare=False))

    def _copy_in(self, relation: Relation) -> None:
        with self._connection.cursor() as cursor, cursor.copy(assembled(f"COPY {relation.name} FROM STDIN")) as copy:
            copy.write(relation.seeds)


def _undo(relation: Relation) -> str:
    if relation.kind == "S":
        return f"SELECT setval({_literal(relation.name)}, {relation.seeds.decode()})"
    return f"DELETE FROM ONLY {relation.name}"  # noqa: S608 -- regclass::text, quoted by the server


def _literal(name: str) -> str:
    quoted = name.replace("'", "''")
    return f"'{quoted}'::regclass"
