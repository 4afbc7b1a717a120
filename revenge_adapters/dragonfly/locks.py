"""Locks that processes share, in Dragonfly."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from typing_extensions import override

from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.dragonfly.errors import CacheUnavailable
from revenge_core.cache.ports import Locks

BUDGET_SECONDS: Final = 0.5
"""How long taking or letting go of a lock may take: what waits for it is a chore, and goes on without."""
LET_GO: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
"""Our only script: a lock whose time is over may be somebody else's between a look and a deletion."""

_log = logging.getLogger("revenge.cache")


class DragonflyLocks(Locks):
    """Who finds the key free sets it, for a time and with a token that nobody else knows (`SET … NX PX`)."""

    def __init__(self, client: RedisClient, envelopes: Envelopes) -> None:
        self._client = client
        self._envelopes = envelopes

    @override
    @asynccontextmanager
    async def held(self, name: str, *, at_most: timedelta) -> AsyncGenerator[bool]:
        key, token = self._envelopes.name("lock", self._envelopes.digest(name)), secrets.token_hex(16)
        milliseconds = max(1, int(at_most.total_seconds() * 1000))
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                taken = await self._client.do("SET", key, token, "NX", "PX", milliseconds)
        except (CacheUnavailable, TimeoutError) as problem:
            _log.info("a lock cannot be asked for (%s): it is taken for ours", str(problem) or "no answer in time")
            taken = True
        try:
            yield taken is not None
        finally:
            if taken is not None:
                with suppress(CacheUnavailable, TimeoutError):
                    async with asyncio.timeout(BUDGET_SECONDS):
                        await self._client.do("EVAL", LET_GO, 1, key, token)
