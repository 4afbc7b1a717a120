"""Locks within one process, where nothing is shared with others."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from typing_extensions import override

from revenge_core.cache.ports import Locks


class ProcessLocks(Locks):
    """For the tasks of one event loop."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._held: dict[str, tuple[object, float]] = {}

    @override
    @asynccontextmanager
    async def held(self, name: str, *, at_most: timedelta) -> AsyncGenerator[bool]:
        holder, until = self._held.get(name, (None, 0.0))
        now = self._monotonic()
        if holder is not None and now < until:
            yield False
            return
        ours = (object(), now + at_most.total_seconds())
        self._held[name] = ours
        try:
            yield True
        finally:
            if self._held.get(name) is ours:
                del self._held[name]
