"""Counting requests of all servers together, in Dragonfly (decisions W5, rulings R9).

A key holds the time at which its client will have all of its burst again, in microseconds, and lives until then
(GCRA). `SET … NX` and `INCRBY` are each atomic, so that of two servers that count at the same time each sees what the
other counted. A refused request is taken back. Which client a key is about, the cache does not learn.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from redis.exceptions import ResponseError
from typing_extensions import override

from revenge_adapters.dragonfly.circuit import Circuit
from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.errors import CacheUnavailable
from revenge_adapters.limits import ProcessLimiter, step_of
from revenge_adapters.master_secret import derived_key
from revenge_core.clock import Clock
from revenge_core.limits.entities import Quota, Verdict
from revenge_core.limits.ports import RateLimiter
from revenge_core.secrets import Secret

BUDGET_SECONDS: Final = 0.1
"""What a request waits for the cache at most."""

_log = logging.getLogger("revenge.limits")


class DragonflyLimiter(RateLimiter):
    """Counts in this process as well, and asks the cache about what that would let through.

    Where the cache does not answer in time, this process's own count is what remains; after a pause, one request asks
    again.
    """

    def __init__(
        self,
        client: RedisClient,
        clock: Clock,
        master_secret: Secret,
        own: ProcessLimiter,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._clock = clock
        self._key = derived_key(master_secret, b"revenge limits v1", 32)
        self._own = own
        self._circuit = Circuit(
            _log,
            lost="the cache does not count requests (%s); each server counts for itself",
            found="the cache counts requests again",
            monotonic=monotonic,
        )

    @override
    async def take(self, key: str, quota: Quota) -> Verdict:
        verdict = self._own.count(key, quota)
        if not verdict.allowed or not self._circuit.may_ask():
            return verdict
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                shared = await self._shared(self._name(key), quota)
        except (CacheUnavailable, TimeoutError) as problem:
            self._circuit.failed(problem)
            return verdict
        self._circuit.answered()
        if shared is None:
            return verdict
        if not shared.allowed:
            self._own.put_back(key, quota)
        return shared

    async def _shared(self, name: str, quota: Quota) -> Verdict | None:
        """The verdict on one request among those of all servers; None where the cache holds nonsense.

        Raises:
            CacheUnavailable: it is not known.
        """
        step = max(1, step_of(quota) // 1000)
        window = step * quota.burst
        now = int(self._clock.now().timestamp() * 1e6)
        _, after = await self._client.do_all(
            [("SET", name, now, "PX", _milliseconds(step), "NX"), ("INCRBY", name, step)], refusals=True
        )
        if not isinstance(after, int | ResponseError):
            message = "it answers with something else than a count"
            raise CacheUnavailable(message)
        if isinstance(after, ResponseError) or after > now + window + _FAR * step * quota.burst:
            await self._client.do("DEL", name)
            return None
        if after <= now:  # it should have gone meanwhile, or did between the two commands
            after = now + step
            await self._client.do("SET", name, after, "PX", _milliseconds(step))
        spare = now + window - after
        if spare < 0:
            await self._client.do("DECRBY", name, step)
            return _refused(after - step - now, -spare)
        if after - now > step:
            await self._client.do("PEXPIRE", name, _milliseconds(after - now), "GT")
        return Verdict(allowed=True, remaining=spare // step, reset_after=(after - now) / 1e6)

    def _name(self, key: str) -> str:
        return "revenge:limit:" + blake2b(key.encode("utf-8", "replace"), key=self._key, digest_size=16).hexdigest()


_FAR: Final = 100
"""Servers that refuse at the same moment count above the window, and take back; no more than so many bursts of them."""


def _milliseconds(microseconds: int) -> int:
    return -(-microseconds // 1000)


def _refused(full_after: int, retry_after: int) -> Verdict:
    return Verdict(allowed=False, remaining=0, reset_after=full_after / 1e6, retry_after=retry_after / 1e6)
