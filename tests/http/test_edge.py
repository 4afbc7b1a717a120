"""What happens around every request: ids, addresses, sizes, paths, headers, CORS, log, last resort."""

import logging
from ipaddress import ip_network

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.errors import RevengeError
from revenge_http.app import create_app
from revenge_http.asgi import App, Message, Receive, Scope, Send
from revenge_http.edge.address import Proxies, plain_address
from revenge_http.edge.middleware import Edge
from revenge_http.edge.request_id import new_request_id
from revenge_http.options import HttpOptions
from revenge_http.problems import ProblemWriter
from tests.http.support import MEMBER, PEER, Connect, Party, problem, sign_in

PROXY = "10.0.0.1"
TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


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


# Client addresses


async def address_of(connect: Connect, forwarded: str | None, *, peer: str = PEER, trusted: object = ()) -> str | None:
    """The address that ends up in the audit."""
    client = connect(peer=peer, trusted_proxies=trusted)
    headers = {"x-forwarded-for": forwarded, "x-real-ip": "6.6.6.6", "forwarded": "for=6.6.6.6"} if forwarded else {}
    await client.post("/api/v1/auth/register", json=MEMBER)
    party = await client.post("/api/v1/auth/login", json=MEMBER, headers=headers)
    token = {"authorization": f"Bearer {party.json()['access_token']}"}
    shown: str = (await client.get("/api/v1/sessions/current", headers=token)).json()["ip_address"]
    return shown or None


@pytest.mark.asvs("4.1.3")
@pytest.mark.asvs("15.3.4")
@pytest.mark.parametrize("forged", ["1.2.3.4", "1.2.3.4, 10.0.0.1", "127.0.0.1", "::1", "garbage", "10.0.0.1"])
async def test_a_forged_header_changes_nothing(connect: Connect, forged: str) -> None:
    assert await address_of(connect, forged) == PEER
    assert await address_of(connect, forged, trusted=TRUSTED) == PEER


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("203.0.113.5, 10.1.1.1", "203.0.113.5"),
        ("6.6.6.6, 203.0.113.5, 10.1.1.1", "203.0.113.5"),
        ("6.6.6.6, 203.0.113.5:4711", "203.0.113.5"),
        ("2001:DB8::7", "2001:db8::7"),
        ("[2001:db8::7]:443, fd00::1", "2001:db8::7"),
        ('"[2001:db8::7]"', "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("10.2.2.2, 10.3.3.3", "10.2.2.2"),
        ("6.6.6.6, unknown", PROXY),
        ("6.6.6.6, ", PROXY),
        ("6.6.6.6, 203.0.113.5 10.0.0.1", PROXY),
        ("6.6.6.6, 999.1.1.1", PROXY),
        ("6.6.6.6, \x00", PROXY),
        (",,,,", PROXY),
        (None, PROXY),
    ],
)
async def test_the_list_of_a_trusted_proxy_is_read_from_the_right(
    connect: Connect, forwarded: str | None, client: str
) -> None:
    assert await address_of(connect, forwarded, peer=PROXY, trusted=TRUSTED) == client


def test_several_headers_are_one_list() -> None:
    proxies = Proxies(TRUSTED, trust_unix_socket=False)
    assert proxies.client(PROXY, [b"6.6.6.6", b"203.0.113.5, 10.1.1.1"]) == "203.0.113.5"


def test_an_endless_list_of_trusted_proxies_is_cut() -> None:
    proxies = Proxies(TRUSTED, trust_unix_socket=False)
    assert proxies.client(PROXY, [b"6.6.6.6", *[b"10.1.1.1"] * 5000]) == "10.1.1.1"


def test_an_ipv4_peer_on_an_ipv6_socket_is_an_ipv4_peer() -> None:
    proxies = Proxies(TRUSTED, trust_unix_socket=False)
    assert proxies.client("::ffff:10.0.0.1", [b"203.0.113.5"]) == "203.0.113.5"
    assert plain_address("::ffff:192.0.2.1") == "192.0.2.1"


def test_a_peer_on_the_unix_socket_is_a_proxy_where_that_is_trusted() -> None:
    assert Proxies((), trust_unix_socket=True).client(None, [b"203.0.113.5"]) == "203.0.113.5"
    assert Proxies((), trust_unix_socket=False).client(None, [b"203.0.113.5"]) is None


# Sizes and paths


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
        "//healthz",
        "/api//v1/users/me",
        "/api/v1/users/me//",
        "/api/v1/users%2Fme",
        "/api/v1/users%2fme",
        "/api/v1/users/%2e%2e/users/me",
        "/API/v1/users/me",
        "/",
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


async def raw(app: App, **scope: object) -> tuple[int, dict[bytes, bytes], bytes]:
    """One request as no client library would send it."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    whole: dict[str, object] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/healthz",
        "raw_path": b"/healthz",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"x")],
        "client": (PEER, 1),
        "server": ("x", 80),
        **scope,
    }
    await app(whole, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(one.get("body", b"") for one in sent[1:])


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({"path": "/\ud800", "raw_path": b"/%ED%A0%80"}, 404),
        ({"path": "/problems/\udcff", "raw_path": b"/problems/\xff"}, 404),
        ({"path": "/\x00", "raw_path": b"/%00"}, 404),
        ({"path": "", "raw_path": b""}, 404),
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
    if status != 200:
        assert headers[b"content-type"] == b"application/problem+json"
        assert b"Traceback" not in body


@pytest.mark.asvs("13.4.4")
async def test_methods_that_are_not_there_name_those_that_are(client: httpx.AsyncClient) -> None:
    for method in ("TRACE", "DELETE", "HEAD", "PROPFIND"):
        answer = await client.request(method, "/api/v1/users/me")
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == {"GET", "PUT", "PATCH", "OPTIONS"}


async def test_options_needs_nobody(client: httpx.AsyncClient) -> None:
    answer = await client.options("/api/v1/users/me")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, OPTIONS, PATCH, PUT"


@pytest.mark.parametrize("path", ["/revenge/healthz", "/healthz"])
async def test_a_path_prefix_is_taken_off_where_a_proxy_left_it(connect: Connect, path: str) -> None:
    client = connect(path_prefix="/revenge")
    assert (await client.get(path)).status_code == 200
    assert (await client.get("/nowhere")).json()["type"] == "/revenge/problems/route_not_found"
    assert 'href="/revenge/api/docs.css"' in (await client.get("/revenge/api/docs")).text


async def test_a_host_program_may_mount_the_application(box: Sandbox) -> None:
    app = create_app(box.revenge, HttpOptions())
    status, _, _ = await raw(app, root_path="/media", path="/media/healthz", raw_path=b"/media/healthz")
    assert status == 200


async def test_no_route_is_a_web_socket(box: Sandbox) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    await create_app(box.revenge, HttpOptions())({"type": "websocket", "path": "/healthz"}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


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


# CORS

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


def edge_over(app: App) -> App:
    return Edge(app, HttpOptions(), ProblemWriter(HttpOptions()))


@pytest.mark.asvs("16.5.4")
async def test_the_last_resort_answers_for_what_breaks_anywhere_inside(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("SELECT secret FROM somewhere")

    status, headers, body = await raw(edge_over(broken))
    assert (status, headers[b"content-type"]) == (500, b"application/problem+json")
    assert b"SELECT" not in body
    assert "SELECT secret" in caplog.text
    assert headers[b"x-request-id"].decode() in caplog.text


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
