"""Signals between processes over a channel of Dragonfly. Who misses one finds the same by looking."""

import logging
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

import msgspec
from typing_extensions import override

from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.listeners import CarriedWakeUps
from revenge_core.entity import Entity
from revenge_core.jobs.entities import Signal

CHANNEL: Final = "revenge:jobs"

_log = logging.getLogger("revenge.wakeups")


class Call(Entity, kw_only=True):
    """One message on the channel."""

    sender: str
    signals: tuple[Signal, ...]


def encoded(sender: str, signals: Sequence[Signal]) -> bytes:
    """The message that says them."""
    return msgspec.json.encode(Call(sender=sender, signals=tuple(signals)))


class RedisWakeUps(CarriedWakeUps):
    """Listens on a connection of its own; where nobody is going to listen, say `listen=False`."""

    def __init__(self, client: RedisClient, *, channel: str = CHANNEL, listen: bool = True) -> None:
        super().__init__(listen=listen)
        self._client = client
        self._channel = channel
        self._sender = uuid4().hex

    @override
    async def _publish(self, signals: Sequence[Signal]) -> None:
        await self._client.do("PUBLISH", self._channel, encoded(self._sender, signals))

    @override
    async def _follow(self) -> None:
        async with self._client.subscribed(self._channel) as heard:
            self._reached()
            while True:
                self._take(await heard())

    def _take(self, message: bytes) -> None:
        try:
            call = msgspec.json.decode(message, type=Call)
        except (msgspec.MsgspecError, RecursionError):
            _log.warning("what was published on %s is no signal; is somebody else using the channel?", self._channel)
            return
        if call.sender != self._sender:
            self._listeners.deliver(call.signals)
