"""Those in one process who wait for signals about jobs, and what all adapters do that carry these to others."""

import asyncio
import logging
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from typing_extensions import override

from revenge_adapters.chores import at_most, ended
from revenge_core.background import Queue
from revenge_core.errors import Unavailable
from revenge_core.jobs.entities import Signal, SignalKind
from revenge_core.jobs.ports import WakeUps

EVERYTHING: Final = (
    *(Signal(kind=SignalKind.AVAILABLE, key=queue) for queue in Queue),
    Signal(kind=SignalKind.SCHEDULED),
)
"""What may have been missed in a gap. Who wants which job cancelled is asked from time to time anyway."""

TOGETHER_SECONDS: Final = 0.005
"""The first signal goes out at once; what comes up to so long after it goes out together."""
LAST_CHANCE_SECONDS: Final = 0.5
"""How long leaving waits until the last signals are out."""
RECONNECT_SECONDS: Final = 0.5

_log = logging.getLogger("revenge.wakeups")


class Listeners:
    """Hands signals to everybody who listens. For the tasks of one event loop."""

    def __init__(self) -> None:
        self._mailboxes: set[_Mailbox] = set()

    def deliver(self, signals: Iterable[Signal]) -> None:
        """Give them to everybody; one that somebody has not taken yet is not given to them twice."""
        told = tuple(signals)
        for mailbox in self._mailboxes:
            mailbox.put(told)

    @asynccontextmanager
    async def listen(self) -> AsyncGenerator[AsyncIterator[Signal]]:
        """The signals that are delivered from now on."""
        mailbox = _Mailbox()
        self._mailboxes.add(mailbox)
        try:
            yield mailbox
        finally:
            self._mailboxes.remove(mailbox)


class _Mailbox(AsyncIterator[Signal]):
    """What one listener has not taken yet, in order of arrival."""

    def __init__(self) -> None:
        self._waiting: dict[Signal, None] = {}
        self._arrived = asyncio.Event()

    def put(self, signals: tuple[Signal, ...]) -> None:
        self._waiting.update(dict.fromkeys(signals))
        self._arrived.set()

    @override
    async def __anext__(self) -> Signal:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        signal = next(iter(self._waiting))
        del self._waiting[signal]
        return signal


class CarriedWakeUps(WakeUps):
    """What adapters share that carry signals between processes: they say how to `_publish`, and how to `_follow`.

    Publishes in the background, all that came together at once. Whoever listens in this process hears its own signals
    directly, so with the carrier gone a process still wakes itself. `start` it on the event loop that uses it; with
    `listen=False` others are not heard.
    """

    def __init__(self, *, listen: bool) -> None:
        self._listens = listen
        self._listeners = Listeners()
        self._outgoing: dict[Signal, None] = {}
        self._pending = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._lost = False
        self._tasks: list[asyncio.Task[None]] = []

    @abstractmethod
    async def _publish(self, signals: Sequence[Signal]) -> None:
        """Tell other processes.

        Raises:
            Unavailable: whatever carries signals is away.
        """

    @abstractmethod
    async def _follow(self) -> None:
        """Connect, say `_reached`, and deliver to `_listeners` what others say, for as long as the connection lives.

        Raises:
            Unavailable: it cannot be made, or broke.
        """

    async def start(self) -> None:
        """Publish and listen from now on. Returns at once, whether the carrier is there or not."""
        self._tasks.append(asyncio.create_task(self._publish_on(), name="revenge wake-ups out"))
        if self._listens:
            self._tasks.append(asyncio.create_task(self._follow_on(), name="revenge wake-ups in"))

    async def close(self) -> None:
        """Send what is left, if that is quick, and stop."""
        async with at_most(LAST_CHANCE_SECONDS if self._tasks else 0):
            await self._idle.wait()
        await ended(*self._tasks)
        self._tasks.clear()

    @override
    def send(self, signals: Iterable[Signal]) -> None:
        told = dict.fromkeys(signals)
        if told:
            self._listeners.deliver(told)
            self._outgoing |= told
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
                await self._publish(signals)
            except Unavailable as problem:
                _log.debug("signals were not sent; others find the jobs by looking (%s)", problem.detail)
            except Exception:  # noqa: BLE001 -- a program outlives the defects of its hints
                _log.exception("signals were not sent")
            if not self._outgoing:
                self._idle.set()
            await asyncio.sleep(TOGETHER_SECONDS)

    async def _follow_on(self) -> None:
        while True:
            try:
                await self._follow()
            except Unavailable as problem:
                if not self._lost:
                    _log.warning("wake-ups lost, jobs start by looking once a second (%s)", problem.detail)
            except Exception:  # noqa: BLE001 -- as above
                _log.exception("wake-ups failed; trying again")
            self._lost = True
            await asyncio.sleep(RECONNECT_SECONDS)

    def _reached(self) -> None:
        """Others are heard from now on. What they said before, nobody knows."""
        if self._lost:
            _log.info("wake-ups are heard again")
        self._lost = False
        self._listeners.deliver(EVERYTHING)
