"""`serve` as a process: what it prints, how it starts, and how it stops.

The child runs the real server over a sandbox, so that nothing here waits for a database.
"""

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.http.support import MEMBER

CHILD: Final = """
import asyncio, json, sys
from contextlib import asynccontextmanager
from revenge_adapters.wiring.sandbox import sandbox
from revenge_adapters.wiring.settings import load_settings
from revenge_http import server

flags = json.loads(sys.argv[1])
slow = flags.pop("slow", 0)

@asynccontextmanager
async def opened(settings, **more):
    print("opening", flush=True)
    try:
        await asyncio.sleep(slow)
        yield sandbox().revenge
    finally:
        print("closed", flush=True)

server.open_revenge = opened
server.serve(load_settings(flags).settings)
print("returned", flush=True)
"""

GRACE: Final = 30
"""Seconds that are never reached: the tests stop earlier, or something is wrong."""


class Child:
    """A server in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []

    async def until(self, pattern: str) -> re.Match[str]:
        """Read lines of its standard output until one fits."""
        assert self.process.stdout
        async with asyncio.timeout(GRACE):
            while line := (await self.process.stdout.readline()).decode():
                self.said.append(line.rstrip("\n"))
                if found := re.fullmatch(pattern, self.said[-1]):
                    return found
        raise AssertionError(f"never said {pattern!r}, but {self.said}, and {await self.errors()}")

    async def end(self) -> int:
        """Wait for its end; its exit code."""
        assert self.process.stdout
        async with asyncio.timeout(GRACE):
            self.said += (await self.process.stdout.read()).decode().splitlines()
            return await self.process.wait()

    async def errors(self) -> str:
        assert self.process.stderr
        return (await self.process.stderr.read()).decode()

    def tell(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)


Start = Callable[..., Any]


@asynccontextmanager
async def started(data_dir: Path, **flags: object) -> AsyncGenerator[Child]:
    given = {"data_dir": str(data_dir), "server.port": 0, **{key.replace("__", "."): flags[key] for key in flags}}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CHILD, json.dumps(given)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={key: value for key, value in os.environ.items() if not key.startswith("REVENGE_")},
    )
    try:
        yield Child(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def address_of(child: Child) -> str:
    return (await child.until(r"Revenge listens on (http://\S+)"))[1]


@asynccontextmanager
async def half_a_login(address: str) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A request that runs until its second half is sent."""
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps(MEMBER).encode()
    head = (
        f"POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    )
    writer.write(head.encode() + b"\r\n\r\n" + body[:10])
    await writer.drain()
    await asyncio.sleep(0.3)  # until the server has begun with it
    yield reader, writer
    writer.close()


SECOND_HALF: Final = json.dumps(MEMBER).encode()[10:]


async def test_it_says_where_it_listens_and_the_bootstrap_token_once_on_a_line(tmp_path: Path) -> None:
    async with started(tmp_path) as child:
        address = await address_of(child)
        token = (await child.until(r"bootstrap token: ([0-9a-f]{64})"))[1]
        async with httpx.AsyncClient(base_url=address) as client:
            answer = await client.post("/api/v1/auth/bootstrap", json={**MEMBER, "token": token})
            assert (answer.status_code, answer.json()["is_admin"]) == (201, True)
            assert (await client.get("/readyz")).status_code == 200
        child.tell()
        assert await child.end() == 0
        assert child.said[-2:] == ["closed", "returned"]
        assert "\n".join(child.said).count(token) == 1
        assert token not in await child.errors()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_server_stops_at_the_first_signal(tmp_path: Path, number: signal.Signals) -> None:
    async with started(tmp_path, server__drain_timeout="60s") as child:
        address = await address_of(child)
        await child.until("bootstrap token: .*")
        async with httpx.AsyncClient(base_url=address) as client:  # keeps its connection, and asks nothing more
            await client.get("/healthz")
            child.tell(number)
            assert await child.end() == 0
        assert child.said[-2:] == ["closed", "returned"]


async def test_a_running_request_ends_well_and_readiness_is_off_meanwhile(tmp_path: Path) -> None:
    async with started(tmp_path, server__drain_timeout="60s") as child:
        address = await address_of(child)
        await child.until("bootstrap token: .*")
        async with half_a_login(address) as (reader, writer):
            child.tell()
            async with httpx.AsyncClient(base_url=address) as client, asyncio.timeout(GRACE):
                while (answer := await client.get("/readyz")).status_code == 200:  # noqa: ASYNC110 (a probe polls)
                    await asyncio.sleep(0.01)
                assert (answer.status_code, answer.json()["message"]) == (503, "the server is stopping")
            writer.write(SECOND_HALF)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 401 ")
        assert await child.end() == 0
        assert child.said[-2:] == ["closed", "returned"]


async def test_a_request_that_never_ends_is_cut_off_when_its_time_is_over(tmp_path: Path) -> None:
    async with started(tmp_path, server__drain_timeout="1s") as child:
        address = await address_of(child)
        await child.until("bootstrap token: .*")
        async with half_a_login(address):
            child.tell()
            assert await child.end() == 0
        assert child.said[-2:] == ["closed", "returned"]


async def test_a_second_signal_stops_at_once_and_still_closes_everything(tmp_path: Path) -> None:
    async with started(tmp_path, server__drain_timeout="300s") as child:
        address = await address_of(child)
        await child.until("bootstrap token: .*")
        async with half_a_login(address):
            child.tell()
            await asyncio.sleep(0.3)
            assert child.process.returncode is None
            child.tell()
            assert await child.end() == 0
        assert child.said[-2:] == ["closed", "returned"]
        assert "stopped at once" in await child.errors()


async def test_a_signal_during_a_slow_start_gives_it_up(tmp_path: Path) -> None:
    async with started(tmp_path, slow=300) as child:
        await child.until("opening")
        child.tell()
        assert await child.end() == 0
        assert child.said[-2:] == ["closed", "returned"]


async def test_a_port_in_use_is_told_before_anything_slow_begins(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with started(tmp_path, server__port=taken.getsockname()[1]) as child:
            assert await child.end() != 0
            assert child.said == []
            assert "AddressUnavailable" in await child.errors()


async def test_it_serves_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    async with started(tmp_path, server__unix_socket=str(path)) as child:
        await child.until(f"Revenge listens on unix:{path}")
        await child.until("bootstrap token: .*")
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            forwarded = {"x-forwarded-for": "203.0.113.5", "x-forwarded-proto": "https"}
            answer = await client.get("/healthz", headers=forwarded)
            assert (answer.status_code, "strict-transport-security" in answer.headers) == (200, True)
        child.tell()
        assert await child.end() == 0
        assert not path.exists()


@pytest.mark.asvs("16.2.2", "16.2.4")
async def test_the_log_is_lines_of_json_on_standard_error_when_asked_so(tmp_path: Path) -> None:
    async with started(tmp_path, log__format="json", log__level="debug") as child:
        address = await address_of(child)
        await child.until("bootstrap token: .*")
        async with httpx.AsyncClient(base_url=address) as client:
            await client.get("/healthz", headers={"x-request-id": "look-for-me"})
        child.tell()
        await child.end()
        events = [json.loads(line) for line in (await child.errors()).splitlines()]
        (access,) = [event for event in events if event["logger"] == "revenge.http.access"]
        assert access["message"].endswith("look-for-me")
        assert access["time"].endswith("Z")
