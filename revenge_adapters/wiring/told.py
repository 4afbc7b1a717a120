"""What a process that runs for long is told meanwhile: to stop, and to stop at once."""

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine
from typing import Any, Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
HUNG: Final = 1

_log = logging.getLogger("revenge.process")


class Told:
    """What was said so far. The first signal says to stop, the second to stop at once.

    With `once` signals say the first thing only, however often they come: somebody else says the second.
    """

    def __init__(self, *, once: bool = False) -> None:
        self.to_stop = asyncio.Event()
        self.started = False
        """Set by the work. Before that there is nothing to finish, so to stop is to stop at once."""
        self._once = once
        self._work: asyncio.Task[None] | None = None

    async def obeyed_by(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work to its end, or until it is to stop at once, which cancels it."""
        loop = asyncio.get_running_loop()
        self._work = asyncio.create_task(work)
        numbers = _obeyed()
        for number in numbers:
            loop.add_signal_handler(number, self._signalled, number)
        try:
            await self._work
        except asyncio.CancelledError:
            if not self._work.cancelled():
                self._work.cancel()
                raise
            _log.warning("stopped at once")
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Finish what runs."""
        if not self.started and self._work is not None and not self._work.cancelling():
            self._work.cancel()
        self.to_stop.set()

    def stop_now(self, code: int = HUNG) -> None:
        """Finish nothing. Said once more, when something hangs on its way out, the process ends as it is."""
        if self._work is not None:
            if self._work.cancelling():
                os._exit(code)
            self._work.cancel()
        self.to_stop.set()

    def _signalled(self, number: int) -> None:
        if self.to_stop.is_set() and not self._once:
            self.stop_now(128 + number)
        else:
            self.stop()


def _obeyed() -> tuple[signal.Signals, ...]:
    """A closed terminal (SIGHUP) says to stop as well, except to a process that was started with `nohup`."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return SIGNALS
    return (*SIGNALS, signal.SIGHUP)
