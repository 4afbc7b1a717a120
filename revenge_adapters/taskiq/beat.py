"""Renewing the worker's lease, from a thread of its own: a handler that blocks the event loop loses no job at once."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final, TypeAlias

from revenge_adapters.chores import at_most
from revenge_adapters.meter import Meter
from revenge_core.errors import Unavailable
from revenge_core.jobs.ports import JobStore

OpenStore: TypeAlias = Callable[[], AbstractAsyncContextManager[JobStore]]
"""Opens a store for the event loop that runs at the moment."""

BLOCKED_WARNING: Final = timedelta(seconds=5)
BLOCKED_TOO_LONG: Final = timedelta(minutes=1)
"""A loop that did nothing for so long hangs; then the lease runs out and others take over."""
LOOK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 1.0

_log = logging.getLogger("revenge.jobs")


class Beat:
    """Beats four times per lease. `lost` is called in the worker's loop when the lease had run out."""

    def __init__(
        self, open_store: OpenStore, worker_id: str, *, lease: timedelta, lost: Callable[[], object], meter: Meter
    ) -> None:
        self._open_store = open_store
        self._worker_id = worker_id
        self._interval = lease.total_seconds() / 4
        self._lost = lost
        self._meter = meter
        self._pulse = time.monotonic()
        self._warned = False
        self._worker_loop: asyncio.AbstractEventLoop | None = None
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, for the event loop that runs at the moment."""
        self._worker_loop = asyncio.get_running_loop()
        self._own_loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self.pulse()
        self._thread = threading.Thread(target=self._run, args=[self._own_loop], name="revenge beat", daemon=True)
        self._thread.start()

    def pulse(self) -> None:
        """The worker's loop is alive; it says so every second."""
        self._pulse = time.monotonic()

    async def stop(self) -> None:
        """End; no beat comes afterwards."""
        if self._thread is not None and self._own_loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self._own_loop.call_soon_threadsafe(self._stopped.set)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._beat_until_stopped())

    async def _beat_until_stopped(self) -> None:
        complained = False
        while not self._stopped.is_set():
            try:
                async with self._open_store() as store:
                    await self._beat_on(store)
            except Unavailable:
                if not complained:
                    _log.warning("the worker's lease cannot be renewed while the database is away")
                complained = True
            except Exception:  # noqa: BLE001 -- without beats the jobs are lost
                _log.exception("the worker's lease cannot be renewed; trying again")
            await self._pause(RETRY_SECONDS)

    async def _beat_on(self, store: JobStore) -> None:
        due = time.monotonic() + self._interval
        while await self._pause(due - time.monotonic()):
            if self._is_blocked():
                due = time.monotonic() + LOOK_SECONDS
                continue
            late = max(0.0, time.monotonic() - due)
            if not await store.beat(self._worker_id):
                self._say_lost()
            self._meter.beat(late)
            due += max(self._interval, time.monotonic() - due)

    async def _pause(self, seconds: float) -> bool:
        """Wait; False if told to stop."""
        async with at_most(max(0.0, seconds)):
            await self._stopped.wait()
        return not self._stopped.is_set()

    def _is_blocked(self) -> bool:
        quiet = timedelta(seconds=time.monotonic() - self._pulse)
        if quiet < BLOCKED_WARNING:
            self._warned = False
        elif not self._warned:
            self._warned = True
            _log.warning(
                "the event loop has not moved for %d s: a handler computes on it, or waits without `await`",
                quiet.total_seconds(),
            )
        return quiet > BLOCKED_TOO_LONG

    def _say_lost(self) -> None:
        if self._worker_loop is not None:
            try:
                self._worker_loop.call_soon_threadsafe(self._lost)
            except RuntimeError:  # closed without a stop: the process is on its way out
                self._stopped.set()
