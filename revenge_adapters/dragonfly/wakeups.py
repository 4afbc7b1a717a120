"""Signals between processes over a channel of Dragonfly. Who misses one finds the same by looking."""

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from typing_extensions import override

from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.listeners import CarriedWakeUps
from revenge_core.entity import Entity
from revenge_core.jobs.entities import Signal

TOPIC: Final = "jobs"


class Call(Entity, kw_only=True):
    """One message on the channel."""

    sender: str
    signals: tuple[Signal, ...]


def encoded(envelopes: Envelopes, channel: str, sender: str, signals: Sequence[Signal]) -> bytes:
    """The message that says them."""
    return envelopes.seal(channel, Call(sender=sender, signals=tuple(signals)))


class RedisWakeUps(CarriedWakeUps):
    """Listens on a connection of its own; where nobody is going to listen, say `listen=False`."""

    def __init__(self, client: RedisClient, envelopes: Envelopes, *, topic: str = TOPIC, listen: bool = True) -> None:
        super().__init__(listen=listen)
        self._client = client
        self._envelopes = envelopes
        self._channel = envelopes.name(topic)
        self._sender = uuid4().hex

    @override
    async def _publish(self, signals: Sequence[Signal]) -> None:
        await self._client.do("PUBLISH", self._channel, encoded(self._envelopes, self._channel, self._sender, signals))

    @override
    async def _follow(self) -> None:
        async with self._client.subscribed(self._channel) as heard:
            self._reached()
            while True:
                self._take(await heard())

    def _take(self, message: bytes) -> None:
        """Repetitions are let through: a signal makes somebody look, and nothing more."""
        call = self._envelopes.open(self._channel, message, Call)
        if call is not None and call.sender != self._sender:
            self._listeners.deliver(call.signals)
