"""The benchmark beside the peers: its load asks and counts right, and who is not to be had is missing, not failed."""

import asyncio
import json
import re
import subprocess
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.bench import bench_peers, harness
from tests.bench.bench_peers import Found
from tests.bench.harness import BenchResult
from tests.bench.peers import install
from tests.bench.peers.install import CannotInstallError
from tests.bench.peers.load import Answer, latencies_during, lines, rate, request
from tests.bench.peers.peers import OURS, PEERS, Peer, person

WITH_LENGTH: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\n\r\nhello"
IN_CHUNKS: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"


@asynccontextmanager
async def serving(answer: bytes, pause: float = 0) -> AsyncGenerator[tuple[int, list[bytes]]]:
    """A server that answers every GET with the same bytes, in two pieces; its port, and what it was asked."""
    asked: list[bytes] = []
    talks: list[asyncio.Task[None]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                asked.append(await reader.readuntil(b"\r\n\r\n"))
                await asyncio.sleep(pause)
                writer.write(answer[:40])
                await writer.drain()
                writer.write(answer[40:])
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.create_task(talk(reader, writer)))

    async with await asyncio.start_server(welcome, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], asked
        await asyncio.gather(*talks)


@pytest.mark.parametrize("answer", [WITH_LENGTH, IN_CHUNKS], ids=["by its length", "in chunks"])
async def test_an_answer_is_read_to_its_end_and_the_next_one_after_it(answer: bytes) -> None:
    async with serving(answer) as (port, _), lines(port, 1) as (line,):
        for _ in range(3):
            assert (await line.ask(request("GET", "/"))).body == b"hello"


async def test_a_bad_answer_is_no_figure() -> None:
    async with serving(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n") as (port, _):
        with pytest.raises(RuntimeError, match="401"):
            await rate(port, [[request("GET", "/")]], 5)


async def test_a_rate_counts_what_was_answered_each_connection_asking_its_own() -> None:
    async with serving(WITH_LENGTH, pause=0.01) as (port, asked):
        started = time.perf_counter()
        found = await rate(port, [[request("GET", "/a"), request("GET", "/b")], [request("GET", "/c")]], 0.2)
        elapsed = time.perf_counter() - started
    assert len(asked) / elapsed <= found <= len(asked) / 0.2
    paths = [one.split()[1] for one in asked]
    assert {*paths} == {b"/a", b"/b", b"/c"}
    assert abs(paths.count(b"/a") - paths.count(b"/b")) <= 1


async def test_a_storm_goes_on_while_latencies_are_taken() -> None:
    async with serving(WITH_LENGTH, pause=0.01) as (port, asked):
        taken, others = await latencies_during(port, [request("GET", "/me")], [request("GET", "/login")] * 3, 0.2)
    paths = [one.split()[1] for one in asked]
    assert len(taken) == paths.count(b"/me")
    assert min(taken) >= 0.009
    assert paths.count(b"/login") > len(taken)
    assert others > 0


def test_a_cookie_is_found_among_others() -> None:
    head = WITH_LENGTH.partition(b"\r\n\r\n")[0]
    assert Answer(head, b"").header("set-cookie", "b=") == "b=2; Path=/"
    with pytest.raises(LookupError):
        Answer(head, b"").header("set-cookie", "c=")


def test_a_request_is_json_a_form_or_bare() -> None:
    head, _, body = request("POST", "/x", json={"a": 1}).partition(b"\r\n\r\n")
    assert (json.loads(body), b"content-length: 7" in head) == ({"a": 1}, True)
    assert request("POST", "/x", form={"a": "b c"}).endswith(b"\r\n\r\na=b+c")
    assert b"content" not in request("GET", "/x", headers={"cookie": "a=b"})


@pytest.mark.parametrize("peer", PEERS, ids=lambda one: one.name)
def test_everybody_is_asked_for_their_own_account_with_what_their_login_gave(peer: Peer) -> None:
    body = json.dumps({"access_token": "token-1", "access": "token-1"}).encode()
    cookies = "".join(
        f"\r\nset-cookie: {name}=token-1; Path=/"
        for name in ("sessionid", "better-auth.session_token", "better-auth.session_data")
    )
    head = f"HTTP/1.1 200 OK\r\nauthorization: Bearer token-1{cookies}".encode()
    assert b"token-1" in peer.manners.me(Answer(head, body))
    one, another = peer.manners.login(1), peer.manners.login(2)
    assert b"person1" in one
    assert one.replace(b"person1", b"person2") == another


def test_our_own_people_sign_in_from_places_of_their_own() -> None:
    places = {re.findall(rb"x-forwarded-for: (\S+)", OURS.login(number))[0] for number in range(1500)}
    assert len(places) == 1500
    assert person(3)["email"] == "person3@example.org"


def test_percentiles_are_of_all_rounds_together() -> None:
    found = Found(calm=[0.001] * 99 + [0.002], rough=[0.5] * 50 + [1.5] * 50)
    assert found.p99 == (0.002, 1.5)


def test_what_cannot_be_installed_is_missing_and_says_nothing_of_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(command: tuple[str, ...], **_options: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 2, "", "no route to packages.example.org")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", offline)
    for place in (partial(install.python_environment, "django"), install.node_environment):
        with pytest.raises(CannotInstallError) as refused:
            place()
        assert "example.org" not in str(refused.value)


def test_a_result_without_anybody_can_be_printed() -> None:
    assert harness.table(BenchResult(ratios=(), medians={}, notes=("missing: x",))).strip() == "missing: x"


def test_pins_are_exact_and_name_no_place() -> None:
    for pins in (install.HERE / "requirements").iterdir():
        for line in pins.read_text().splitlines():
            assert re.fullmatch(r"[a-z0-9.-]+==[\w.]+( ; .+)?", line), line
    packages = json.loads((install.HERE / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in packages.values())
    assert not list(install.HERE.rglob("*lock*"))


def test_every_target_of_a_peer_is_measured() -> None:
    found = Found(me=[(2, 1)], unfed=[(2, 1)], login=[(2, 1)], meanwhile=[(1, 1)], calm=[1.0], rough=[3.0])
    for peer in PEERS:
        ratios = list(bench_peers._ratios(peer, found))
        assert [ratio.target for ratio in ratios] == [*peer.targets.values()]
        assert {ratio.value for ratio in ratios} <= {2.0, 3.0}
