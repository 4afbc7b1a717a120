"""What keeps the queue going: no part of it waits for another."""

import asyncio
from collections import Counter

from revenge_adapters.memory.jobs.upkeep import MemoryJobUpkeep
from revenge_adapters.memory.jobs.wakeups import MemoryWakeUps
from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.memory.tables import MemoryTables
from revenge_adapters.meter import NoMeter
from revenge_adapters.taskiq.upkeep import Upkeep
from revenge_core.jobs.entities import JobRules, Promoted
from revenge_core.jobs.service import Handlers


class Littered(MemoryJobUpkeep):
    """However much is cleaned, there is more."""

    def __init__(self) -> None:
        super().__init__(MemoryTables(), MemorySealer(), MemoryWakeUps())
        self.done = Counter[str]()
        self.enough = asyncio.Event()

    async def clean(self, rules: JobRules, *, limit: int = 1000) -> int:
        """As much as asked for."""
        self._count("clean")
        await asyncio.sleep(0.001)
        return limit

    async def promote(self) -> Promoted:
        """Nothing is due."""
        self._count("promote")
        return await super().promote()

    def _count(self, what: str) -> None:
        self.done[what] += 1
        if self.done["clean"] > 10 and self.done["promote"] > 2:
            self.enough.set()


async def test_while_a_great_many_jobs_are_cleaned_others_are_promoted() -> None:
    littered = Littered()
    handlers = Handlers(MemorySealer())
    upkeep = Upkeep(littered, handlers, JobRules(), "worker", lambda *_queues: None, NoMeter())
    running = asyncio.create_task(upkeep.run())
    async with asyncio.timeout(20):
        await littered.enough.wait()
    running.cancel()
