"""What keeps the queue going: ticks in every worker; promoting, rescuing and cleaning in the one that leads."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from revenge_adapters.chores import at_most, beside, survives
from revenge_adapters.meter import Meter
from revenge_core.jobs.entities import JobRules
from revenge_core.jobs.ports import JobUpkeep
from revenge_core.jobs.service import Handlers

EVERY_SECONDS: Final = 1.0
SHORTEST_PAUSE_SECONDS: Final = 0.02
"""Many jobs that are due one after the other are promoted together."""
LEADERSHIP: Final = timedelta(seconds=5)
RESCUE_SECONDS: Final = 5.0
CLEAN_SECONDS: Final = 30.0
CLEANED_AT_ONCE: Final = 1000
DECLARE_SECONDS: Final = 3600.0
"""Declared again now and then: what nobody declares any more does not tick for long (`policy.DECLARED_FOR`)."""

_log = logging.getLogger("revenge.jobs")


class Upkeep:
    """One worker's part in it. `wake` is called with queues in which jobs became available."""

    def __init__(
        self,
        upkeep: JobUpkeep,
        handlers: Handlers,
        rules: JobRules,
        worker_id: str,
        wake: Callable[..., object],
        meter: Meter,
    ) -> None:
        self._upkeep = upkeep
        self._handlers = handlers
        self._rules = rules
        self._worker_id = worker_id
        self._wake = wake
        self._meter = meter
        self._scheduled = asyncio.Event()
        self._leads_until = 0.0
        self._next: dict[str, float] = {}

    def look(self) -> None:
        """A job was scheduled, perhaps sooner than those before."""
        self._scheduled.set()

    async def run(self) -> None:
        """Keep house until cancelled."""
        async with beside(self._lead_on(), "revenge job leader"), beside(self._clean_on(), "revenge job cleaning"):
            await self._tick_on()

    async def _tick_on(self) -> None:
        due = time.monotonic()
        while True:
            if self._is_time("declare", DECLARE_SECONDS):
                declared = await survives(self._declare)
                if not declared:
                    self._next.pop("declare")
            late = time.monotonic() - due
            ids = await survives(self._upkeep.tick)
            self._meter.ticked(len(ids or ()), late)
            due = max(due + EVERY_SECONDS, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def _declare(self) -> bool:
        await self._upkeep.declare(self._handlers.schedules)
        return True

    async def _lead_on(self) -> None:
        while True:
            pause = await survives(self._lead)
            if pause is None or not self._leads_until:
                await asyncio.sleep(EVERY_SECONDS)
            else:
                await self._wait(pause)

    async def _lead(self) -> float:
        """Do what a leader has to do now; in how many seconds to come again."""
        if not await self._leads():
            return EVERY_SECONDS
        promoted = await self._upkeep.promote()
        if promoted.queues:
            self._wake(*promoted.queues)
        if self._is_time("rescue", RESCUE_SECONDS):
            await self._rescue()
        if promoted.next_in is None:
            return EVERY_SECONDS
        return min(EVERY_SECONDS, max(SHORTEST_PAUSE_SECONDS, promoted.next_in.total_seconds()))

    async def _clean_on(self) -> None:
        """Beside all else: a million finished jobs take a quarter of a minute, in which others become due."""
        while True:
            if self._leads_now() and self._is_time("clean", CLEAN_SECONDS):
                await survives(self._clean)
            await asyncio.sleep(EVERY_SECONDS)

    async def _clean(self) -> None:
        cleaned = CLEANED_AT_ONCE
        while cleaned >= CLEANED_AT_ONCE and self._leads_now():
            cleaned = await self._upkeep.clean(self._rules, limit=CLEANED_AT_ONCE)

    def _leads_now(self) -> bool:
        return time.monotonic() < self._leads_until

    async def _leads(self) -> bool:
        """Whether it is this worker; asked again when half of the leadership is over."""
        asked = time.monotonic()
        if asked + LEADERSHIP.total_seconds() / 2 < self._leads_until:
            return True
        leads = await self._upkeep.lead(self._worker_id, LEADERSHIP)
        self._leads_until = asked + LEADERSHIP.total_seconds() if leads else 0.0
        return leads

    async def _rescue(self) -> None:
        rescued = await self._upkeep.rescue(self._rules)
        if rescued:
            _log.warning("took %d jobs from workers that were lost or did not stop them in time", len(rescued))
            self._meter.rescued(len(rescued))
            self._wake()

    def _is_time(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every
        return True

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(SHORTEST_PAUSE_SECONDS)
        async with at_most(max(0.0, seconds - SHORTEST_PAUSE_SECONDS)):
            await self._scheduled.wait()
        self._scheduled.clear()
