"""The load: requests that are made ready once, over connections that stay open, with as little work as Python allows.

wire.Client is one of several clients in a process and reads streams; where ours answers in 60 µs, that is too slow.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlencode

import msgspec
from typing_extensions import override

PAUSE_SECONDS: Final = 0.002
"""Between two requests of the one whose latency is measured."""


@dataclass(frozen=True)
class Answer:
    """Whatever a server answered."""

    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        """The status code."""
        return int(self.head[9:12])

    def header(self, name: str, begins: str = "") -> str:
        """The first header of that name whose value begins so; raises LookupError."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name and value.strip().startswith(begins):
                return value.strip()
        raise LookupError(name)


def request(
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: object = None,
    form: Mapping[str, str] | None = None,
) -> bytes:
    """The bytes of one request."""
    content = msgspec.json.encode(json) if json is not None else urlencode(form or {}).encode()
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: revenge-bench/1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    if content:
        kind = "application/json" if json is not None else "application/x-www-form-urlencoded"
        head += f"content-type: {kind}\r\ncontent-length: {len(content)}\r\n"
    return f"{head}\r\n".encode() + content


class Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._received = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server hung up"))

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = _whole(self._received)
        if answer is not None and self._answer is not None and not self._answer.done():
            self._received = b""
            self._answer.set_result(answer)

    async def ask(self, asked: bytes) -> Answer:
        """The answer, if it is a good one; raises RuntimeError for any other, ConnectionError if none comes."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(asked)
        answer = await self._answer
        if answer.head[9:10] != b"2":
            raise RuntimeError(f"{asked.partition(b' HTTP')[0]!r} answered {answer.head!r} {answer.body!r}")
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def _whole(received: bytes) -> Answer | None:
    """The answer, once all of it is there: by its length, or in chunks to the last, empty one."""
    head, found, body = received.partition(b"\r\n\r\n")
    if not found:
        return None
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at >= 0:
        length = int(lower[at + 17 :].partition(b"\r\n")[0])
        return Answer(head, body) if len(body) >= length else None
    return Answer(head, _joined(body)) if body.endswith(b"0\r\n\r\n") else None


def _joined(chunks: bytes) -> bytes:
    found = b""
    while True:
        size, _, chunks = chunks.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return found
        found, chunks = found + chunks[:length], chunks[length + 2 :]


@asynccontextmanager
async def lines(port: int, number: int) -> AsyncGenerator[list[Line]]:
    """So many new connections: some servers close those that were idle for seconds."""
    loop = asyncio.get_running_loop()
    opened = [(await loop.create_connection(Line, "127.0.0.1", port))[1] for _ in range(number)]
    try:
        yield opened
    finally:
        for line in opened:
            line.close()


async def rate(port: int, asked: Sequence[Sequence[bytes]], seconds: float) -> float:
    """How many requests are answered per second; each connection has its own ones, and begins again after the last."""
    async with lines(port, len(asked)) as opened:
        started = time.perf_counter()

        async def repeat(line: Line, own: Sequence[bytes]) -> int:
            times = 0
            for one in itertools.cycle(own):
                if time.perf_counter() - started >= seconds:
                    break
                await line.ask(one)
                times += 1
            return times

        done = sum(await asyncio.gather(*map(repeat, opened, asked)))
        return done / (time.perf_counter() - started)


async def latencies_during(
    port: int, asked: Sequence[bytes], storm: Sequence[bytes], seconds: float
) -> tuple[list[float], float]:
    """Seconds that each of `asked` took, over and over, while others repeat theirs; and how many of those a second."""
    async with lines(port, len(asked) + len(storm)) as opened:
        started = time.perf_counter()
        taken: list[float] = []

        async def observe(line: Line, one: bytes) -> None:
            while time.perf_counter() - started < seconds:
                await asyncio.sleep(PAUSE_SECONDS)
                before = time.perf_counter()
                await line.ask(one)
                taken.append(time.perf_counter() - before)

        async def repeat(line: Line, one: bytes) -> int:
            times = 0
            while time.perf_counter() - started < seconds:
                await line.ask(one)
                times += 1
            return times

        others = [asyncio.create_task(repeat(line, one)) for line, one in zip(opened, storm, strict=False)]
        await asyncio.gather(*map(observe, opened[len(storm) :], asked))
        done = sum(await asyncio.gather(*others))
        return taken, done / (time.perf_counter() - started)
