"""Which of several relays hands jobs on."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from revenge_adapters.boottime import boottime
from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.streams import PRIORITIES, Keys

LEADS_FOR: Final = 0.5
"""Share of the lease after which another relay takes over from one that is gone."""
GARBAGE_AFTER: Final = 3
"""So many leases after an entry was made nobody wants it any more; relays take theirs back long before."""


class Leadership:
    """Held for half a lease from each `renew` on. Two who believe to hold it hand on a little more than they should."""

    def __init__(
        self, client: RedisClient, keys: Keys, relay_id: str, *, queues: Collection[str], lease: timedelta
    ) -> None:
        self.gained = asyncio.Event()
        """Set from the moment on at which it was gained, until another relay has it."""
        self._client = client
        self._keys = keys
        self._relay_id = relay_id
        self._queues = tuple(queues)
        self._lease = lease.total_seconds()
        self._until = float("-inf")

    def holds(self) -> bool:
        """Whether it is this relay's now."""
        return boottime() < self._until

    async def renew(self) -> bool:
        """Hold it if nobody else does. False: the server had forgotten that this relay held it, and so perhaps more."""
        asked, millis = boottime(), int(self._lease * LEADS_FOR * 1000)
        key = self._keys.leader
        new, leader = await self._client.do_all([("SET", key, self._relay_id, "NX", "PX", millis), ("GET", key)])
        if leader != self._relay_id.encode():
            self._until = float("-inf")
            self.gained.clear()
            return True
        await self._client.do("SET", key, self._relay_id, "PX", millis)
        self._until = asked + millis / 1000
        forgotten = bool(new) and self.gained.is_set()
        if not self.gained.is_set():
            await self.trim()
        self.gained.set()
        return not forgotten

    async def trim(self) -> None:
        """Remove what was given to a worker that never deleted it, and that no living relay knows of."""
        if not self.holds():
            return
        seconds, _ = await self._client.do("TIME")
        oldest = int((int(seconds) - GARBAGE_AFTER * self._lease) * 1000)
        streams = (self._keys.queue(queue, priority) for queue in self._queues for priority in PRIORITIES)
        await self._client.do_all([("XTRIM", stream, "MINID", oldest) for stream in streams])

    async def resign(self) -> None:
        """Let others have it at once."""
        if self.holds():
            await self._client.do("DEL", self._keys.leader)
