"""The command as a process: what it loads, how it colours, how it ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.modules import ROOT
from tests.wiring.conftest import place, servers

__all__ = ["place"]

HEAVY = {
    "argon2", "cryptography", "dependency_injector", "joserfc", "litestar", "msgspec", "psycopg", "psycopg_pool",
    "rich", "uvicorn", "uvloop",
}  # fmt: skip
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("REVENGE_", "XDG_"))}


def revenge(*arguments: str, typed: str = "", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "revenge_cli", *arguments],
        cwd=ROOT,
        env=CLEAN | (env or {}),
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def loaded_by(*arguments: str) -> set[str]:
    script = (
        "import runpy, sys\n"
        f"sys.argv = ['revenge', *{arguments!r}]\n"
        "try:\n    runpy.run_module('revenge_cli', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stderr.split()}


def test_the_version_is_told_without_loading_even_the_command_line() -> None:
    assert loaded_by("--version") & (HEAVY | {"click", "revenge_core", "revenge_adapters", "revenge_http"}) == set()


@pytest.mark.parametrize(
    "arguments", [("--help",), ("serve", "--help"), ("admin", "create", "--help"), ("users", "edit", "--help")]
)
def test_help_is_shown_without_loading_a_tool(arguments: tuple[str, ...]) -> None:
    loaded = loaded_by(*arguments)
    assert loaded & (HEAVY - {"msgspec"} | {"revenge_adapters", "revenge_http"}) == set()
    assert "click" in loaded


def test_the_first_help_loads_not_even_the_core() -> None:
    assert loaded_by("--help") & {"msgspec", "revenge_core"} == set()


def test_settings_are_shown_without_a_database_driver_or_a_web_framework() -> None:
    assert loaded_by("config", "show") & (HEAVY - {"msgspec"} | {"revenge_http"}) == set()


def test_a_wrong_setting_ends_the_process_with_2_and_keeps_standard_output_clean() -> None:
    done = revenge("config", "validate", env={"REVENGE_SERVER_PORT": "many"})
    assert (done.returncode, done.stdout) == (2, "")
    assert "environment REVENGE_SERVER_PORT" in done.stderr


def test_a_database_that_is_away_ends_the_process_with_69(tmp_path: Path) -> None:
    env = {"REVENGE_DATABASE_URL": "postgresql://me:hunter22@127.0.0.1:1/db", "REVENGE_DATA_DIR": str(tmp_path / "d")}
    for command in (
        ("migrate", "status"),
        ("migrate", "up"),
        ("serve", "--port", "0"),
        ("jobs", "list"),
        ("jobs", "watch"),
    ):
        done = revenge(*command, env=env)
        assert (done.returncode, done.stdout) == (69, "")
        assert "127.0.0.1:1/db" in done.stderr
        assert "hunter22" not in done.stderr


def test_results_are_coloured_only_where_somebody_can_see_and_wants_it(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "revenge_cli", "doctor", "--data-dir", str(tmp_path / "data")]

    def at_a_terminal(**env: str) -> bytes:
        master, slave = os.openpty()
        with subprocess.Popen(arguments, cwd=ROOT, env=CLEAN | env, stdout=slave, stderr=slave) as child:
            os.close(slave)
            shown = b""
            try:
                while chunk := os.read(master, 65536):
                    shown += chunk
            except OSError:  # the other end was closed
                pass
            os.close(master)
        assert child.returncode == 0, shown
        return shown

    assert b"\x1b[32m" in at_a_terminal(TERM="xterm")
    assert b"\x1b[" not in at_a_terminal(TERM="xterm", NO_COLOR="1")
    assert "\x1b[" not in revenge("doctor", "--data-dir", str(tmp_path / "data")).stdout


def test_one_command_serves_and_others_join_its_database(place: Path) -> None:
    # the way of a newcomer: serve, make an admin, ask the doctor, stop
    data = str(place / "data")
    command = [sys.executable, "-m", "revenge_cli", "serve", "--data-dir", data, "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            lines = [server.stdout.readline(), server.stdout.readline()]
            assert any(line.startswith("bootstrap token: ") for line in lines)

            made = revenge(
                "admin", "create", "--username", "ada", "--email", "ada@example.org", "--password-stdin", "--json",
                "--data-dir", data, typed="a quiet evening\n",
            )  # fmt: skip
            assert made.returncode == 0, made.stderr
            assert json.loads(made.stdout)["username"] == "ada"
            healthy = revenge("doctor", "--json", "--data-dir", data)
            assert healthy.returncode == 0, healthy.stdout
            assert {row["id"]: row["status"] for row in json.loads(healthy.stdout)} == {
                "configuration": "pass",
                "disk": "pass",
                "passwords": "pass",
                "secrets": "pass",
                "secrets-mode": "pass",
                "database": "pass",
                "database-roles": "pass",
                "migrations": "pass",
                "secrets-match": "pass",
                "access": "pass",
                "audit": "pass",
                "cache": "pass",
                "mail": "pass",
                "mail-templates": "pass",
            }
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0
        finally:
            server.kill()  # else a failure would wait for ever
    assert servers(place) == []

    (place / "data" / "secrets" / "master.key").chmod(0o640)
    stopped = revenge("doctor", "--json", "--data-dir", data)
    assert stopped.returncode == 1
    assert {row["id"] for row in json.loads(stopped.stdout) if row["status"] != "pass"} == {"secrets-mode"}
    assert (place / "data" / "secrets" / "master.key").stat().st_mode & 0o777 == 0o640
    assert servers(place) == []
