"""What one process does besides answering: it writes down who was seen, and keeps an embedded database running."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from revenge_adapters.boottime import boottime
from revenge_adapters.chores import at_most, survives
from revenge_adapters.postgres.feed import TRUSTED_SECONDS
from revenge_core.cache.ports import FeedView
from revenge_core.feed import Change

LAST_CHANCE_SECONDS: Final = 2.0

WATCH_SECONDS: Final = 0.15
SUSPICIOUS_SECONDS: Final = 0.65
"""The feed is followed every half second; one missed look is a reason to see whether the database lives (R31)."""
RETRY_SECONDS: Final = 1.0

_log = logging.getLogger("revenge.background")


async def keep_house(chore: Callable[[], Awaitable[object]], *, every: float) -> None:
    """Do the chore every so many seconds, whatever fails; once more, briefly, when told to stop."""
    try:
        while True:
            await asyncio.sleep(every)
            await survives(chore)
    finally:
        async with at_most(LAST_CHANCE_SECONDS):
            await survives(chore)


async def keep_loaded(feed: FeedView, change: Change, load: Callable[[], Awaitable[object]]) -> None:
    """Load again whenever the feed announces `change`, or says that anything may have changed."""
    announced = asyncio.Event()
    feed.subscribe(lambda known: announced.set() if known is None or known == change else None)
    while True:
        await announced.wait()
        announced.clear()
        await survives(load)


async def keep_running(ensure_running: Callable[[], bool], feed: FeedView) -> None:
    """Bring the embedded database back when the feed goes quiet: within 2 s of the loss (rulings R31)."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        if feed.is_fresh(boottime() + TRUSTED_SECONDS - SUSPICIOUS_SECONDS):
            continue
        try:
            if await _to_its_end(ensure_running):
                _log.warning("the embedded database had stopped; it was started again")
        except Exception:  # noqa: BLE001 -- a process outlives the defects of its chores
            _log.exception("the embedded database cannot be started; trying again")
            await asyncio.sleep(RETRY_SECONDS)


async def _to_its_end(work: Callable[[], bool]) -> bool:
    """Run `work` in a thread; cancelled, wait for it all the same: it must not start what is being stopped."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    finally:
        await asyncio.wait([task])
