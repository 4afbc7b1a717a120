"""Keeping the queue going is left to workers with a database."""

from collections.abc import Sequence
from datetime import timedelta

from typing_extensions import override

from revenge_core.background import Schedule
from revenge_core.jobs.entities import JobRules, Promoted
from revenge_core.jobs.ports import JobUpkeep


class NoUpkeep(JobUpkeep):
    """Never leads, and finds nothing to do: a stream worker sees only what relays hand on."""

    @override
    async def lead(self, worker_id: str, lease: timedelta) -> bool:
        return False

    @override
    async def promote(self) -> Promoted:
        return Promoted()

    @override
    async def rescue(self, rules: JobRules) -> tuple[int, ...]:
        return ()

    @override
    async def clean(self, rules: JobRules, *, limit: int = 1000) -> int:
        return 0

    @override
    async def declare(self, schedules: Sequence[Schedule]) -> None:
        """Relays' processes do."""

    @override
    async def tick(self) -> tuple[int, ...]:
        return ()
