"""A session ended on one server stops on the other, with notifications and without (decisions I4, rulings R25)."""

import math
import threading
import time
from http import HTTPStatus
from statistics import median

import httpx
import pytest

from revenge_adapters.postgres.embedded import EmbeddedServer
from tests.faults.served import Served, bearer, scratch

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


@pytest.mark.asvs("7.4.1")
@pytest.mark.parametrize("notifications", ["true", "false"])
def test_a_session_ended_on_one_server_stops_on_the_other_within_the_bound(notifications: str, scale: float) -> None:
    with scratch() as data_dir, EmbeddedServer.open(data_dir):
        environ = {"REVENGE_DATABASE_NOTIFICATIONS": notifications, "REVENGE_SESSIONS_MAX_PER_USER": "100"}
        with Served(data_dir, environ=environ) as one, Served(data_dir, environ=environ) as other:
            assert one.register("ada").status_code == HTTPStatus.CREATED
            delays: list[float] = []
            for _ in range(max(20, round(20 * scale))):
                token = one.login("ada").json()["access_token"]
                assert other.me(token).status_code == HTTPStatus.OK
                asker = Asker(other, token)
                gone = one.client.delete("/api/v1/sessions/current", headers=bearer(token))
                ended_at = time.monotonic()
                assert gone.status_code == HTTPStatus.NO_CONTENT
                assert one.me(token).status_code == HTTPStatus.UNAUTHORIZED  # at once where it was ended
                delays.append(asker.seconds_after(ended_at))
            delays.sort()
            print(f"\nnotifications {notifications}: median {median(delays):.3f} s, longest {delays[-1]:.3f} s")  # noqa: T201
            assert delays[math.ceil(len(delays) * 0.99) - 1] <= P99_SECONDS
            assert delays[-1] <= LONGEST_SECONDS
