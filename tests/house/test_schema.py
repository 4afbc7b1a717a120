"""The schema, on each PostgreSQL there is: the snapshot is true, and the application role may do what it needs to."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
import pytest
from psycopg import errors, sql

from revenge_adapters.postgres.embedded.binaries import find_installation
from revenge_adapters.postgres.migrate import AHEAD, migrate
from revenge_adapters.postgres.migrations import grants
from revenge_adapters.postgres.recycled import APPLICATION, OWNER, Server, postgres_server
from tests.house.modules import ROOT

NOW: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
INSTALLATIONS: Final = (None, Path("/usr/lib/postgresql/15"))
"""The one that `find_installation` chooses, and the oldest that we promise to run on, where it is installed."""
ENTRY: Final = """
INSERT INTO revenge.activity (id, created_at, actor_kind, action, outcome, changes, salt)
VALUES (gen_random_uuid(), %s, 'host', 'user.create', 'success', '{}', '\\x00')
"""

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module", params=INSTALLATIONS, ids=["chosen", "15"])
def installation(request: pytest.FixtureRequest) -> Path | None:
    path: Path | None = request.param
    if path is not None and not (path / "bin" / "postgres").exists():
        pytest.skip(f"there is no PostgreSQL at {path}")
    return path


@pytest.fixture(scope="module")
def server(installation: Path | None) -> Iterator[Server]:
    with postgres_server(installation=installation) as running:
        yield running


@pytest.fixture(scope="module")
def new_database(server: Server) -> Callable[[], str]:
    """Makes an empty database; its name."""
    numbers = count(1)

    def make() -> str:
        name = f"schema_{next(numbers)}"
        with psycopg.connect(server.url(server.superuser, "postgres"), autocommit=True) as connection:
            owned = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
            connection.execute(owned)
        return name

    return make


@pytest.fixture(scope="module")
def migrated(server: Server, new_database: Callable[[], str]) -> str:
    """A migrated database; its name."""
    name = new_database()
    migrate(server.url(OWNER, name), app_role=APPLICATION, now=NOW)
    return name


@pytest.fixture
def owner(server: Server, migrated: str) -> Iterator[Connection]:
    """The owner's connection, of which nothing stays."""
    with psycopg.connect(server.url(OWNER, migrated)) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def application(server: Server, migrated: str) -> Iterator[Connection]:
    """The application's connection, of which nothing stays."""
    with psycopg.connect(server.url(APPLICATION, migrated)) as connection:
        yield connection
        connection.rollback()


def dump(installation: Path | None, url: str) -> list[str]:
    """What makes the schema, statement by statement, as pg_dump orders it."""
    program = find_installation(explicit=installation).program("pg_dump")
    command = [program, "--schema-only", "--dbname", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in text.splitlines() if line and not re.match(r"--|\\(un)?restrict", line)]


def column(connection: Connection, query: LiteralString) -> list[Any]:
    return [row[0] for row in connection.execute(query)]


def test_the_snapshot_is_what_the_migrations_come_to(
    installation: Path | None, server: Server, new_database: Callable[[], str]
) -> None:
    by_steps, at_once = (server.url(OWNER, new_database()) for _ in range(2))
    migrate(by_steps, now=NOW)
    with psycopg.connect(at_once) as connection:
        connection.execute((ROOT / "revenge_adapters/postgres/schema.sql").read_bytes())
        connection.execute("SELECT revenge.activity_make_partitions(%s, %s)", (NOW, NOW + AHEAD))
    assert dump(installation, at_once) == dump(installation, by_steps)


def test_every_table_is_listed_among_the_grants(owner: Connection) -> None:
    tables = column(
        owner,
        "SELECT relname FROM pg_class WHERE relnamespace = 'revenge'::regnamespace AND "
        "relkind IN ('r', 'p') AND NOT relispartition",
    )
    assert {table for table in tables if not re.search(rf"revenge\.{table}\b", grants())} == set()


def test_nobody_but_the_application_has_a_right(owner: Connection) -> None:
    granted = owner.execute(
        """
        SELECT DISTINCT coalesce(nullif(grantee, 0)::regrole::text, 'PUBLIC')
          FROM (SELECT aclexplode(relacl) AS acl FROM pg_class WHERE relnamespace = 'revenge'::regnamespace
                UNION ALL
                SELECT aclexplode(coalesce(proacl, acldefault('f', proowner))) FROM pg_proc
                 WHERE pronamespace = 'revenge'::regnamespace
                UNION ALL
                SELECT aclexplode(nspacl) FROM pg_namespace WHERE nspname = 'revenge') AS granted,
               LATERAL (SELECT (acl).grantee) AS who
        """
    )
    assert {name for (name,) in granted} == {OWNER, APPLICATION}


def test_few_functions_run_with_the_owners_rights_and_no_caller_chooses_what_their_names_mean(
    owner: Connection,
) -> None:
    found = owner.execute(
        "SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND pronamespace = 'revenge'::regnamespace"
        " ORDER BY proname"
    ).fetchall()
    assert [name for name, _ in found] == [
        "activity_make_partitions",
        "drop_activity",
        "drop_activity_seals",
        "erase_activity",
        "note_activity",
        "seal_activity",
    ]
    assert all("search_path=pg_catalog, pg_temp" in settings for _, settings in found)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE revenge.activity SET reason = 'nothing happened'",
        "DELETE FROM revenge.activity",
        "TRUNCATE revenge.activity",
        "UPDATE revenge.activity_2026_11 SET reason = 'nothing happened'",
        "DELETE FROM revenge.activity_2026_11",
        "INSERT INTO revenge.activity_2026_11 SELECT * FROM revenge.activity",
        "TRUNCATE revenge.activity_default",
        "DROP TABLE revenge.activity",
        "ALTER TABLE revenge.activity DISABLE TRIGGER ALL",
        "CREATE TABLE revenge.mine ()",
        "CREATE TABLE public.mine ()",
        "INSERT INTO revenge.migrations VALUES (2, 'mine', '', '2026-11-22Z')",
        "DELETE FROM revenge.migrations",
        "SET session_replication_role = replica",
        "SELECT revenge.refuse_audit_change()",
        "SELECT revenge.note_activity()",
        "INSERT INTO revenge.activity_unsealed SELECT entry_at, entry_id, content, hash FROM revenge.activity_seals",
        "DELETE FROM revenge.activity_unsealed",
        "INSERT INTO revenge.activity_seals VALUES (1, gen_random_uuid(), now(), '', '', '')",
        "UPDATE revenge.activity_seals SET hash = ''",
        "DELETE FROM revenge.activity_seals",
        "UPDATE revenge.activity_checkpoints SET hash = ''",
        "DELETE FROM revenge.activity_checkpoints",
        "UPDATE revenge.activity_retentions SET before = now()",
        "DELETE FROM revenge.activity_retentions",
        "SET revenge.audit_change = 'erasure'; UPDATE revenge.activity SET salt = ''",
        "SET revenge.audit_change = 'retention'; DELETE FROM revenge.activity",
    ],
)
def test_the_application_cannot(application: Connection, statement: LiteralString) -> None:
    application.execute(ENTRY, (NOW,))
    with pytest.raises((errors.InsufficientPrivilege, errors.FeatureNotSupported)):
        application.execute(statement)


@pytest.mark.parametrize("partition", ["activity", "activity_2026_11", "activity_default"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE revenge.{} SET reason = 'nothing happened'", "DELETE FROM revenge.{}", "TRUNCATE revenge.{}"],
)
def test_a_trigger_refuses_even_the_owner(owner: Connection, statement: LiteralString, partition: str) -> None:
    for month in (NOW, NOW.replace(year=2020)):
        owner.execute(ENTRY, (month,))
    with pytest.raises(errors.InsufficientPrivilege, match="only added to"):
        owner.execute(sql.SQL(statement).format(sql.Identifier(partition)))


def test_migrating_makes_this_month_and_two_ahead(owner: Connection) -> None:
    partitions = column(
        owner,
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'revenge.activity'::regclass ORDER BY 1",
    )
    assert partitions == [
        "revenge.activity_2026_11",
        "revenge.activity_2026_12",
        "revenge.activity_2027_01",
        "revenge.activity_default",
    ]


@pytest.mark.parametrize("month", range(1, 13))
def test_every_day_of_a_year_has_at_least_two_months_ahead(month: int) -> None:
    for day in (1, 28, 29, 30, 31):
        with suppress(ValueError):  # there is no such day
            today = NOW.replace(month=month, day=day)
            end = today + AHEAD
            assert (end.year - today.year) * 12 + end.month - today.month in {2, 3}


def test_the_application_makes_the_partitions_that_are_missing(application: Connection) -> None:
    make = "SELECT revenge.activity_make_partitions(%s, %s)"
    later = NOW.replace(year=2027, month=1)
    assert application.execute(make, (later, later + AHEAD)).fetchone() == (2,)
    assert application.execute(make, (later, later + AHEAD)).fetchone() == (0,)


@pytest.mark.parametrize(
    ("at", "partition"),
    [
        ("2026-11-01 00:00:00Z", "activity_2026_11"),
        ("2026-12-01 00:00:00+01", "activity_2026_11"),
        ("2026-12-01 00:00:00Z", "activity_2026_12"),
        ("2031-01-01 00:00:00Z", "activity_default"),
    ],
)
def test_an_entry_lies_in_the_partition_of_its_month_in_utc(application: Connection, at: str, partition: str) -> None:
    application.execute("SET timezone = 'Asia/Tokyo'")
    application.execute(ENTRY, (at,))
    assert column(application, "SELECT tableoid::regclass::text FROM revenge.activity") == [f"revenge.{partition}"]


def test_a_month_whose_entries_lie_in_the_default_partition_is_left_to_it(application: Connection) -> None:
    late = NOW.replace(year=2028, month=5)
    application.execute(ENTRY, (late,))
    make = "SELECT revenge.activity_make_partitions(%s, %s)"
    assert application.execute(make, (late, late + AHEAD)).fetchone() == (2,)


def test_partitions_are_not_made_without_end(application: Connection) -> None:
    with pytest.raises(errors.InvalidParameterValue, match="two years"):
        application.execute("SELECT revenge.activity_make_partitions(%s, %s)", (NOW, NOW.replace(year=2099)))


def test_defect_43_everything_lies_in_one_schema(owner: Connection) -> None:
    schemas = """
        SELECT DISTINCT relnamespace::regnamespace::text FROM pg_class
         WHERE relkind IN ('r', 'p', 'S', 'v') AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
    """
    assert column(owner, schemas) == ["revenge"]


def test_keys_and_names_are_ordered_by_code_point(owner: Connection) -> None:
    ordered = """
        SELECT conrelid::regclass || '.' || attname
          FROM pg_constraint, unnest(conkey) AS key
          JOIN pg_attribute ON attnum = key
         WHERE attrelid = conrelid AND contype IN ('p', 'u') AND connamespace = 'revenge'::regnamespace
           AND atttypid = 'text'::regtype AND attcollation <> '"C"'::regcollation
    """
    assert column(owner, ordered) == []


def test_foreign_keys_have_an_index_to_delete_by(owner: Connection) -> None:
    unindexed = """
        SELECT conname FROM pg_constraint
         WHERE contype = 'f' AND connamespace = 'revenge'::regnamespace AND NOT EXISTS (
               SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1]
         )
    """
    assert column(owner, unindexed) == []
