"""Which other origins may call (CORS)."""

import httpx
import pytest

from tests.http.support import Connect

PAGE = "https://tv.lan"
ASKS = {"origin": PAGE, "access-control-request-method": "PUT", "access-control-request-headers": "x-csrf-token"}


def cors_of(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.mark.asvs("3.4.2")
async def test_no_other_origin_may_call_unless_it_is_named(client: httpx.AsyncClient, connect: Connect) -> None:
    for stranger in (client, connect(cors_origins=("https://other.lan",))):
        assert cors_of(await stranger.options("/api/v1/users/me", headers=ASKS)) == {}
        assert cors_of(await stranger.get("/healthz", headers={"origin": PAGE})) == {}


async def test_a_named_origin_may_call(connect: Connect) -> None:
    client = connect(cors_origins=(PAGE + "/",))
    answer = await client.options("/api/v1/users/me", headers=ASKS)
    assert answer.status_code == 204
    said = cors_of(answer)
    assert said["access-control-allow-origin"] == PAGE
    assert "PUT" in said["access-control-allow-methods"]
    for header in ("X-CSRF-Token", "X-Request-ID", "X-API-Key", "Authorization", "If-Match", "Last-Event-ID"):
        assert header in said["access-control-allow-headers"].split(", ")
    assert answer.headers["vary"] == "Origin"
    answer = await client.get("/api/v1/users/me", headers={"origin": PAGE})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, PAGE)
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://tv.lan.evil.org", "http://tv.lan", "null", "https://TV.lan", ""])
async def test_a_similar_origin_is_another_one(connect: Connect, origin: str) -> None:
    client = connect(cors_origins=(PAGE,))
    answer = await client.get("/healthz", headers={"origin": origin})
    assert cors_of(answer) == {}
    assert answer.headers["vary"] == "Origin"


async def test_everybody_never_comes_with_credentials(connect: Connect) -> None:
    client = connect(cors_origins=("*",))
    for answer in (await client.options("/healthz", headers=ASKS), await client.get("/healthz", headers=ASKS)):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
