"""What is measured of every queue alike: each in a process of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

EFFECT_TABLE: Final = "CREATE TABLE IF NOT EXISTS public.effects (id bigserial PRIMARY KEY, payload text NOT NULL)"
PATIENCE_SECONDS: Final = 120.0


@dataclass
class Watch:
    """Counts handled jobs, and notes when the first and the last began."""

    expected: int
    handled: int = 0
    first: float = 0.0
    last: float = 0.0
    everything: asyncio.Event = field(default_factory=asyncio.Event)

    def tick(self) -> None:
        """A job was handled."""
        self.last = time.perf_counter()
        if not self.handled:
            self.first = self.last
        self.handled += 1
        if self.handled == self.expected:
            self.everything.set()

    async def rate(self) -> float:
        """Jobs per second from the first to the last."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.everything.wait()
        return (self.handled - 1) / (self.last - self.first)


class Queue(Protocol):
    """One system under measurement."""

    async def drain(self, jobs: int, concurrency: int, *, effect: bool) -> float:
        """Jobs per second that one worker gets through, that were there before; with `effect` each inserts a row."""
        ...

    async def enqueue(self, jobs: int, connections: int) -> float:
        """Jobs per second, each in a transaction of its own."""
        ...

    async def idle(self, samples: int) -> list[float]:
        """Milliseconds from enqueuing to the handler's start, while there is nothing else to do."""
        ...


async def latencies(
    samples: int, enqueue: Callable[[], Awaitable[object]], started: "asyncio.Queue[float]"
) -> list[float]:
    """Enqueue one at a time, a moment after the one before was handled."""
    found: list[float] = []
    for _ in range(samples + 5):
        await asyncio.sleep(0.02)
        before = time.perf_counter()
        await enqueue()
        async with asyncio.timeout(PATIENCE_SECONDS):
            found.append(1000 * (await started.get() - before))
    return found[5:]


async def by_many(jobs: int, connections: int, enqueue: Callable[[], Awaitable[object]]) -> float:
    """Jobs per second of so many tasks at a time."""

    async def some(count: int) -> None:
        for _ in range(count):
            await enqueue()

    await some(20)
    began = time.perf_counter()
    await asyncio.gather(*(some(jobs // connections) for _ in range(connections)))
    return jobs // connections * connections / (time.perf_counter() - began)
