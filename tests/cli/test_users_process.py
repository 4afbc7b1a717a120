"""Accounts from the shell, as a process: beside a running server on its data directory, and against its URL."""

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.cli.test_process import CLEAN, place, revenge
from tests.house.modules import ROOT
from tests.wiring.conftest import servers

__all__ = ["place"]

PASSWORD = "a quiet evening"


def posted(url: str, body: dict[str, str]) -> dict[str, Any]:
    answer = httpx.post(url, json=body, timeout=30)
    answer.raise_for_status()
    said: dict[str, Any] = answer.json() if answer.content else {}
    return said


def test_accounts_are_run_beside_a_server_and_from_elsewhere(place: Path, tmp_path: Path) -> None:
    data, token_file = str(place / "data"), tmp_path / "token"

    def here(*arguments: str) -> str:
        done = revenge(*arguments, "--data-dir", data)
        assert done.returncode == 0, done.stderr
        return done.stdout

    command = [sys.executable, "-m", "revenge_cli", "serve", "--data-dir", data, "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found
            url = found[0]

            def there(*arguments: str) -> str:
                env = {"REVENGE_TOKEN_FILE": str(token_file)}
                done = revenge(*arguments, "--url", url, env=env)
                assert done.returncode == 0, done.stderr
                return done.stdout

            made = ("admin", "create", "--username", "root", "--email", "root@example.org", "--password-stdin")
            assert revenge(*made, "--data-dir", data, typed=f"{PASSWORD}\n").returncode == 0
            signed_in = posted(f"{url}/api/v1/auth/login", {"username": "root", "password": PASSWORD})
            token_file.write_text(signed_in["access_token"])

            # here or there, it is one world
            link = json.loads(here("users", "create", "--username", "ada", "--email", "ada@example.org", "--json"))
            chosen = {"token": link["reset_link"].partition("#token=")[2], "new_password": PASSWORD}
            posted(f"{url}/api/v1/auth/reset-password", chosen)
            for shape in ((), ("--plain",), ("--json",)):
                assert there("users", "list", *shape) == here("users", "list", *shape)
                assert there("users", "show", "ada", *shape) == here("users", "show", "ada", *shape)

            # what is done in another process reaches the server's sessions
            ada = posted(f"{url}/api/v1/auth/login", {"username": "ada", "password": PASSWORD})
            assert there("sessions", "list", "ada") == here("sessions", "list", "ada")
            assert json.loads(here("users", "disable", "ada", "--json"))["is_active"] is False
            refused = httpx.post(f"{url}/api/v1/auth/refresh", json={"refresh_token": ada["refresh_token"]})
            assert refused.status_code == 401
            assert json.loads(there("users", "enable", "ada", "--json"))["is_active"] is True

            last = revenge("users", "disable", "root", "--data-dir", data, "--json")
            assert (last.returncode, json.loads(last.stderr)["error"]) == (4, "last_admin")
            dead = revenge("users", "list", "--url", url, env={"REVENGE_TOKEN": "nobodys"})
            assert (dead.returncode, dead.stdout) == (5, "")

            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0
        finally:
            server.kill()  # else a failure would wait for ever
    away = revenge("users", "list", "--url", url, env={"REVENGE_TOKEN": "nobodys"})
    assert away.returncode == 69
    assert servers(place) == []


def test_ctrl_c_ends_a_request_that_nobody_answers(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("nobodys")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "revenge_cli", "users", "list", "--url", url]
        env = CLEAN | {"REVENGE_TOKEN_FILE": str(tmp_path / "token")}
        with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            try:
                asked, _ = silent.accept()
                with asked:
                    assert asked.recv(1)
                    child.send_signal(signal.SIGINT)
                    assert child.wait(10) == 1
            finally:
                child.kill()
            assert child.stderr is not None
            assert b"Traceback" not in child.stderr.read()
