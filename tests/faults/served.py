"""`revenge serve` as a process of its own, as a user would run it."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self

import httpx

START_SECONDS: Final = 30.0
PASSWORD: Final = "correct horse battery staple"
ENVIRONMENT: Final = {
    "PYTHONUNBUFFERED": "1",
    "REVENGE_PASSWORDS_MEMORY_KIB": "1024",
    "REVENGE_SERVER_RATE_LIMIT_ENABLED": "false",
}


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """A running server: its address, its output so far, and ways to end it."""

    def __init__(
        self, data_dir: Path, *arguments: str, port: int | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.lines: list[str] = []
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("REVENGE_")}
        command = ("-m", "revenge_cli", "serve", "--data-dir", str(data_dir), "--port", str(self.port), *arguments)
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**inherited, **ENVIRONMENT, **(environ or {})},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10, trust_env=False)

    def __enter__(self) -> Self:
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        self._reader.join(5)
        if self.process.stdout:
            self.process.stdout.close()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        """All that was printed so far."""
        return "\n".join(self.lines)

    def wait_until_ready(self, seconds: float = START_SECONDS) -> None:
        """Until `/readyz` answers 200."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process.poll() is not None:
                message = f"the server ended with {self.process.returncode}:\n{self.output}"
                raise AssertionError(message)
            try:
                if self.client.get("/readyz").status_code == HTTPStatus.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        message = f"the server was not ready in {seconds} s:\n{self.output}"
        raise AssertionError(message)

    def bootstrap_token(self) -> str:
        """The token that it printed."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            found = re.search(r"^bootstrap token: *\n?([0-9a-f]{64})$", self.output, re.MULTILINE)
            if found:
                return found.group(1)
            time.sleep(0.02)
        message = f"no bootstrap token was printed:\n{self.output}"
        raise AssertionError(message)

    def register(self, username: str) -> httpx.Response:
        """Make an account."""
        body = {"username": username, "email": f"{username}@example.org", "password": PASSWORD}
        return self.client.post("/api/v1/auth/register", json=body)

    def login(self, username: str, **more: str) -> httpx.Response:
        """Sign in."""
        return self.client.post("/api/v1/auth/login", json={"username": username, "password": PASSWORD, **more})

    def me(self, access_token: str) -> httpx.Response:
        """The account behind a token."""
        return self.client.get("/api/v1/users/me", headers=bearer(access_token))

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait(10)


def bearer(access_token: str) -> dict[str, str]:
    """The header that carries an access token."""
    return {"Authorization": f"Bearer {access_token}"}


@contextmanager
def scratch() -> Generator[Path]:
    """A data directory that does not exist yet, in a place that PostgreSQL's own user can reach."""
    with tempfile.TemporaryDirectory(prefix="revenge-fault-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # our own temporary directory; the data directory below it is private
        yield Path(folder) / "data"
