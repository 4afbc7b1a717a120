"""Signals between processes over a channel of Dragonfly. Who misses one finds the same by looking."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import uuid4

import msgspec
from typing_extensions import override

from revenge_adapters.dragonfly.client import Backoff, RedisClient
from revenge_adapters.dragonfly.errors import CacheUnavailable
from revenge_adapters.listeners import EVERYTHING, Listeners
from revenge_core.entity import Entity
from revenge_core.jobs.entities import Signal
from revenge_core.jobs.ports import WakeUps

CHANNEL: Final = "revenge:jobs"
LAST_CHANCE_SECONDS: Final = 0.5
"""How long leaving waits until the last signals are out."""

_log = logging.getLogger("revenge.wakeups")


class Call(Entity, kw_only=True):
    """One message on the channel."""

    sender: str
    signals: tuple[Signal, ...]


def encoded(sender: str, signals: tuple[Signal, ...]) -> bytes:
    """The message that says them."""
    return msgspec.json.encode(Call(sender=sender, signals=signals))


class RedisWakeUps(WakeUps):
    """Publishes in the background, all that came together at once; listens on a connection of its own.

    Whoever listens in this process hears its own signals directly, so with the server gone a process still wakes
    itself. `start` it on the event loop that uses it; where nobody is going to listen, say `listen=False`.
    """

    def __init__(self, client: RedisClient, *, channel: str = CHANNEL, listen: bool = True) -> None:
        self._client = client
        self._listen = listen
        self._channel = channel
        self._sender = uuid4().hex
        self._listeners = Listeners()
        self._outgoing: dict[Signal, None] = {}
        self._pending = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen and publish from now on. Returns at once, whether the server is there or not."""
        self._tasks.append(asyncio.create_task(self._publish_on(), name="revenge wake-ups out"))
        if self._listen:
            self._tasks.append(asyncio.create_task(self._listen_on(), name="revenge wake-ups in"))

    async def close(self) -> None:
        """Send what is left, if that is quick, and stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_CHANCE_SECONDS if self._tasks else 0):
                await self._idle.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    @override
    def send(self, signals: Iterable[Signal]) -> None:
        told = tuple(signals)
        if not told:
            return
        self._listeners.deliver(told)
        self._outgoing.update(dict.fromkeys(told))
        self._idle.clear()
        self._pending.set()

    @override
    def listen(self) -> AbstractAsyncContextManager[AsyncIterator[Signal]]:
        return self._listeners.listen()

    async def _publish_on(self) -> None:
        while True:
            await self._pending.wait()
            self._pending.clear()
            signals, self._outgoing = tuple(self._outgoing), {}
            try:
                await self._client.do("PUBLISH", self._channel, encoded(self._sender, signals))
            except CacheUnavailable as problem:
                _log.debug("signals were not published; others find the jobs by looking (%s)", problem.detail)
            except Exception:  # noqa: BLE001 -- the same
                _log.exception("signals were not published")
            if not self._outgoing:
                self._idle.set()

    async def _listen_on(self) -> None:
        backoff, lost = Backoff(), False
        while True:
            try:
                async with self._client.subscribed(self._channel) as heard:
                    if lost:
                        _log.info("wake-ups are heard again")
                    lost = False
                    backoff.reached()
                    self._listeners.deliver(EVERYTHING)
                    while True:
                        self._take(await heard())
            except CacheUnavailable as problem:
                if not lost:
                    _log.warning("wake-ups lost, jobs start by looking once a second (%s)", problem.detail)
                lost = True
            except Exception:  # noqa: BLE001 -- a worker outlives the defects of its hints
                _log.exception("wake-ups failed; trying again")
                lost = True
            await backoff.wait()

    def _take(self, message: bytes) -> None:
        try:
            call = msgspec.json.decode(message, type=Call)
        except msgspec.MsgspecError:
            _log.warning("what was published on %s is no signal; is somebody else using the channel?", self._channel)
            return
        if call.sender != self._sender:
            self._listeners.deliver(call.signals)
