"""What readiness asks Dragonfly."""

import asyncio
from time import perf_counter
from typing import Final

from typing_extensions import override

from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.errors import CacheUnavailable
from revenge_core.health.entities import Check, Status
from revenge_core.health.ports import Probe

BUDGET_SECONDS: Final = 1.8
"""Less than the two seconds that a probe may take (decisions P7)."""


class CacheProbe(Probe):
    """Degraded where Dragonfly does not answer: jobs then begin up to a second later, and nothing else is different."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    @override
    async def check(self) -> Check:
        began = perf_counter()
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                pong = await self._client.do("PING")
        except (CacheUnavailable, TimeoutError):
            return Check(name="cache", status=Status.DEGRADED, message="the cache does not answer")
        if pong is not True:  # what the driver makes of +PONG
            return Check(name="cache", status=Status.DEGRADED, message="what answers is no cache")
        milliseconds = round((perf_counter() - began) * 1000, 1)
        return Check(name="cache", status=Status.HEALTHY, details={"milliseconds": milliseconds})
