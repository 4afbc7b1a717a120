"""SIGKILL in the middle of registrations: what was acknowledged is there, and nothing is there by half (fault 1)."""

import signal
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import httpx
import psutil
import psycopg

from revenge_adapters.postgres.embedded import EmbeddedServer
from tests.faults.served import Served, scratch

WRITERS = 4


class Registrations:
    """Writers that register one account after the other and remember which the server acknowledged."""

    def __init__(self, server: Served, prefix: str) -> None:
        self.acknowledged: list[str] = []
        self._server = server
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(f"{prefix}-{n}",)) for n in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def _write(self, prefix: str) -> None:
        number = 0
        with httpx.Client(base_url=self._server.client.base_url, timeout=10, trust_env=False) as client:
            while not self._stop.is_set():
                number += 1
                name = f"{prefix}-{number}"
                body = {"username": name, "email": f"{name}@example.org", "password": "a long enough sentence"}
                try:
                    answer = client.post("/api/v1/auth/register", json=body)
                except httpx.TransportError:
                    time.sleep(0.02)
                    continue
                if answer.status_code == HTTPStatus.CREATED:
                    self.acknowledged.append(name)
                else:
                    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE, answer.text
                    time.sleep(0.02)

    def wait_for(self, count: int) -> None:
        until = time.monotonic() + 30
        while len(self.acknowledged) < count:
            assert time.monotonic() < until, f"only {len(self.acknowledged)} registrations\n{self._server.output}"
            time.sleep(0.005)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)


def assert_whole(data_dir: Path, acknowledged: list[str]) -> None:
    """Every acknowledged account is there, and every account that is there is there whole."""
    with EmbeddedServer.open(data_dir) as database, psycopg.connect(database.superuser_url) as connection:
        there = {name for (name,) in connection.execute("SELECT username FROM revenge.users")}
        assert set(acknowledged) <= there
        halves = connection.execute(
            """
            SELECT u.username
              FROM revenge.users u
              LEFT JOIN revenge.credentials c ON c.user_id = u.id
              LEFT JOIN revenge.user_roles r ON r.user_id = u.id
             WHERE c.user_id IS NULL OR r.user_id IS NULL
                OR (SELECT count(*) FROM revenge.activity a
                     WHERE a.resource_id = u.id AND a.action = 'user.register') <> 1
            """
        ).fetchall()
        assert halves == []
        (audited,) = connection.execute(
            "SELECT count(*) FROM revenge.activity WHERE action = 'user.register'"
        ).fetchone() or (0,)
        assert audited == len(there)


def killed_mid_write(rounds: int, kill: Callable[[Served], None], *, survives: bool) -> None:
    with scratch() as data_dir:
        acknowledged: list[str] = []
        for turn in range(rounds):
            with Served(data_dir) as server:
                registrations = Registrations(server, f"u{turn}")
                try:
                    registrations.wait_for(30)
                    kill(server)
                    if survives:
                        registrations.wait_for(len(registrations.acknowledged) + 20)
                finally:
                    registrations.stop()
                acknowledged += registrations.acknowledged
        assert_whole(data_dir, acknowledged)


def test_a_killed_server_loses_no_acknowledged_registration_and_leaves_none_by_half(scale: float) -> None:
    killed_mid_write(max(2, round(2 * scale)), Served.kill, survives=False)


def test_a_killed_embedded_database_loses_no_acknowledged_registration_and_comes_back(scale: float) -> None:
    def kill_postmaster(server: Served) -> None:
        pid = int((server.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        psutil.Process(pid).send_signal(signal.SIGKILL)

    killed_mid_write(max(1, round(scale)), kill_postmaster, survives=True)
