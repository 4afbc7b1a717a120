"""Whether background work gets done, as readiness shows it (decisions P7)."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from typing_extensions import override

from revenge_core.clock import Clock
from revenge_core.errors import RevengeError
from revenge_core.health.entities import Check, Status
from revenge_core.health.ports import Probe
from revenge_core.jobs.entities import QueueInfo
from revenge_core.jobs.ports import JobReader

BUDGET_SECONDS: Final = 1.8
"""Less than the two seconds that a probe may take."""
OVERDUE: Final = timedelta(minutes=5)


class JobsProbe(Probe):
    """Degraded where a queue that is not paused waits for too long. People are served all the same, so never worse."""

    def __init__(self, reader: JobReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    @override
    async def check(self) -> Check:
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                queues = await self._reader.queues()
        except (RevengeError, OSError, TimeoutError):
            return Check(name="jobs", status=Status.DEGRADED, message="the queue cannot be looked at")
        now = self._clock.now()
        late = [queue for queue in queues if _waits_since(queue, before=now - OVERDUE)]
        details: dict[str, str | int | float | bool] = {
            f"{queue.name}.oldest_seconds": round((now - queue.oldest_available_at).total_seconds(), 1)
            for queue in queues
            if queue.oldest_available_at is not None
        }
        if not late:
            return Check(name="jobs", status=Status.HEALTHY, details=details)
        idle = [queue.name for queue in late if queue.workers == 0]
        what = f"no worker serves {', '.join(idle)}" if idle else f"work waits in {', '.join(one.name for one in late)}"
        return Check(name="jobs", status=Status.DEGRADED, message=what, details=details)


def _waits_since(queue: QueueInfo, *, before: datetime) -> bool:
    return queue.paused_at is None and queue.oldest_available_at is not None and queue.oldest_available_at < before
