"""Sizes, paths and methods: what is too large, written differently, or no request at all."""

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_http.app import create_app
from revenge_http.asgi import Message
from revenge_http.options import HttpOptions
from tests.apps import app_of
from tests.http.support import Connect, problem, raw


@pytest.mark.asvs("13.1.2")
async def test_headers_beyond_the_limit_are_431_and_end_the_connection(connect: Connect) -> None:
    client = connect(max_header_bytes=2000)
    for headers in ({"x-a": "x" * 2000}, {f"x-{number}": "y" for number in range(150)}):
        answer = await client.get("/healthz", headers=headers)
        problem(answer, 431, "headers_too_large")
        assert answer.headers["connection"] == "close"


async def test_a_long_target_counts_as_headers_do(connect: Connect) -> None:
    client = connect(max_header_bytes=2000)
    problem(await client.get("/healthz?" + "x" * 3000), 431, "headers_too_large")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/users/me/",
        "/healthz/",
        "/api//v1/users/me",
        "/api/v1/users/me//",
        "/api/v1/users%2Fme",
        "/api/v1/users%2fme",
        "/api/v1/users/%2e%2e/users/me",
        "/API/v1/users/me",
        "/api/v1",
        "/healthz%00",
        "/%ff%fe",
        "/%ed%a0%80",
        "/healthz;x=y",
        "/.env",
        "/metrics",
    ],
)
async def test_a_path_that_is_written_differently_is_another_path(client: httpx.AsyncClient, path: str) -> None:
    problem(await client.get(path), 404, "route_not_found")


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({"path": "/\ud800", "raw_path": b"/%ED%A0%80"}, 404),
        ({"path": "/problems/\udcff", "raw_path": b"/problems/\xff"}, 404),
        ({"path": "/\x00", "raw_path": b"/%00"}, 404),
        ({"path": "", "raw_path": b""}, 303),  # as "/"
        ({"path": "//healthz", "raw_path": b"//healthz"}, 404),
        ({"path": "*", "raw_path": b"*", "method": "OPTIONS"}, 404),
        ({"method": "BREW"}, 405),
        ({"method": "TRACE"}, 405),
        ({"method": "CONNECT"}, 405),
        ({"method": "HEAD"}, 405),
        ({"headers": []}, 200),
        ({"headers": [(b"host", b"a\xff b")]}, 400),
        ({"headers": [(b"host", b"x"), (b"user-agent", b"\xff\x00\x1b")]}, 200),
        ({"client": None}, 200),
        ({"client": ("no address", 1)}, 200),
        ({"raw_path": None}, 200),
        ({"query_string": b"\xff=%ff&%"}, 200),
    ],
)
async def test_no_request_is_too_broken_for_an_answer(box: Sandbox, scope: dict[str, object], status: int) -> None:
    answered, headers, body = await raw(create_app(box.revenge, HttpOptions(access_log=True)), **scope)
    assert answered == status
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert len(headers[b"x-request-id"]) == 36
    if status >= 400:
        assert headers[b"content-type"] == b"application/problem+json"
        assert b"Traceback" not in body


@pytest.mark.asvs("13.4.4")
async def test_methods_that_are_not_there_name_those_that_are(client: httpx.AsyncClient) -> None:
    for method in ("TRACE", "POST", "HEAD", "PROPFIND"):
        answer = await client.request(method, "/api/v1/users/me")
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == {"DELETE", "GET", "PATCH", "PUT", "OPTIONS"}


async def test_options_needs_nobody(client: httpx.AsyncClient) -> None:
    answer = await client.options("/api/v1/users/me")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "DELETE, GET, OPTIONS, PATCH, PUT"


@pytest.mark.parametrize("path", ["/revenge/healthz", "/healthz"])
async def test_a_path_prefix_is_taken_off_where_a_proxy_left_it(connect: Connect, path: str) -> None:
    client = connect(path_prefix="/revenge")
    assert (await client.get(path)).status_code == 200
    assert (await client.get("/nowhere")).json()["type"] == "/revenge/problems/route_not_found"
    assert 'href="/revenge/api/docs.css"' in (await client.get("/revenge/api/docs")).text


async def test_a_host_program_may_mount_the_application(box: Sandbox) -> None:
    app = app_of(box.revenge)
    status, _, _ = await raw(app, root_path="/media", path="/media/healthz", raw_path=b"/media/healthz")
    assert status == 200


async def test_no_route_is_a_web_socket(box: Sandbox) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    await app_of(box.revenge)({"type": "websocket", "path": "/healthz"}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
