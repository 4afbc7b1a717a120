"""What a clean database looks like: the questions to ask of a clone, and what the untouched template answers."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from psycopg import Connection

# ANALYZE writes the two that are left out; they steer the planner and hold nothing that a test calls its own.
_CATALOGS = """
SELECT oid::regclass::text, oid FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'
   AND NOT relisshared AND relname NOT IN ('pg_statistic', 'pg_statistic_ext_data') ORDER BY 1
"""
_RELATIONS = """
SELECT c.oid::regclass::text, c.oid, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm', 'S') AND c.relispopulated
   AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY c.relkind = 'S', c.oid
"""
# Counters are complete once a backend has left pg_stat_activity (PostgreSQL 15 and newer): it adds its own before.
_WRITES = "pg_stat_get_tuples_inserted(o) + pg_stat_get_tuples_updated(o) + pg_stat_get_tuples_deleted(o)"
_USES = "pg_stat_get_blocks_fetched(o)"
_CATALOG_WRITES = f"(SELECT sum({_WRITES}) FROM unnest('{{oids}}'::oid[]) AS o)::text"  # noqa: S608 - constants
_RESET = "pg_stat_get_db_stat_reset_time(this.oid)"
_GRANTS = "(SELECT ROW(datdba, datacl) FROM pg_database WHERE oid = this.oid)"
_SETTINGS = "(SELECT array_agg(ROW(setrole, setconfig)) FROM pg_db_role_setting WHERE setdatabase = this.oid)"
_EACH = "(SELECT array_agg(({count})::text ORDER BY n) FROM unnest('{oids}'::oid[]) WITH ORDINALITY AS u (o, n))"
_THIS = "FROM (SELECT oid FROM pg_database WHERE datname = current_database()) AS this"

_YOUNGER = "(SELECT ROW(count(*), count(*) FILTER (WHERE age(xmin) <= epoch.age)) FROM {name}{lasting})"
# The first temporary table of a session makes schemas that stay for others to use.
_LASTING = {"pg_namespace": r" WHERE nspname NOT LIKE 'pg\_temp\_%' AND nspname NOT LIKE 'pg\_toast\_temp\_%'"}
_EMPTY = "(NOT EXISTS (SELECT FROM ONLY {name}))"
_SEEDS = "(SELECT ROW(count(*), sum(hashtextextended(revenge_row::text, 0))) FROM ONLY {name} AS revenge_row)"
_SEQUENCE = "(SELECT ROW(last_value, is_called) FROM {name})"


class Relation(NamedTuple):
    """A table, materialised view or sequence as the template holds it."""

    name: str
    """Quoted and qualified."""
    kind: str
    """`r`, `m` or `S`, as in `pg_class.relkind`."""
    seeds: bytes
    """The rows as COPY text; of a sequence the last two arguments of `setval`."""

    @property
    def state(self) -> str:
        """The expression that tells whether it is empty, or the number and hashes of its rows, or where it stands."""
        if self.kind == "S":
            return _SEQUENCE.format(name=self.name)
        return (_SEEDS if self.seeds else _EMPTY).format(name=self.name)


class Touched(NamedTuple):
    """Counters that move whenever something was written, even if it was rolled back, and what has no counter."""

    database: list[str | None]
    """When the counters were reset, the grants and the settings of the database itself."""
    catalogs: str
    relations: list[str]
    """In the order of `Baseline.relations`: rows written to a table, blocks of a sequence that were used."""


class Baseline:
    """Taken once from the template, valid for each of its clones."""

    def __init__(self, template: Connection[Any]) -> None:
        """Read the template. Nobody may write to it afterwards: rows from now on count as a test's own."""
        epoch = one(template, "SELECT pg_current_xact_id()::xid::text")
        catalogs = template.execute(_CATALOGS).fetchall()
        found = template.execute(_RELATIONS).fetchall()
        self.relations = [Relation(name, kind, _seeds(template, name, kind)) for name, _, kind in found]
        self._states = dict(zip(self.relations, states(template, self.relations), strict=True))
        tables = _oids(oid for _, oid, kind in found if kind != "S")
        sequences = _oids(oid for _, oid, kind in found if kind == "S")
        self._touched_query = (
            f"{_array([_RESET, _GRANTS, _SETTINGS])}, {_CATALOG_WRITES.format(oids=_oids(oid for _, oid in catalogs))},"
            f" {_EACH.format(count=_WRITES, oids=tables)} || {_EACH.format(count=_USES, oids=sequences)} {_THIS}"
        )
        younger = _array(_YOUNGER.format(name=name, lasting=_LASTING.get(name, "")) for name, _ in catalogs)
        self._catalog_query = f"{younger} FROM (SELECT age('{epoch}'::xid)) AS epoch(age)"
        self._catalogs = one(template, self._catalog_query)

    def touched(self, clone: Connection[Any]) -> Touched:
        """Read all counters of a clone: a fraction of a millisecond."""
        database, catalogs, relations = rows(clone, self._touched_query)[0]
        return Touched(database, catalogs, relations or [])

    def same_catalogs(self, clone: Connection[Any]) -> bool:
        """Compare the system catalogs: each has as many rows, and none that is younger than the template."""
        return bool(one(clone, self._catalog_query) == self._catalogs)

    def changed(self, clone: Connection[Any], suspects: list[Relation]) -> list[Relation]:
        """Those whose rows or whose state is not the template's."""
        now = states(clone, suspects)
        return [relation for relation, state in zip(suspects, now, strict=True) if state != self._states[relation]]


def states(connection: Connection[Any], relations: list[Relation]) -> list[str]:
    """Look at the relations themselves."""
    return list(one(connection, _array(relation.state for relation in relations), prepare=False))


def one(connection: Connection[Any], query: str, *, prepare: bool = True) -> Any:  # noqa: ANN401 -- as psycopg has it
    """Run a query for the only column of its only row."""
    return rows(connection, query, prepare=prepare)[0][0]


def rows(connection: Connection[Any], query: str, *, prepare: bool = True) -> list[tuple[Any, ...]]:
    """Run a query; a prepared one is planned once for each connection."""
    return connection.execute(assembled(query), prepare=prepare).fetchall()


def assembled(text: str) -> bytes:
    """SQL that was put together from numbers, and from names which the server itself has quoted."""
    return text.encode()


def _seeds(connection: Connection[Any], name: str, kind: str) -> bytes:
    if kind == "S":
        state = f"SELECT convert_to(format('%s, %L', last_value, is_called), 'UTF8') FROM {name}"  # noqa: S608 - quoted by PostgreSQL
        return bytes(one(connection, state))
    source = f"(SELECT * FROM {name})" if kind == "m" else name  # noqa: S608 - the same
    with connection.cursor() as cursor, cursor.copy(assembled(f"COPY {source} TO STDOUT")) as copy:
        return b"".join(map(bytes, copy))


def _array(items: Iterable[str]) -> str:
    return f"SELECT ARRAY[{', '.join(f'{item}::text' for item in items)}]::text[]"


def _oids(oids: Iterable[int]) -> str:
    return f"{{{','.join(map(str, oids))}}}"
