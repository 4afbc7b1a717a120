"""Metrics of one process: counted from its start, and shown on a port of their own where one is set (decisions P8)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeAlias

from revenge_adapters.meter import CountedCache, Meter, NoMeter, QueueView
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.vitals import vitals
from revenge_adapters.wiring.errors import MetricsPortUnavailable
from revenge_adapters.wiring.settings import Settings
from revenge_core.clock import Clock
from revenge_core.jobs.ports import JobReader

ReadQueues: TypeAlias = Callable[[], Awaitable[QueueView]]


def reading(database: Database, reader: JobReader, clock: Clock) -> ReadQueues:
    """What the database knows of queues, at the moment of each call."""

    async def read() -> QueueView:
        return QueueView(
            now=clock.now().timestamp(),
            queues=await reader.queues(),
            counts=await reader.counts(),
            workers=len(await reader.workers()),
            vitals=await vitals(database),
        )

    return read


class Metrics:
    """Made before what it measures; without `metrics.port` it counts nothing and loads nothing."""

    def __init__(self, settings: Settings) -> None:
        self._host, self._port = settings.metrics.host, settings.metrics.port
        self.meter: Meter = NoMeter()
        if self._port is None:
            return
        from prometheus_client import CollectorRegistry

        from revenge_adapters.metrics_prometheus import PrometheusMeter

        self._registry = CollectorRegistry()
        self._prometheus = PrometheusMeter(self._registry)
        self.meter = self._prometheus

    @property
    def are_shown(self) -> bool:
        """Whether it is worth counting."""
        return self._port is not None

    def count(self, caches: Sequence[CountedCache]) -> None:
        """Tell of these caches, too."""
        if self.are_shown:
            from revenge_adapters.metrics_caches import CacheCounters

            self._registry.register(CacheCounters(caches))

    @asynccontextmanager
    async def shown(self, kinds: Iterable[str], read: ReadQueues | None = None) -> AsyncGenerator[None]:
        """Answer scrapers meanwhile; `kinds` are those that may become labels.

        `read` is for what the database knows; without it that is left out.

        Raises:
            MetricsPortUnavailable: somebody else has the port.
        """
        if self._port is None:
            yield
            return
        from revenge_adapters.metrics_prometheus import QueueGauges, listening

        self._prometheus.know(kinds)
        if read is not None:
            self._registry.register(QueueGauges(asyncio.get_running_loop(), read))
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(listening(self._host, self._port, self._registry))
            except OSError as problem:
                raise MetricsPortUnavailable(
                    f"Metrics cannot be shown at {self._host}:{self._port}: {problem.strerror}. Another process may "
                    "show its own there: give each a `metrics.port` of its own, or 0 for any that is free"
                ) from problem
            yield
