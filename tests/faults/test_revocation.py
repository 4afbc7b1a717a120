"""A session ended on one server stops on the other, with notifications and without (decisions I4, rulings R25)."""

import math
import threading
import time
from http import HTTPStatus
from statistics import median
from typing import Final

import httpx
import pytest

from revenge_adapters.postgres.embedded import EmbeddedServer
from tests.faults.served import PASSWORD, Served, bearer, scratch

LONGEST_SECONDS = 2.0
P99_SECONDS = 1.0


class Asker:
    """Asks a server with one token, again and again, and notes when the answer turned into 401."""

    def __init__(self, server: Served, access_token: str) -> None:
        self.refused_at = float("inf")
        self._client = httpx.Client(base_url=server.client.base_url, headers=bearer(access_token), trust_env=False)
        assert self._status() == HTTPStatus.OK
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _status(self) -> int:
        return self._client.get("/api/v1/users/me").status_code

    def _ask(self) -> None:
        give_up = time.monotonic() + 5 * LONGEST_SECONDS
        while time.monotonic() < give_up:
            if self._status() != HTTPStatus.OK:
                self.refused_at = time.monotonic()
                return
            time.sleep(0.002)

    def seconds_after(self, ended_at: float) -> float:
        """How long after `ended_at` it was refused."""
        self._thread.join()
        self._client.close()
        return max(0.0, self.refused_at - ended_at)


def revoke(server: Served, tokens: dict[str, str], _others: dict[str, str]) -> httpx.Response:
    return server.client.delete("/api/v1/sessions/current", headers=bearer(tokens["access_token"]))


def log_out(server: Served, tokens: dict[str, str], _others: dict[str, str]) -> httpx.Response:
    return server.client.post("/api/v1/auth/logout", headers=bearer(tokens["access_token"]))


def change_password(server: Served, _tokens: dict[str, str], others: dict[str, str]) -> httpx.Response:
    body = {"old_password": PASSWORD, "new_password": "another battery staple"}
    return server.client.post("/api/v1/auth/change-password", headers=bearer(others["access_token"]), json=body)


WAYS: Final = (revoke, log_out, change_password)


@pytest.mark.asvs("7.4.1")
@pytest.mark.parametrize("notifications", ["true", "false"])
def test_a_session_ended_on_one_server_stops_on_the_other_within_the_bound(notifications: str, scale: float) -> None:
    with scratch() as data_dir, EmbeddedServer.open(data_dir):
        environ = {"REVENGE_DATABASE_NOTIFICATIONS": notifications}
        with Served(data_dir, environ=environ) as one, Served(data_dir, environ=environ) as other:
            delays: list[float] = []
            for turn in range(max(21, round(21 * scale))):
                assert one.register(f"ada-{turn}").status_code == HTTPStatus.CREATED
                tokens, others = one.login(f"ada-{turn}").json(), one.login(f"ada-{turn}").json()
                asker = Asker(other, tokens["access_token"])
                gone = WAYS[turn % len(WAYS)](one, tokens, others)
                ended_at = time.monotonic()
                assert gone.status_code == HTTPStatus.NO_CONTENT, gone.text
                # At once where it was ended.
                assert one.me(tokens["access_token"]).status_code == HTTPStatus.UNAUTHORIZED
                delays.append(asker.seconds_after(ended_at))
            delays.sort()
            print(f"\nnotifications {notifications}: median {median(delays):.3f} s, longest {delays[-1]:.3f} s")  # noqa: T201 (seen with -s)
            assert delays[math.ceil(len(delays) * 0.99) - 1] <= P99_SECONDS
            assert delays[-1] <= LONGEST_SECONDS
