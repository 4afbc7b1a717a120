"""A session ended on one server stops on the other, with notifications and without (decisions I4, rulings R25)."""

import threading
import time
from statistics import median

import httpx
import pytest

from revenge_adapters.postgres.embedded import EmbeddedServer
from tests.faults.served import Served, bearer, scratch

LONGEST_SECONDS = 2.0
P99_SECONDS = 1.0


def seconds_until_refused(server: Served, access_token: str, ended: threading.Event) -> float:
    """Ask again and again from before the end; how long after it the answer turns into 401."""
    with httpx.Client(base_url=server.client.base_url, headers=bearer(access_token), trust_env=False) as client:
        assert client.get("/api/v1/users/me").status_code == httpx.codes.OK
        ended.wait(10)
        began = time.monotonic()
        while client.get("/api/v1/users/me").status_code == httpx.codes.OK:
            assert time.monotonic() - began < 3 * LONGEST_SECONDS
            time.sleep(0.002)
        return time.monotonic() - began


@pytest.mark.asvs("7.4.1")
@pytest.mark.parametrize("notifications", ["true", "false"])
def test_a_session_ended_on_one_server_stops_on_the_other_within_the_bound(notifications: str, scale: float) -> None:
    with scratch() as data_dir, EmbeddedServer.open(data_dir):
        environ = {"REVENGE_DATABASE_NOTIFICATIONS": notifications, "REVENGE_SESSIONS_MAX_PER_USER": "100"}
        with Served(data_dir, **environ) as one, Served(data_dir, **environ) as other:
            assert one.register("ada").status_code == httpx.codes.CREATED
            delays = []
            for _ in range(max(20, round(20 * scale))):
                token = one.login("ada").json()["access_token"]
                assert other.me(token).status_code == httpx.codes.OK
                ended = threading.Event()
                result: list[float] = []
                asking = threading.Thread(target=lambda: result.append(seconds_until_refused(other, token, ended)))  # noqa: B023 (joined in this round)
                asking.start()
                time.sleep(0.05)
                gone = one.client.delete("/api/v1/sessions/current", headers=bearer(token))
                assert gone.status_code == httpx.codes.NO_CONTENT
                ended.set()
                asking.join()
                assert one.me(token).status_code == httpx.codes.UNAUTHORIZED  # at once where it was ended
                delays += result
            delays.sort()
            print(f"\nnotifications {notifications}: median {median(delays):.3f} s, longest {delays[-1]:.3f} s")  # noqa: T201
            assert delays[int(len(delays) * 0.99) - 1] <= P99_SECONDS
            assert delays[-1] <= LONGEST_SECONDS
