"""Migrations of one database by several processes, several versions, and after mishaps."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import psycopg
import pytest
from msgspec.structs import replace

from revenge_adapters.postgres.migrate import MigrationError, compare, migrate, status
from revenge_adapters.postgres.migrations import Migration, shipped
from revenge_adapters.postgres.recycled import APPLICATION, RecycledDatabase
from revenge_core.errors import DatabaseUnavailable
from revenge_core.secrets import Secret

NOW: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FIRST: Final = shipped()[0]
NEXT: Final = len(shipped()) + 1


def a_migration(number: int, half: str, text: str) -> Migration:
    return Migration(number=number, name=f"{number:04}_{half}_example", text=text)


def with_more(*texts: str, half: str = "pre") -> tuple[Migration, ...]:
    """What ships, and more."""
    return (*shipped(), *(a_migration(NEXT + place, half, text) for place, text in enumerate(texts)))


@pytest.fixture
def database(revenge_postgres_fresh: RecycledDatabase) -> RecycledDatabase:
    """An empty database."""
    with psycopg.connect(revenge_postgres_fresh.owner_url) as connection:
        connection.execute("DROP SCHEMA revenge CASCADE")
    return revenge_postgres_fresh


def has(database: RecycledDatabase, table: str) -> bool:
    with psycopg.connect(database.owner_url) as connection:
        row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"revenge.{table}",)).fetchone()
    return row == (True,)


def test_an_empty_database_gets_every_migration_once(database: RecycledDatabase) -> None:
    done = migrate(database.owner_url, now=NOW)
    assert [step.name for step in done] == [migration.name for migration in shipped()]
    assert migrate(database.owner_url, now=NOW) == ()
    assert status(database.owner_url).applied == done


def test_the_application_sees_where_its_database_stands(database: RecycledDatabase) -> None:
    migrate(database.owner_url, app_role=APPLICATION)
    standing = status(database.url)
    assert (standing.pending, standing.refusal) == ((), None)


def test_a_database_that_was_never_migrated_has_everything_pending(database: RecycledDatabase) -> None:
    standing = status(database.url)
    assert (standing.applied, standing.pending, standing.refusal) == ((), shipped(), None)


def test_of_processes_that_migrate_at_once_each_migration_is_applied_by_one(database: RecycledDatabase) -> None:
    ours = with_more(*(f"CREATE TABLE revenge.example_{number} ()" for number in range(5)))
    together = threading.Barrier(4)

    def start() -> tuple[str, ...]:
        together.wait()
        return tuple(step.name for step in migrate(database.owner_url, app_role=APPLICATION, migrations=ours))

    with ThreadPoolExecutor(4) as pool:
        results = [future.result() for future in [pool.submit(start) for _ in range(4)]]
    assert sorted(name for names in results for name in names) == [migration.name for migration in ours]
    assert compare(status(database.owner_url).applied, ours).pending == ()


def test_two_versions_at_once_leave_the_newer_schema_and_the_older_refuses_or_was_first(
    database: RecycledDatabase,
) -> None:
    newer = with_more("CREATE TABLE revenge.example ()")
    together = threading.Barrier(2)

    def start(ours: tuple[Migration, ...]) -> None:
        together.wait()
        migrate(database.owner_url, migrations=ours)

    with ThreadPoolExecutor(2) as pool:
        old, new = pool.submit(start, shipped()), pool.submit(start, newer)
        with suppress(MigrationError):
            old.result()
        new.result()
    assert compare(status(database.owner_url).applied, newer).pending == ()
    with pytest.raises(MigrationError, match="newer Revenge"):
        migrate(database.owner_url)


def test_a_newer_schema_is_refused_in_clear_words_and_left_alone(database: RecycledDatabase) -> None:
    migrate(database.owner_url, migrations=with_more("SELECT 1"))
    with pytest.raises(MigrationError, match=rf"newer Revenge \({NEXT:04}_pre_example; .* restore a backup"):
        migrate(database.owner_url)
    assert "newer Revenge" in (status(database.owner_url).refusal or "")


def test_a_migration_that_was_rewritten_is_refused(database: RecycledDatabase) -> None:
    migrate(database.owner_url)
    rewritten = replace(FIRST, text=FIRST.text + "\n-- harmless")
    with pytest.raises(MigrationError, match=r"0001_pre_foundation is not the one"):
        migrate(database.owner_url, migrations=(rewritten, *shipped()[1:]))


def test_line_ends_do_not_change_a_checksum() -> None:
    unix = a_migration(1, "pre", "SELECT 1;\nSELECT 2;\n")
    assert unix.checksum == a_migration(1, "pre", "SELECT 1;\r\nSELECT 2;\r\n").checksum


def test_a_migration_that_fails_leaves_nothing_and_the_next_try_goes_on(database: RecycledDatabase) -> None:
    broken = with_more("CREATE TABLE revenge.good ()", "CREATE TABLE revenge.half (); SELECT 1/0")
    with pytest.raises(MigrationError, match=rf"{NEXT + 1:04}_pre_example failed and was undone: division by zero"):
        migrate(database.owner_url, migrations=broken)
    assert (has(database, "good"), has(database, "half")) == (True, False)

    mended = with_more("CREATE TABLE revenge.good ()", "CREATE TABLE revenge.half ()")
    assert [step.number for step in migrate(database.owner_url, migrations=mended)] == [NEXT + 1]


def test_a_process_that_dies_in_the_middle_leaves_nothing_and_holds_nobody_up(database: RecycledDatabase) -> None:
    migrate(database.owner_url)
    killed = with_more("CREATE TABLE revenge.half (); SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(DatabaseUnavailable):
        migrate(database.owner_url, migrations=killed)
    assert not has(database, "half")
    assert [step.number for step in migrate(database.owner_url, migrations=with_more("SELECT 1"))] == [NEXT]


def test_post_halves_wait_until_they_are_wanted(database: RecycledDatabase) -> None:
    ours = (*with_more("SELECT 1", half="post"), a_migration(NEXT + 1, "pre", "SELECT 2"))
    first = migrate(database.owner_url, migrations=ours, include_post=False)
    assert [step.number for step in first] == [*(step.number for step in shipped()), NEXT + 1]
    assert [step.number for step in migrate(database.owner_url, migrations=ours)] == [NEXT]


def test_an_application_role_that_does_not_exist_is_named(database: RecycledDatabase) -> None:
    with pytest.raises(MigrationError, match="no database role 'nobody at all'"):
        migrate(database.owner_url, app_role="nobody at all")


def test_a_role_without_the_right_to_migrate_is_told_to_use_the_owners_url(database: RecycledDatabase) -> None:
    with pytest.raises(MigrationError, match="migrate with the owner's URL"):
        migrate(database.url)


def test_a_database_that_is_away_is_unavailable_and_its_password_stays_unsaid() -> None:
    password = Secret("hunter2hunter2")
    with pytest.raises(DatabaseUnavailable) as caught:
        status(f"postgresql://somebody:{password.reveal()}@localhost:1/none")
    assert password.reveal() not in str(caught.value) + str(caught.value.__cause__)


def test_shipped_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.number for migration in shipped()] == list(range(1, len(shipped()) + 1))
    assert {migration.half for migration in shipped()} <= {"pre", "post"}
