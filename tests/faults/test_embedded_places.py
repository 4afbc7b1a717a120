"""The embedded PostgreSQL in odd places, with other programs and as odd users (rulings R30 to R32)."""

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil
import pytest

from revenge_adapters.postgres.embedded import EmbeddedPostgresError, EmbeddedServer, find_installation
from revenge_adapters.postgres.embedded.account import RunAs
from revenge_adapters.postgres.embedded.files import make_home, make_private_directory
from tests.faults.embedded import Other, alive, one, postmaster

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc and uses the parent-death signal"),
]

SYSTEM_15: Final = Path("/usr/lib/postgresql/15")
AS_ROOT: Final = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def owner_of(pid: int) -> str:
    return psutil.Process(pid).username()


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
