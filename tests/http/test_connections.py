"""Real sockets: what clients send before, instead of and around a request."""

import asyncio
import contextlib
import socket
import stat
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import uvicorn

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_adapters.wiring.settings import Settings
from revenge_adapters.wiring.settings.records import Server
from revenge_http import protocol
from revenge_http.errors import AddressUnavailable
from revenge_http.listening import listening, url_of
from revenge_http.server import Uvicorn, uvicorn_config

LIMIT = 4096


@pytest.fixture
async def port(box: Sandbox, tmp_path: Path) -> AsyncGenerator[int]:
    """A server in this process, as `revenge serve` runs it."""
    settings = Settings(data_dir=tmp_path, server=Server(max_header_bytes=LIMIT, max_body_bytes=2048))
    with listening("127.0.0.1", 0, None) as sockets:
        server = Uvicorn(uvicorn_config(box.revenge, settings))
        serving = asyncio.create_task(server.serve(sockets))
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.01)
        yield sockets[0].getsockname()[1]
        server.stop_now()
        await serving


async def said_to(port: int, data: bytes) -> bytes:
    """Everything that the server answers to these bytes, until it hangs up or has nothing more to say."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        writer.write(data)
        async with asyncio.timeout(10):
            while not is_whole(answer):
                if not (more := await reader.read(65536)):
                    break
                answer += more
        return answer
    except ConnectionResetError:
        return answer
    finally:
        writer.close()


def is_whole(answer: bytes) -> bool:
    head, separator, body = answer.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(separator and lengths) and len(body) >= int(lengths[0].partition(b":")[2])


async def test_a_request_over_a_real_socket_is_answered(port: int) -> None:
    answer = await said_to(port, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nserver:" not in answer.lower()


@pytest.mark.asvs("13.1.2")
async def test_a_head_without_end_is_cut_off(port: int) -> None:
    answer = await said_to(port, b"GET /healthz HTTP/1.1\r\nx-a: " + b"a" * 3 * LIMIT)
    assert answer.startswith(b"HTTP/1.1 431 ")
    flood = b"".join(b"x-%d: y\r\n" % number for number in range(3000))
    assert (await said_to(port, b"GET /healthz HTTP/1.1\r\n" + flood)).startswith(b"HTTP/1.1 431 ")
    assert (await said_to(port, b"GET /" + b"a" * 3 * LIMIT)).startswith(b"HTTP/1.1 431 ")


async def test_a_whole_head_that_is_too_long_gets_a_problem(port: int) -> None:
    answer = await said_to(port, b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * LIMIT + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"error":"headers_too_large"' in answer


async def test_a_long_body_is_not_counted_as_a_head(port: int) -> None:
    head = b"POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    answer = await said_to(port, head + b"content-length: 60000\r\n\r\n" + b" " * 60_000)
    assert b'"error":"body_too_large"' in answer
    chunks = b"".join(b"400\r\n" + b" " * 1024 + b"\r\n" for _ in range(20)) + b"0\r\n\r\n"
    answer = await said_to(port, head + b"transfer-encoding: chunked\r\n\r\n" + chunks)
    assert b'"error":"body_too_large"' in answer


async def test_one_connection_takes_many_requests(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(50):  # together longer than one head may be
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * 1000 + b"\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        await reader.readexactly(len(b'{"name":"liveness","status":"healthy"}'))
    writer.close()


@pytest.mark.parametrize("begin", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: "])
async def test_who_does_not_finish_a_head_in_time_is_hung_up_on(
    port: int, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    assert await said_to(port, begin) == b""


@pytest.mark.parametrize(
    ("request_bytes", "more"),
    [
        (b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n", b"x"),
        (b"POST /nowhere HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\n"),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n", b"\r\n"),
    ],
)
async def test_who_was_answered_and_then_dawdles_is_hung_up_on(
    port: int, monkeypatch: pytest.MonkeyPatch, request_bytes: bytes, more: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    writer.write(request_bytes)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 ")
    writer.write(more)
    async with asyncio.timeout(10):
        await reader.read()
    writer.close()


LONG = b"GET /api/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"
MANY = 40
"""So many long answers are more than the buffers between client and server hold."""


@pytest.mark.asvs("13.1.2")
async def test_who_takes_nothing_of_what_was_asked_for_is_hung_up_on(
    port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = len(await said_to(port, LONG))
    monkeypatch.setattr(protocol, "TAKING_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(LONG * MANY)
    await asyncio.sleep(1)
    got = 0
    with contextlib.suppress(ConnectionResetError):
        while more := await reader.read(1024 * 1024):
            got += len(more)
    writer.close()
    assert 0 < got < MANY * one
    assert not [one for one in caplog.records if one.levelname == "ERROR"], "a client that goes is no error"


async def test_who_takes_slowly_what_was_asked_for_gets_all_of_it(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    one = len(await said_to(port, LONG))
    monkeypatch.setattr(protocol, "TAKING_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(LONG * MANY)
    got = 0
    while got < MANY * one:
        more = await reader.read(64 * 1024)
        assert more, "cut off"
        got += len(more)
        await asyncio.sleep(0.001)
    writer.close()


async def test_a_refused_body_may_be_finished_and_another_request_made(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nab")
    refusal = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"c\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    length = next(line for line in refusal.split(b"\r\n") if line.startswith(b"content-length: "))
    await reader.readexactly(int(length.rpartition(b" ")[2]))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    writer.close()


CHUNKED = (
    b"POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\n"
    b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
)


@pytest.mark.asvs("4.1.3")
async def test_trailers_are_not_taken_for_headers(port: int) -> None:
    answer = await said_to(port, CHUNKED + b"2\r\n{}\r\n0\r\nx-request-id: from-a-trailer\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"from-a-trailer" not in answer


@pytest.mark.parametrize(
    "flood",
    [
        b"0\r\n" + b"x: y\r\n" * 50 * LIMIT,
        b"0\r\nx: " + b"y" * 50 * LIMIT,
        b"1;" + b"y" * 50 * LIMIT,
        b"2\r\n{}\r\n0\r\n" + b"x: y\r\n" * 50 * LIMIT,
    ],
)
@pytest.mark.asvs("13.1.2")
async def test_what_surrounds_a_body_ends_too(port: int, flood: bytes) -> None:
    assert await said_to(port, CHUNKED + flood) == b""


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /%ff%fe HTTP/1.1", 404),
        (b"GET /\xff\xfe HTTP/1.1", 400),
        (b"GET /a\x00b HTTP/1.1", 400),
        (b"GET http://evil.example/healthz HTTP/1.1", 200),
        (b"GET //evil.example/healthz HTTP/1.1", 404),
        (b"GET /../../etc/passwd HTTP/1.1", 404),
        (b"GET /healthz HTTP/9.9", 400),
        (b"BREW /healthz HTTP/1.1", 400),
        (b"TRACE /healthz HTTP/1.1", 405),
        (b"OPTIONS * HTTP/1.1", 404),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
        (b"PRI * HTTP/2.0", 400),
    ],
)
async def test_odd_request_lines_get_an_answer(port: int, request_line: bytes, status: int) -> None:
    answer = await said_to(port, request_line + b"\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"Traceback" not in answer


@pytest.mark.asvs("4.2.1")
@pytest.mark.parametrize(
    "headers",
    [
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"content-length: 5\r\ncontent-length: 6\r\n",
        b"content-length: -1\r\n",
        b"content-length: 5, 5\r\n",
        b"transfer-encoding: chunked, identity\r\n",
        b"transfer-encoding : chunked\r\n",
        b"x-a: b\x00c\r\n",
        b"x-a\r\n",
    ],
)
async def test_a_request_whose_end_is_ambiguous_is_refused(port: int, headers: bytes) -> None:
    smuggled = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    answer = await said_to(port, b"POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\n" + headers + b"\r\n" + smuggled)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_port_in_use_is_told_with_what_to_do() -> None:
    with listening("127.0.0.1", 0, None) as (first,):
        taken = first.getsockname()[1]
        with (
            pytest.raises(AddressUnavailable, match=rf"127\.0\.0\.1 port {taken}.*--port"),
            listening("127.0.0.1", taken, None),
        ):
            pass


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(AddressUnavailable, match=r"192\.0\.2\.1"), listening("192.0.2.1", 0, None):
        pass


def test_what_nobody_uses_is_not_said_to_be_in_use() -> None:
    for host in ("192.0.2.1", "nowhere.invalid"):
        with pytest.raises(AddressUnavailable, match=r"\. Choose another with --host"), listening(host, 0, None):
            pass


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_ipv6_is_listened_on_too() -> None:
    try:
        with listening("::1", 0, None) as (bound,):
            assert url_of(bound) == f"http://[::1]:{bound.getsockname()[1]}"
            socket.create_connection(bound.getsockname()[:2]).close()
    except AddressUnavailable:
        pytest.skip("this machine has no IPv6 loopback")


def test_a_unix_socket_is_for_its_owner_and_group_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    with listening("ignored", 0, path) as (bound,):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert url_of(bound) == f"unix:{path}"
        with pytest.raises(AddressUnavailable, match="unix socket"), listening("ignored", 0, path):
            pass
        assert path.exists()
    assert not path.exists()


def test_what_a_killed_server_left_behind_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with listening("ignored", 0, path):
        assert path.exists()


def test_a_file_that_is_no_socket_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    path.write_text("precious")
    with pytest.raises(AddressUnavailable), listening("ignored", 0, path):
        pass
    assert path.read_text() == "precious"


def test_uvicorn_believes_no_header_and_names_itself_nowhere(box: Sandbox, tmp_path: Path) -> None:
    config: uvicorn.Config = uvicorn_config(box.revenge, Settings(data_dir=tmp_path))
    assert (config.proxy_headers, config.server_header, config.access_log) == (False, False, False)
