"""The embedded PostgreSQL under kills, odd places and odd users (rulings R30 to R32; reliability faults 4 and 16)."""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Final, Self

import psutil
import psycopg
import pytest

from revenge_adapters.postgres.embedded import EmbeddedPostgresError, EmbeddedServer, find_installation
from revenge_adapters.postgres.embedded.account import RunAs
from revenge_adapters.postgres.embedded.files import make_home, make_private_directory

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc and uses the parent-death signal"),
]

ROOT: Final = Path(__file__).parents[2]
SYSTEM_15: Final = Path("/usr/lib/postgresql/15")
AS_ROOT: Final = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

OPEN: Final = """
import sys, threading
from functools import partial
from pathlib import Path
from revenge_adapters.postgres.embedded import EmbeddedPostgresError, EmbeddedServer
try:
    server = EmbeddedServer.open(Path(sys.argv[1]))
except EmbeddedPostgresError as problem:
    sys.exit(f"refused: {problem}")
print("open", server.url, flush=True)
"""

WAIT: Final = "sys.stdin.readline(); server.close(); print('closed', flush=True)\n"

INSERT: Final = """
import psycopg
with psycopg.connect(server.superuser_url, autocommit=True) as connection:
    connection.execute("create table acknowledged (id bigint primary key)")
    for number in range(1_000_000):
        connection.execute("insert into acknowledged values (%s)", [number])
        print(number, flush=True)
"""


@pytest.fixture
def place() -> Generator[Path]:
    """A directory everybody may enter (pytest's own are private), in memory where there is room."""
    memory = Path("/dev/shm")  # noqa: S108 - only tests live there
    room = memory.is_dir() and shutil.disk_usage(memory).free > 1_000_000_000
    with directory(memory if room else None) as path:
        yield path


@pytest.fixture
def disk() -> Generator[Path]:
    """The same on a disk, from which programs may be run."""
    with directory(None) as path:
        yield path


@contextlib.contextmanager
def directory(parent: Path | None) -> Generator[Path]:
    """A directory that is left without a server."""
    path = Path(tempfile.mkdtemp(prefix="revenge-", dir=parent)).resolve()
    path.chmod(0o755)
    yield path
    for data in path.rglob("PG_VERSION"):
        for pid in living(data.parent):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    shutil.rmtree(path)


class Other:
    """Another process that uses the server."""

    def __init__(
        self,
        home: Path,
        script: str = WAIT,
        *,
        user: int | None = None,
        python: str = sys.executable,
        path: str = os.environ["PATH"],
    ) -> None:
        paths = [str(ROOT), *(path for path in sys.path if path.endswith("-packages"))]
        self.process = subprocess.Popen(
            [python, "-B", "-c", OPEN + script, str(home)],
            env={"PYTHONPATH": os.pathsep.join(paths), "PATH": path},
            cwd="/",
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def line(self) -> str:
        assert self.process.stdout is not None
        text = self.process.stdout.readline().strip()
        if not text:
            assert self.process.stderr is not None
            text = self.process.stderr.read()
        return text

    def opened(self) -> str:
        """Wait until it has opened the server, and return its URL."""
        text = self.line()
        assert text.startswith("open "), text
        return text.removeprefix("open ")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.line() == "closed"
        assert self.process.wait(10) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def alive(home: Path) -> list[int]:
    return living(home / "postgres")


def living(data: Path) -> list[int]:
    """Every living process that works in a data directory, by another witness than our own code."""
    found: list[int] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE:
                found += [process.pid] * (process.cwd() == str(data))
    return found


def postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def owner_of(pid: int) -> str:
    return psutil.Process(pid).username()


def there(home: Path, pattern: str) -> bool:
    return any(home.glob(pattern))


def one(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def free_python(user: int) -> str:
    """An interpreter of our version that the user can reach; ours may lie in a private home."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
        with contextlib.suppress(OSError):
            command = [candidate, "-c", "import encodings"]
            if subprocess.run(command, user=user, cwd="/", check=False, capture_output=True).returncode == 0:
                return candidate
    pytest.skip("no interpreter that another user can reach")


def wheel_in(directory: Path) -> Path:
    """A copy of the programs in a directory that nobody but root may enter."""
    found = find_installation()
    if len(found.trees) == 1 and found.source.startswith("/"):
        pytest.skip("no wheel with PostgreSQL is installed")
    directory.mkdir(mode=0o700)
    for tree in found.trees:
        shutil.copytree(tree, directory / tree.name, symlinks=True)
    return directory / found.bin.relative_to(found.trees[0].parent)


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


def test_a_long_data_directory_gets_a_short_socket_that_every_process_finds(place: Path) -> None:
    home = place / ("long" * 30) / "data with a space, a 'quote' and ä"
    with EmbeddedServer.open(home) as server, Other(home) as other:
        assert other.opened() == server.url
        assert one(server.url, "select 1") == 1
        assert server.dump("long").parent == home / "backups"
        socket = Path(str(one(server.superuser_url, "show unix_socket_directories")).strip('"'))
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        other.close()
    assert not socket.exists()


def test_a_socket_directory_that_others_may_enter_is_refused(place: Path) -> None:
    home = place / "data"
    EmbeddedServer.open(home).close()
    (home / "run").chmod(0o777)
    with pytest.raises(EmbeddedPostgresError, match="would not be safe there"):
        EmbeddedServer.open(home)


def test_a_database_of_another_major_version_is_refused_in_clear_words(place: Path) -> None:
    data = place / "data" / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("13\n")
    with pytest.raises(EmbeddedPostgresError) as refusal:
        EmbeddedServer.open(place / "data")
    text = str(refusal.value)
    assert f"{data} was made by PostgreSQL 13, and no PostgreSQL 13 is here" in text
    assert "pg_restore" in text
    assert "Nothing has been changed." in text
    assert [path.name for path in (place / "data").rglob("*")] == ["postgres", "PG_VERSION"]


def test_an_installation_that_cannot_start_says_so_with_the_end_of_its_log(place: Path) -> None:
    home = place / "data"
    EmbeddedServer.open(home).close()
    (home / "postgres" / "local.conf").write_text("shared_buffers = 'plenty'\n")
    with pytest.raises(EmbeddedPostgresError, match="did not start") as refusal:
        EmbeddedServer.open(home)
    assert "shared_buffers" in str(refusal.value)
    assert "local.conf" in str(refusal.value)


@pytest.mark.skipif(not SYSTEM_15.is_dir(), reason="no PostgreSQL 15 of the system's")
def test_a_named_system_installation_is_used_and_its_database_found_again_without_the_name(place: Path) -> None:
    with EmbeddedServer.open(place / "data", installation=SYSTEM_15) as server:
        assert server.installation.major == 15
        assert str(one(server.url, "show server_version")).startswith("15.")
        assert one(server.url, "select 'ä' < 'z'") is False
    with EmbeddedServer.open(place / "data") as server:
        assert server.installation.bin == SYSTEM_15 / "bin"


def test_the_newest_three_dumps_stay_and_other_files_are_left_alone(place: Path) -> None:
    with EmbeddedServer.open(place / "data") as server:
        (server.data_dir / "backups").mkdir(mode=0o700)
        os.chown(server.data_dir / "backups", server.data_dir.stat().st_uid, -1)
        mine = server.data_dir / "backups" / "mine.dump"
        mine.write_text("mine")
        made = [server.dump(f"schema/{number}") for number in range(4)]
        assert set(mine.parent.iterdir()) == {mine, *made[1:]}
        assert made[3].read_bytes().startswith(b"PGDMP")
        assert made[3].name.endswith("-schema_3.dump")


@AS_ROOT
def test_root_becomes_an_unprivileged_user_that_owns_only_what_it_needs(place: Path) -> None:
    with EmbeddedServer.open(place / "data") as server:
        home = server.data_dir
        user = owner_of(postmaster(home))
        assert user in {"revenge", "nobody"}
        owners = {path.name: pwd.getpwuid(path.stat().st_uid).pw_name for path in home.iterdir()}
        assert {name for name, owner in owners.items() if owner == user} == {"postgres", "run"}


@AS_ROOT
@pytest.mark.parametrize("make", [make_home, make_private_directory])
def test_root_gives_away_what_it_made_and_not_what_took_its_place(
    place: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path, RunAs], None]
) -> None:
    treasure = place / "treasure"
    treasure.mkdir(mode=0o700)
    mkdir = Path.mkdir

    def mkdir_and_swap(path: Path, mode: int = 0o777) -> None:
        mkdir(path, mode)
        path.rename(place / "aside")
        path.symlink_to(treasure)

    monkeypatch.setattr(Path, "mkdir", mkdir_and_swap)
    with pytest.raises(EmbeddedPostgresError, match="was replaced"):
        make(place / "home", RunAs(65534, 65534, switch=True))
    found = treasure.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 0, 0o700)


@AS_ROOT
def test_programs_out_of_reach_are_copied_into_the_data_directory_once(disk: Path) -> None:
    programs = wheel_in(disk / "private")
    with EmbeddedServer.open(disk / "data", installation=programs) as server:
        copy = server.data_dir / "pgsql" / server.installation.version
        executable = psutil.Process(postmaster(server.data_dir)).exe()
        assert Path(executable).is_relative_to(copy)
        assert server.dump("copied").is_file()
        made = copy.stat().st_mtime_ns
    with EmbeddedServer.open(disk / "data", installation=programs):
        assert copy.stat().st_mtime_ns == made
    assert stat.S_IMODE((disk / "private").stat().st_mode) == 0o700


@AS_ROOT
def test_a_data_directory_below_a_private_one_works_in_a_user_namespace_or_is_refused(place: Path) -> None:
    private = place / "private"
    private.mkdir(mode=0o700)
    with Other(private / "data") as owner:
        text = owner.line()
        if text.startswith("open "):
            assert one(text.removeprefix("open "), "select 1") == 1
            assert owner_of(postmaster(private / "data")) == "root"  # seen from here; itself it sees nobody
            owner.close()
        else:
            assert "cannot work in" in text
            assert "/var/lib/revenge" in text
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


@AS_ROOT
def test_an_ordinary_user_runs_the_server_as_itself_and_root_may_join_in_between(place: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    python = free_python(nobody)
    home = place / "own" / "data"
    home.parent.mkdir(mode=0o700)
    os.chown(home.parent, nobody, -1)
    with Other(home, user=nobody, python=python) as owner:
        owner.opened()
        assert owner_of(postmaster(home)) == "nobody"
        with EmbeddedServer.open(home) as server:
            assert one(server.url, "select 1") == 1
        owner.close()
    with EmbeddedServer.open(home) as server:  # as with sudo
        server.dump("root")
    with Other(home, user=nobody, python=python) as owner:
        owner.opened()
        owner.close()
    assert alive(home) == []


@AS_ROOT
def test_a_user_without_a_name_works_in_a_user_namespace_or_is_refused(place: Path) -> None:
    number = 64_123
    python = free_python(number)
    home = place / "own" / "data"
    home.parent.mkdir()
    os.chown(home.parent, number, number)
    with Other(home, user=number, python=python) as owner:
        text = owner.line()
        if text.startswith("open "):
            owner.close()
            assert alive(home) == []
        else:
            assert "has no name, which PostgreSQL needs" in text


@AS_ROOT
def test_somebody_elses_data_directory_is_refused_in_clear_words(place: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    python = free_python(nobody)
    home = place / "data"
    home.mkdir(mode=0o755)
    (home / "postgres").mkdir(mode=0o700)
    with Other(home, user=nobody, python=python) as other:
        assert "belongs to user 'root', and this process runs as user 'nobody'" in other.line()
