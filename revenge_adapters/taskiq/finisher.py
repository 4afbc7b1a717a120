"""Storing how runs ended: many in one transaction, again and again until it is done."""

import asyncio
import logging
import time
from collections.abc import Sequence
from itertools import islice
from typing import Final

from revenge_adapters.ends import store_ends
from revenge_adapters.meter import Meter
from revenge_core.errors import Unavailable
from revenge_core.jobs.entities import Finish, JobKey
from revenge_core.jobs.ports import JobStore

LINGER_SECONDS: Final = 0.005
"""An end waits so long for others to come along: it steadies the rate under load and costs nobody anything."""
BATCH: Final = 1000
FULL: Final = 5000
"""With so many ends waiting, no more jobs are claimed."""
RETRY_SECONDS: Final = 0.05
LONGEST_RETRY_SECONDS: Final = 2.0
COMPLAIN_SECONDS: Final = 10.0

_log = logging.getLogger("revenge.jobs")


class Finisher:
    """Keeps every end until the store has it. While the database is away that is as long as it takes."""

    def __init__(self, store: JobStore, meter: Meter) -> None:
        self._store = store
        self._meter = meter
        self._waiting: dict[JobKey, Finish] = {}
        self._some = asyncio.Event()
        self._none = asyncio.Event()
        self._none.set()

    @property
    def is_full(self) -> bool:
        """Whether it is time to claim no more."""
        return len(self._waiting) >= FULL

    def keys(self) -> frozenset[JobKey]:
        """The runs whose end is not stored yet."""
        return frozenset(self._waiting)

    def add(self, finish: Finish) -> None:
        """Store this soon."""
        self._waiting[finish.key] = finish
        self._some.set()
        self._none.clear()

    async def flushed(self) -> None:
        """Wait until everything is stored."""
        await self._none.wait()

    async def run(self) -> None:
        """Store what comes, until cancelled."""
        pause, complained = RETRY_SECONDS, float("-inf")
        while True:
            await self._some.wait()
            await asyncio.sleep(LINGER_SECONDS)
            batch = list(islice(self._waiting.values(), BATCH))
            try:
                await store_ends(self._store_some, batch)
            except Unavailable as problem:
                self._put_behind(batch)
                if complained + COMPLAIN_SECONDS < time.monotonic():
                    complained = time.monotonic()
                    _log.warning("the ends of %d jobs wait for the database: %s", len(batch), problem.detail)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_RETRY_SECONDS)
            else:
                self._forget(batch)
                pause = RETRY_SECONDS
            if not self._waiting:
                self._some.clear()
                self._none.set()

    def _put_behind(self, batch: Sequence[Finish]) -> None:
        """It may be some of these only that cannot be stored now: others are not to wait for them."""
        for finish in batch:
            if self._waiting.pop(finish.key, None) is not None:
                self._waiting[finish.key] = finish

    async def _store_some(self, some: Sequence[Finish]) -> None:
        began = time.monotonic()
        await self._store.finish(some)
        self._forget(some)
        self._meter.stored(len(some), time.monotonic() - began)

    def _forget(self, settled: Sequence[Finish]) -> None:
        for finish in settled:
            self._waiting.pop(finish.key, None)
