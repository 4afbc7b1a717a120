"""Hints to workers, inside one process."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager

from typing_extensions import override

from revenge_adapters.listeners import Listeners
from revenge_core.jobs.entities import Signal
from revenge_core.jobs.ports import WakeUps


class MemoryWakeUps(WakeUps):
    """Signals arrive at once, and none gets lost. All who listen belong to one event loop."""

    def __init__(self) -> None:
        self._listeners = Listeners()

    @override
    def send(self, signals: Iterable[Signal]) -> None:
        self._listeners.deliver(signals)

    @override
    def listen(self) -> AbstractAsyncContextManager[AsyncIterator[Signal]]:
        return self._listeners.listen()
