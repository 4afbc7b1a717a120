"""The three probes."""

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.errors import DatabaseUnavailable
from revenge_core.health.entities import Status
from revenge_core.health.service import Health
from revenge_http.app import create_app
from revenge_http.options import HttpOptions
from tests.http.support import Party


async def test_a_healthy_server_says_so_and_no_more(client: httpx.AsyncClient) -> None:
    for path, name in (("/healthz", "liveness"), ("/readyz", "readiness"), ("/startupz", "startup")):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"name": name, "status": "healthy"})
        assert "no-store" in answer.headers["cache-control"]


async def test_a_dead_database_makes_it_unready_but_not_dead(client: httpx.AsyncClient, box: Sandbox) -> None:
    box.database.status = Status.UNHEALTHY
    box.database.message = "connection refused at 10.0.0.7"
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"name": "readiness", "status": "unhealthy", "message": "not well: database"}
    assert (await client.get("/healthz")).status_code == 200


async def test_a_degraded_server_still_serves(client: httpx.AsyncClient, box: Sandbox) -> None:
    box.database.status = Status.DEGRADED
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


@pytest.mark.asvs("16.5.1")
async def test_details_are_for_admins(client: httpx.AsyncClient, box: Sandbox, ada: Party, root: Party) -> None:
    box.database.message = "as usual"
    seen = (await client.get("/readyz", headers=root.headers)).json()
    assert seen["details"] == {"database": "healthy", "database.message": "as usual"}
    for headers in (ada.headers, {}, {"authorization": "Bearer nonsense"}):
        assert "details" not in (await client.get("/readyz", headers=headers)).json()


async def test_readiness_answers_when_nobody_can_be_recognised(
    client: httpx.AsyncClient, box: Sandbox, root: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(*_: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(type(box.revenge.auth), "authenticate", unreachable)
    answer = await client.get("/readyz", headers=root.headers)
    assert (answer.status_code, "details" in answer.json()) == (200, False)


async def test_a_draining_server_is_not_ready_and_still_answers(client: httpx.AsyncClient, box: Sandbox) -> None:
    box.revenge.health.drain()
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["message"]) == (503, "the server is stopping")
    assert (await client.get("/healthz")).status_code == 200


async def test_a_server_that_is_still_starting_says_so(client: httpx.AsyncClient, box: Sandbox) -> None:
    health = Health([box.database])
    answer = await _ask(box, health, "/startupz")
    assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
    assert (await _ask(box, health, "/readyz")).status_code == 503


async def _ask(box: Sandbox, health: Health, path: str) -> httpx.Response:
    from msgspec.structs import replace

    app = create_app(replace(box.revenge, health=health), HttpOptions())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        return await client.get(path)
