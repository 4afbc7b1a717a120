"""Calls an ASGI application directly: no sockets, no second process, every microsecond is the application's (R34)."""

import asyncio
import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from litestar.types import ASGIApp


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one request costs, in microseconds: of this process's processor, and by the clock."""

    cpu: float
    wall: float


@dataclass(frozen=True, kw_only=True)
class Target:
    """One path of one application. Each request takes the next of `tokens`, over and over."""

    app: ASGIApp
    path: str
    tokens: Sequence[str] = field(default=("",))

    async def cost(self, requests: int, *, concurrency: int = 1) -> Cost:
        """The mean over so many requests, made by so many tasks."""
        headers = [_headers(token) for token in self.tokens]
        share = requests // concurrency
        gc.collect()
        gc.freeze()
        wall, cpu = time.perf_counter(), time.process_time()
        if concurrency == 1:
            await self._client(headers, range(share))
        else:
            async with asyncio.TaskGroup() as clients:
                for number in range(concurrency):
                    clients.create_task(self._client(headers, range(number * share, (number + 1) * share)))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        gc.unfreeze()
        made = share * concurrency
        return Cost(cpu=cpu / made * 1e6, wall=wall / made * 1e6)

    async def _client(self, headers: Sequence[list[tuple[bytes, bytes]]], numbers: range) -> None:
        statuses: list[int] = []

        async def send(message: Any) -> None:  # noqa: ANN401 -- Litestar's union of closed dictionaries
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        app: Any = self.app
        for number in numbers:
            await app(_scope(self.path, headers[number % len(headers)]), _no_body, send)
        if statuses != [200] * len(numbers):
            raise RuntimeError(f"{self.path} answered {set(statuses)}")


def _scope(path: str, headers: list[tuple[bytes, bytes]]) -> dict[str, object]:
    """What a server makes for each request, anew. `path` may have a query."""
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8096),
        "client": ("127.0.0.1", 50123),
        "scheme": "http",
        "method": "GET",
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers.copy(),
        "state": {},
    }


async def _no_body() -> dict[str, object]:
    return {"type": "http.request", "body": b"", "more_body": False}


def _headers(token: str) -> list[tuple[bytes, bytes]]:
    """What a client sends: the same for every application."""
    headers = [
        (b"host", b"127.0.0.1:8096"),
        (b"user-agent", b"revenge-bench/1"),
        (b"accept", b"*/*"),
        (b"accept-encoding", b"gzip, deflate, br"),
    ]
    return [*headers, (b"authorization", b"Bearer " + token.encode())] if token else headers
