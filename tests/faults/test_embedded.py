"""The embedded PostgreSQL's life: its start, its sharing, and every kill (R30 to R32; reliability faults 4 and 16)."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Final

import psycopg
import pytest

from revenge_adapters.postgres.embedded import EmbeddedPostgresError, EmbeddedServer
from tests.faults.embedded import Other, alive, one, postmaster, until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc and uses the parent-death signal"),
]

INSERT: Final = """
import psycopg
with psycopg.connect(server.superuser_url, autocommit=True) as connection:
    connection.execute("create table acknowledged (id bigint primary key)")
    for number in range(1_000_000):
        connection.execute("insert into acknowledged values (%s)", [number])
        print(number, flush=True)
"""


def there(home: Path, pattern: str) -> bool:
    return any(home.glob(pattern))


def modes(home: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.lstat().st_mode)) for path in home.iterdir()}


def test_a_cold_start_makes_a_database_with_two_roles_and_nothing_that_strangers_can_read(disk: Path) -> None:
    with EmbeddedServer.open(disk / "data") as server:
        assert one(server.url, "select current_user") == "revenge_app"
        assert one(server.owner_url, "select current_user") == "revenge_owner"
        query = "select pg_get_userbyid(datdba) from pg_database where datname = 'revenge'"
        assert one(server.url, query) == "revenge_owner"
        rights = (
            "select count(*) from pg_roles where rolname like 'revenge%' and (rolsuper or rolcreaterole or rolcreatedb)"
        )
        assert one(server.url, rights) == 0
        assert one(server.url, "select has_database_privilege('public', 'revenge', 'connect')") is False
        assert one(server.url, "select has_database_privilege('revenge_app', 'revenge', 'create')") is False
        assert one(server.url, "show listen_addresses") == ""
        assert one(server.url, "show fsync") == "on"
        assert one(server.url, "select 'ä' < 'z' collate \"default\"") is False  # by code point
        assert one(server.url, "select lower('Ä')") == "ä"
        assert "ready to accept connections" in server.log_file.read_text()
        assert server.dump("1").is_file()
        found = modes(server.data_dir)
        assert {found[name] for name in ("postgres", "run", "backups")} == {"0o700"}
        assert {mode for name, mode in found.items() if (server.data_dir / name).is_file()} == {"0o600"}
        assert stat.S_IMODE(server.data_dir.stat().st_mode) & 0o007 == 0


def test_a_second_process_joins_and_the_last_one_stops_the_server(place: Path) -> None:
    home = place / "data"
    with Other(home) as first, Other(home) as second:
        assert first.opened() == second.opened()
        postgres = postmaster(home)
        with EmbeddedServer.open(home) as server:
            assert postmaster(home) == postgres
            assert server.ensure_running() is False
        assert postgres in alive(home)
        second.close()
        # whichever of them started it: the other closes last, or finds it gone with the one that did
        first.close()
        until(lambda: alive(home) == [])
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_after_a_clean_stop_no_process_and_no_socket_is_left(place: Path) -> None:
    home = place / "data"
    server = EmbeddedServer.open(home)
    assert alive(home) != []
    server.close()
    server.close()
    assert alive(home) == []
    assert list((home / "run").iterdir()) == []
    with pytest.raises(EmbeddedPostgresError, match="closed by this process"):
        server.ensure_running()


def test_the_server_goes_down_with_a_killed_owner_and_acknowledged_rows_are_there_afterwards(place: Path) -> None:
    home = place / "data"
    with Other(home, INSERT) as owner:
        owner.opened()
        until(lambda: owner.line() == "200")
        owner.kill()
        assert owner.process.stdout is not None
        acknowledged = int(["200", *owner.process.stdout.read().split()][-1])
    until(lambda: alive(home) == [], 2)
    with EmbeddedServer.open(home) as server:
        assert one(server.superuser_url, "select count(*) from acknowledged") in {acknowledged + 1, acknowledged + 2}


def test_the_server_goes_down_with_a_killed_owner_where_setpriv_is_missing_too(place: Path) -> None:
    home = place / "data"
    with Other(home, path="/nonexistent") as owner:
        owner.opened()
        assert alive(home) != []
        owner.kill()
    until(lambda: alive(home) == [], 2)


def test_a_survivor_brings_the_server_back_after_its_owner_was_killed(place: Path) -> None:
    home = place / "data"
    with Other(home) as owner:
        url = owner.opened()
        with EmbeddedServer.open(home) as survivor:
            owner.kill()
            started = time.monotonic()
            until(survivor.ensure_running, 2)
            assert one(survivor.url, "select 1") == 1
            assert time.monotonic() - started < 2
            assert survivor.url == url


def test_a_survivor_brings_the_server_back_within_two_seconds_after_it_was_killed(place: Path) -> None:
    home = place / "data"

    def compute() -> None:
        with contextlib.suppress(psycopg.Error):
            one(server.superuser_url, "select sum(a * b) from generate_series(1, 100000) a, generate_series(1, 1000) b")

    with EmbeddedServer.open(home) as server:
        with psycopg.connect(server.superuser_url) as connection:
            connection.execute("create table acknowledged (id bigint)")
            connection.execute("insert into acknowledged select generate_series(1, 50000)")
        busy = threading.Thread(target=compute)  # a child that outlives the postmaster while it computes
        busy.start()
        time.sleep(0.1)
        os.kill(postmaster(home), signal.SIGKILL)
        started = time.monotonic()
        assert server.ensure_running() is True
        assert one(server.superuser_url, "select count(*) from acknowledged") == 50000
        assert time.monotonic() - started < 2
        busy.join(10)
        assert not busy.is_alive()


def test_one_of_many_threads_restarts_the_server_and_it_outlives_that_thread(place: Path) -> None:
    home = place / "data"
    answers: list[bool] = []
    with EmbeddedServer.open(home) as server:
        os.kill(postmaster(home), signal.SIGKILL)
        until(lambda: alive(home) == [])
        threads = [threading.Thread(target=lambda: answers.append(server.ensure_running())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert sorted(answers) == [False] * 7 + [True]
        time.sleep(0.1)
        assert one(server.url, "select 1") == 1


def test_a_kill_in_the_middle_of_initdb_is_repaired_by_the_next_start(place: Path) -> None:
    home = place / "data"
    for moment in ("PG_VERSION", "base/4"):
        with Other(home) as owner:
            until(partial(there, home, f"postgres.new-*/{moment}"))
            owner.kill()
        assert not (home / "postgres").exists()
    with EmbeddedServer.open(home) as server:
        assert one(server.url, "select 1") == 1
        assert list(home.glob("postgres.new-*")) == []


def test_a_stale_pid_file_with_a_number_in_use_again_does_not_stop_the_start(place: Path) -> None:
    home = place / "data"
    EmbeddedServer.open(home).close()
    data = home / "postgres"
    uid = data.stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=uid if os.geteuid() == 0 else None) as stranger:
        try:
            stale = f"{stranger.pid}\n{data}\n1700000000\n5432\n{home / 'run'}\n\n  1234567         0\nready   \n"
            (data / "postmaster.pid").write_text(stale)
            (home / "run" / ".s.PGSQL.5432.lock").write_text(stale)
            for path in (data / "postmaster.pid", home / "run" / ".s.PGSQL.5432.lock"):
                os.chown(path, uid, -1)
                path.chmod(0o600)
            with EmbeddedServer.open(home) as server:
                assert one(server.url, "select 1") == 1
            assert stranger.poll() is None
        finally:
            stranger.kill()


@pytest.mark.parametrize("left", ["", "not a number\n"])
def test_a_pid_file_that_was_never_finished_does_not_stop_the_start(place: Path, left: str) -> None:
    home = place / "data"
    EmbeddedServer.open(home).close()
    (home / "postgres" / "postmaster.pid").write_text(left)
    with EmbeddedServer.open(home) as server:
        assert one(server.url, "select 1") == 1
