"""What happens around every request: ids, headers, log, last resort."""

import logging

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.errors import RevengeError
from revenge_http.asgi import App, Receive, Scope, Send
from revenge_http.edge.middleware import Edge
from revenge_http.edge.request_id import new_request_id
from revenge_http.options import HttpOptions
from revenge_http.problems import ProblemWriter
from tests.http.support import MEMBER, PEER, PROXY, TRUSTED, Connect, Party, raw, sign_in

# Request ids


@pytest.mark.parametrize("sane", ["abc", "019c5b1e-5e00-7000-8000-000000000001", "a.b_c:d/e+f=g@h", "x" * 128])
async def test_a_sane_request_id_is_echoed(client: httpx.AsyncClient, sane: str) -> None:
    answer = await client.get("/healthz", headers={"x-request-id": sane})
    assert answer.headers["x-request-id"] == sane


@pytest.mark.asvs("16.4.1")
@pytest.mark.parametrize("odd", [b"", b"a b", b"a\r\nset-cookie: x=y", b"\x1b[2J", b"x" * 129, b"-rf", b"\xff", b"<b>"])
async def test_any_other_request_id_is_replaced(client: httpx.AsyncClient, odd: bytes) -> None:
    answer = await client.get("/healthz", headers=[(b"x-request-id", odd)])
    assert answer.headers["x-request-id"][14] == "7"
    assert len(answer.headers["x-request-id"]) == 36


def test_request_ids_are_uuids_of_version_7() -> None:
    from uuid import RFC_4122, UUID

    ids = [UUID(new_request_id()) for _ in range(1000)]
    assert {(one.version, one.variant) for one in ids} == {(7, RFC_4122)}
    assert len(set(ids)) == 1000


@pytest.mark.asvs("16.2.1")
async def test_one_id_is_in_the_answer_and_in_the_audit(client: httpx.AsyncClient, box: Sandbox) -> None:
    await client.post("/api/v1/auth/register", json=MEMBER, headers={"x-request-id": "one-id"})
    assert {entry.request_id for entry in box.rows.activity.values()} == {"one-id"}


# Headers

ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


@pytest.mark.asvs("3.4.3")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/healthz"),
        ("GET", "/nowhere"),
        ("POST", "/healthz"),
        ("OPTIONS", "/healthz"),
        ("GET", "/api/docs"),
        ("GET", "/api/v1/users/me"),
        ("POST", "/api/v1/auth/login"),
        ("GET", "/healthz/"),
    ],
)
async def test_every_answer_carries_the_headers_that_protect_browsers(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    headers = (await client.request(method, path)).headers
    assert {name: headers.get(name) for name in ALWAYS} == ALWAYS
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert len(headers.get_list("content-security-policy")) == 1


@pytest.mark.asvs("14.3.2")
async def test_private_answers_are_not_stored(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.get("/api/v1/users/me", headers=ada.headers)
    assert answer.headers["cache-control"] == "private, no-store"
    assert (await client.post("/api/v1/auth/login", json={})).headers["cache-control"] == "no-store"
    assert (await client.get("/api/v1/users/me")).headers["cache-control"] == "private, no-store"


@pytest.mark.asvs("3.4.1")
async def test_strict_transport_is_promised_over_tls_only(connect: Connect) -> None:
    async def promised(client: httpx.AsyncClient, **headers: str) -> bool:
        answer = await client.get("/healthz", headers={name.replace("_", "-"): text for name, text in headers.items()})
        return "strict-transport-security" in answer.headers

    assert await promised(connect(scheme="https"))
    assert not await promised(connect())
    assert not await promised(connect(), x_forwarded_proto="https")
    behind = connect(peer=PROXY, trusted_proxies=TRUSTED)
    assert await promised(behind, x_forwarded_proto="https")
    assert await promised(behind, x_forwarded_proto="http, https")
    assert not await promised(behind, x_forwarded_proto="https, http")
    assert not await promised(connect(trusted_proxies=TRUSTED), x_forwarded_proto="https")


@pytest.mark.asvs("13.4.6")
async def test_no_header_names_a_program_or_its_version(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere")
    assert {"server", "x-powered-by"} & answer.headers.keys() == set()


# Log and last resort


@pytest.mark.asvs("16.2.5")
async def test_the_access_log_has_one_line_per_request_without_secrets(
    connect: Connect, caplog: pytest.LogCaptureFixture, ada: Party
) -> None:
    client = connect(access_log=True)
    with caplog.at_level(logging.INFO, "revenge.http.access"):
        await client.get("/api/v1/users/me", headers={**ada.headers, "x-request-id": "r1"})
        await client.get("/nowhere?token=hunter22", headers={"x-request-id": "r2"})
        await client.get("/%0a%1b[2J", headers={"x-request-id": "r3"})
    lines = [record.getMessage() for record in caplog.records if record.name == "revenge.http.access"]
    assert [line.split()[-1] for line in lines] == ["r1", "r2", "r3"]
    assert lines[0].startswith("GET /api/v1/users/me 200 ")
    assert PEER in lines[0]
    assert ada.access_token not in "".join(lines)
    assert "hunter22" not in "".join(lines)
    assert all(line.isprintable() for line in lines)


@pytest.mark.asvs("16.3.2")
async def test_what_is_refused_is_logged_also_where_nothing_else_is(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, ada: Party
) -> None:
    with caplog.at_level(logging.INFO, "revenge.http.access"):
        await client.get("/api/v1/users/me", headers=ada.headers)
        await client.get("/api/v1/users/me", headers={"x-request-id": "nobody"})
        await client.get("/api/v1/admin/users", headers={**ada.headers, "x-request-id": "too-little"})
    lines = [record.getMessage() for record in caplog.records if record.name == "revenge.http.access"]
    assert [line.split()[:3] + line.split()[-2:] for line in lines] == [
        ["GET", "/api/v1/users/me", "401", PEER, "nobody"],
        ["GET", "/api/v1/admin/users", "403", PEER, "too-little"],
    ]


def edge_over(app: App) -> App:
    return Edge(app, HttpOptions(), ProblemWriter(HttpOptions()))


@pytest.mark.asvs("16.3.4", "16.5.1", "16.5.4")
async def test_the_last_resort_answers_for_what_breaks_anywhere_inside(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("SELECT secret FROM somewhere")

    status, headers, body = await raw(edge_over(broken))
    assert (status, headers[b"content-type"]) == (500, b"application/problem+json")
    assert b"SELECT" not in body
    assert "SELECT secret" in caplog.text
    assert headers[b"x-request-id"].decode() in caplog.text


@pytest.mark.asvs("16.3.4")
async def test_what_breaks_after_its_answer_began_is_logged_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("in the middle")

    status, _, _ = await raw(edge_over(broken))
    assert status == 200
    assert "in the middle" in caplog.text


async def test_what_is_the_servers_own_fault_is_told_without_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    async def misconfigured(scope: Scope, receive: Receive, send: Send) -> None:
        raise RevengeError("the secret of /var/lib/revenge does not fit")

    status, _, body = await raw(edge_over(misconfigured))
    assert status == 500
    assert b"/var/lib" not in body
    assert "/var/lib" in caplog.text


async def test_signing_in_again_and_again_keeps_ids_apart(client: httpx.AsyncClient, ada: Party) -> None:
    assert (await sign_in(client)).access_token != ada.access_token
