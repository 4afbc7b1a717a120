"""The pool behind the fixture `revenge_postgres`: what one test does, no other finds in its database."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import psycopg
import pytest

from revenge_adapters.postgres.recycled import RecycledDatabase, RecycledPool, Server, postgres_server
from revenge_adapters.postgres.recycled.scratch import PREFIX, scratch_directory, sweep
from revenge_adapters.postgres.recycled.server import put_down

SCHEMA = """
CREATE TABLE roles (
    id int PRIMARY KEY, name text NOT NULL UNIQUE, rank float8, upper text GENERATED ALWAYS AS (upper(name)) STORED);
INSERT INTO roles VALUES (1, 'admin', 0.1), (2, 'user', 'NaN'), (3, E'tab\\tand\\\\N', NULL);
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, role int NOT NULL REFERENCES roles,
    invited_by bigint REFERENCES users);
CREATE TABLE bare (revenge int, x int);
CREATE UNLOGGED TABLE leases (job bigint PRIMARY KEY);
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Odd ""Table'" (id serial, "select" text);
CREATE TABLE audit (id bigint, at timestamptz NOT NULL, what text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE audit_2026 PARTITION OF audit FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE audit_default PARTITION OF audit DEFAULT;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'audit rows stay'; END $$;
CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TABLE stubborn (id int);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON stubborn FOR EACH ROW EXECUTE FUNCTION keep();
ALTER TABLE stubborn ENABLE ALWAYS TRIGGER keep;
CREATE SEQUENCE tickets START 100;
CREATE SEQUENCE used;
SELECT nextval('used'), nextval('used');
CREATE MATERIALIZED VIEW names AS SELECT name FROM users;
CREATE UNIQUE INDEX ON names (name);
REVOKE TEMPORARY ON DATABASE recycled_template FROM PUBLIC;
GRANT TEMPORARY ON DATABASE recycled_template TO revenge_app;
ALTER DATABASE recycled_template SET search_path = public, "Odd Schema";
GRANT USAGE ON SCHEMA "Odd Schema" TO revenge_app;
GRANT ALL ON ALL TABLES IN SCHEMA public, "Odd Schema" TO revenge_app;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public, "Odd Schema" TO revenge_app;
"""

WRITES = (
    "INSERT INTO users (name, role) VALUES ('ann', 1)",
    "INSERT INTO users (name, role, invited_by) SELECT 'bob', 2, max(id) FROM users",
    "INSERT INTO leases VALUES (1) ON CONFLICT DO NOTHING",
    "INSERT INTO bare VALUES (1, 2), (1, 2)",
    'INSERT INTO "Odd Schema"."Odd ""Table\'" ("select") VALUES (\'x\')',
    "INSERT INTO audit VALUES (1, '2026-05-05', 'login'), (2, '2031-01-01', 'later') ON CONFLICT DO NOTHING",
    "UPDATE roles SET rank = 7 WHERE id = 1",
    "DELETE FROM users; DELETE FROM roles WHERE id = 2",
    "INSERT INTO roles VALUES (9, 'guest', 1) ON CONFLICT DO NOTHING",
    "SELECT nextval('tickets')",
    "SELECT setval('used', 1, false)",
    "CREATE TEMPORARY TABLE mine AS SELECT 1",
    "ANALYZE users",
)

CONTENT = """
SELECT (SELECT array_agg(r::text ORDER BY id) FROM roles r), (SELECT count(*) FROM leases),
    (SELECT count(*) FROM users), (SELECT count(*) FROM bare), (SELECT count(*) FROM "Odd Schema"."Odd ""Table'"),
    (SELECT count(*) FROM audit), (SELECT count(*) FROM stubborn), (SELECT count(*) FROM names),
    (SELECT ROW(last_value, is_called)::text FROM used), (SELECT ROW(last_value, is_called)::text FROM tickets),
    (SELECT last_value FROM users_id_seq)
"""


def prepare(owner_url: str) -> None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(SCHEMA)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    chosen = os.environ.get("REVENGE_TEST_POSTGRES")
    with postgres_server(installation=Path(chosen) if chosen else None) as running_server:
        yield running_server


@pytest.fixture(scope="module")
def only(server: Server) -> Iterator[RecycledPool]:
    """A pool of a single database, so that the next test would get the very one that the last gave back."""
    pool = RecycledPool(server, prepare, size=1, uses=1000, prefix="recycled")
    yield pool
    pool.close()


@contextmanager
def connected(url: str) -> Generator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def content(database: RecycledDatabase) -> tuple[object, ...]:
    with connected(database.superuser_url) as connection:
        return connection.execute(CONTENT).fetchone() or ()


def after(pool: RecycledPool, *statements: str, role: Callable[[RecycledDatabase], str] = lambda it: it.url) -> bool:
    """Run statements in one test's turn, compare what the next finds; say whether it got the same database."""
    with pool.lease() as database:
        clean = content(database)
        with connected(role(database)) as connection:
            for statement in statements:
                connection.execute(statement.encode())
    with pool.lease() as following:
        assert content(following) == clean
    return following == database


def owner(database: RecycledDatabase) -> str:
    return database.owner_url


def superuser(database: RecycledDatabase) -> str:
    return database.superuser_url


@pytest.mark.parametrize("statement", WRITES)
def test_what_a_test_commits_is_gone_in_the_next_that_gets_the_same_database(
    only: RecycledPool, statement: str
) -> None:
    assert after(only, statement)


def test_all_of_it_together_is_gone_too(only: RecycledPool) -> None:
    assert after(only, *WRITES)


def test_changed_deleted_and_added_seeds_are_as_the_template_has_them(only: RecycledPool) -> None:
    with only.lease() as database, connected(database.url) as connection:
        connection.execute("UPDATE roles SET name = 'root' WHERE id = 1")
        connection.execute("DELETE FROM roles WHERE id = 3")
        connection.execute("INSERT INTO roles VALUES (4, 'guest', 2)")
    with only.lease() as database, connected(database.url) as connection:
        rows = connection.execute("SELECT id, name, rank::text, upper FROM roles ORDER BY id").fetchall()
    assert rows == [(1, "admin", "0.1", "ADMIN"), (2, "user", "NaN", "USER"), (3, "tab\tand\\N", None, "TAB\tAND\\N")]


def test_ids_are_numbered_from_the_start_again(only: RecycledPool) -> None:
    for _ in range(3):
        with only.lease() as database, connected(database.url) as connection:
            drawn = connection.execute("SELECT nextval('tickets'), nextval('used')").fetchone()
            assert drawn == (100, 3)
            added = connection.execute("INSERT INTO users (name, role) VALUES ('ann', 1) RETURNING id").fetchone()
            assert added == (1,)


def test_writes_are_noticed_however_quickly_connections_come_and_go(only: RecycledPool, scale: float) -> None:
    chance = Random(2026)
    with only.lease() as database:
        clean = content(database)
    for _ in range(max(20, round(50 * scale))):
        with only.lease() as database:
            for _ in range(chance.randint(1, 3)):
                with connected(database.url) as connection:
                    connection.execute(chance.choice(WRITES[:7]).encode())
        with only.lease() as database:
            assert content(database) == clean


def test_rows_whose_triggers_refuse_deletion_are_deleted(only: RecycledPool) -> None:
    with only.lease() as database, connected(database.url) as connection:
        connection.execute("INSERT INTO audit VALUES (1, '2026-05-05', 'login')")
        with pytest.raises(psycopg.errors.RaiseException):
            connection.execute("DELETE FROM audit")
    with only.lease() as following, connected(following.url) as connection:
        assert connection.execute("SELECT count(*) FROM audit").fetchone() == (0,)
    assert following == database


def test_rows_that_cannot_be_deleted_at_all_cost_a_new_clone(only: RecycledPool) -> None:
    assert not after(only, "INSERT INTO stubborn VALUES (1)")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE extra (id int)",
        "DROP TABLE leases",
        "ALTER TABLE users ADD COLUMN mail text",
        'DROP INDEX "names_name_idx"',
        "REVOKE SELECT ON users FROM revenge_app",
        "ALTER TABLE audit DISABLE TRIGGER stay",
        "TRUNCATE users",
        "SELECT lo_from_bytea(0, 'leak')",
        "INSERT INTO users (name, role) VALUES ('ann', 1); REFRESH MATERIALIZED VIEW CONCURRENTLY names",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 65', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('REVOKE TEMP ON DATABASE %I FROM revenge_app', current_database()); END $$",
    ],
)
def test_ddl_leads_to_a_new_clone(only: RecycledPool, statement: str) -> None:
    assert not after(only, statement, role=owner)


def test_reset_counters_lead_to_a_new_clone(only: RecycledPool) -> None:
    assert not after(only, "CREATE TABLE extra (id int)", "SELECT pg_stat_reset()", role=superuser)


def test_more_rows_than_are_quickly_deleted_cost_a_new_clone(only: RecycledPool) -> None:
    assert not after(only, "INSERT INTO bare SELECT n, n FROM generate_series(1, 500000) n")


def test_ddl_that_was_rolled_back_costs_nothing(only: RecycledPool) -> None:
    assert after(only, "BEGIN", "CREATE TABLE extra (id int)", "ROLLBACK", role=owner)


def test_grants_and_settings_of_the_template_itself_hold_for_its_clones(only: RecycledPool) -> None:
    with only.lease() as database, connected(database.url) as connection:
        assert connection.execute("SHOW search_path").fetchone() == ('public, "Odd Schema"',)
        privileges = connection.execute(
            "SELECT datacl::text FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert privileges == ("{=c/revenge_owner,revenge_owner=CTc/revenge_owner,revenge_app=T/revenge_owner}",)


def test_an_open_transaction_is_cut_off_and_its_rows_are_lost(only: RecycledPool) -> None:
    with only.lease() as database:
        forgotten = psycopg.connect(database.url)
        forgotten.execute("INSERT INTO leases VALUES (1)")
    with only.lease() as following:
        assert content(following)[1] == 0
        with pytest.raises(psycopg.OperationalError):
            forgotten.commit()
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(database.url)
        assert content(following)[1] == 0
    assert following != database
    forgotten.close()


def test_notifications_reach_other_connections_of_the_same_database_only(only: RecycledPool) -> None:
    with only.lease() as database, connected(database.url) as listener, connected(database.url) as sender:
        listener.execute("LISTEN news")
        sender.execute("NOTIFY news, 'hello'")
        assert [each.payload for each in listener.notifies(timeout=5, stop_after=1)] == ["hello"]
    with only.lease() as following, connected(following.url) as listener:
        listener.execute("LISTEN news")
        with only.fresh() as other, connected(other.url) as sender:
            sender.execute("NOTIFY news, 'not for you'")
        assert list(listener.notifies(timeout=0.01)) == []


def test_the_product_connects_as_the_application_and_migrates_as_the_owner(only: RecycledPool) -> None:
    with only.lease() as database:
        for url, user in ((database.url, "revenge_app"), (database.owner_url, "revenge_owner")):
            with connected(url) as connection:
                who = connection.execute("SELECT current_user::text, current_database()::text").fetchone()
            assert who == (user, database.name)


def test_two_at_once_are_two_databases_and_a_third_waits(server: Server) -> None:
    pool = RecycledPool(server, prepare_nothing, size=2, prefix="pair")
    try:
        with pool.lease() as one, pool.lease() as two:
            assert one != two
            with connected(one.owner_url) as connection:
                connection.execute("CREATE TABLE here (id int)")
            with connected(two.owner_url) as connection, pytest.raises(psycopg.errors.UndefinedTable):
                connection.execute("SELECT FROM here")
            with pool.fresh() as three:
                assert three not in {one, two}
        assert {pool.take().name, pool.take().name}.isdisjoint({three.name, one.name})
    finally:
        pool.close()


def test_a_database_is_cloned_anew_after_its_uses(server: Server) -> None:
    pool = RecycledPool(server, prepare_nothing, size=1, uses=2, prefix="worn")
    try:
        names: list[str] = []
        for _ in range(5):
            with pool.lease() as database:
                names.append(database.name)
        assert names == ["worn_1", "worn_1", "worn_2", "worn_2", "worn_3"]
    finally:
        pool.close()


def test_what_prepare_raises_passes_through(server: Server) -> None:
    def fail(owner_url: str) -> None:
        raise LookupError(owner_url)

    with pytest.raises(LookupError, match="broken_template"):
        RecycledPool(server, fail, prefix="broken")


def test_a_crash_of_the_server_costs_new_clones_and_no_more(only: RecycledPool) -> None:
    with only.lease() as database, psycopg.connect(database.url) as connection:
        clean = content(database)
        pid = connection.info.backend_pid
        connection.execute("INSERT INTO leases VALUES (1)")
        os.kill(pid, signal.SIGKILL)
        with suppress(psycopg.OperationalError):
            connection.execute("SELECT pg_sleep(10)")
    with only.lease() as following:
        assert content(following) == clean
    assert following != database


def prepare_nothing(owner_url: str) -> None:
    assert "revenge_owner" in owner_url


# what is left behind


def test_a_directory_whose_owner_is_gone_is_swept_and_one_in_use_stays(tmp_path: Path) -> None:
    stopped: list[Path] = []
    stranger = tmp_path / f"{PREFIX}link"
    stranger.symlink_to(tmp_path / "elsewhere")
    abandoned = tmp_path / f"{PREFIX}abandoned"
    (abandoned / "server").mkdir(parents=True)
    with scratch_directory(tmp_path, put_down=stopped.append) as mine:
        assert stopped == [abandoned]
        assert sweep(tmp_path, put_down=stopped.append) == []
        assert mine.is_dir()
    assert list(tmp_path.iterdir()) == [stranger]


def test_a_killed_session_leaves_no_server_and_its_directory_goes_with_the_next(tmp_path: Path) -> None:
    script = """
        import sys, time
        from revenge_adapters.postgres.recycled import postgres_server
        with postgres_server() as server:
            print(server.directory, flush=True)
            time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as session:
        assert session.stdout is not None
        directory = Path(session.stdout.readline().strip())
        pid = int((directory / "server/postgres/postmaster.pid").read_text().split()[0])
        session.kill()
    deadline = time.monotonic() + 5
    while running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not running(pid)
    assert directory.exists()
    sweep(directory.parent, put_down=put_down)
    assert not directory.exists()


def running(pid: int) -> bool:
    status = Path("/proc", str(pid), "status")
    try:
        return "State:\tZ" not in status.read_text()
    except OSError:
        return False


def test_the_plugin_gives_each_test_a_database_and_ends_with_the_session(tmp_path: Path) -> None:
    module = """
        import psycopg, pytest

        @pytest.fixture(scope="session")
        def revenge_postgres_prepare():
            def prepare(owner_url):
                with psycopg.connect(owner_url) as connection:
                    connection.execute("CREATE TABLE notes (id int)")
                    connection.execute("GRANT ALL ON notes TO revenge_app")
            return prepare

        @pytest.mark.parametrize("turn", range(6))
        def test_is_empty(revenge_postgres, turn):
            with psycopg.connect(revenge_postgres.url) as connection:
                connection.execute("INSERT INTO notes VALUES (1)")
                assert connection.execute("SELECT count(*) FROM notes").fetchone() == (1,)

        def test_runs_ddl(revenge_postgres_fresh):
            with psycopg.connect(revenge_postgres_fresh.owner_url) as connection:
                connection.execute("DROP TABLE notes")
    """
    (tmp_path / "test_it.py").write_text(textwrap.dedent(module))
    load = (
        [] if "revenge_adapters.pytest_plugin" in loaded_by_entry_point() else ["-p", "revenge_adapters.pytest_plugin"]
    )
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *load, str(tmp_path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout


def loaded_by_entry_point() -> set[str]:
    from importlib.metadata import entry_points

    return {entry.value for entry in entry_points(group="pytest11")}
