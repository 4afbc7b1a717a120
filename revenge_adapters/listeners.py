"""Those in one process who wait for signals about jobs, whatever carries signals between processes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from typing_extensions import override

from revenge_core.background import Queue
from revenge_core.jobs.entities import Signal, SignalKind

EVERYTHING: Final = (
    *(Signal(kind=SignalKind.AVAILABLE, key=queue) for queue in Queue),
    Signal(kind=SignalKind.SCHEDULED),
)
"""What may have been missed in a gap. Who wants which job cancelled is asked from time to time anyway."""


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
