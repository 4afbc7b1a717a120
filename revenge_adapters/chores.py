"""Work that goes on beside other work, and outlives what goes wrong in it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from revenge_core.errors import Unavailable

T = TypeVar("T")

TELL_AGAIN_SECONDS: Final = 2.0
"""So long may cleaning up take undisturbed."""

_log = logging.getLogger("revenge.background")


async def survives(chore: Callable[[], Awaitable[T]]) -> T | None:
    """Do it; None if it failed, which the next time may not."""
    try:
        return await chore()
    except Unavailable:
        _log.debug("what a chore needs is away; it waits")
    except Exception:  # noqa: BLE001 -- a process outlives the defects of its chores
        _log.exception("a chore failed; it is done again")
    return None


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None], name: str) -> AsyncGenerator[None]:
    """`work` goes on beside the block; afterwards it is cancelled and awaited."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await ended(task)


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel these tasks and wait until they have ended, for whatever reason.

    They are told as often as it takes: Python 3.11's `wait_for`, with which psycopg waits for a connection of its pool,
    loses a cancellation that comes in the same moment as the connection. What goes on for ever would never end.
    """
    cancelled: asyncio.CancelledError | None = None
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        try:
            await asyncio.wait(left, timeout=TELL_AGAIN_SECONDS)
        except asyncio.CancelledError as error:
            cancelled = error  # it is us who are to end; first nothing of the tasks may be left
    if cancelled is not None:
        raise cancelled


@asynccontextmanager
async def at_most(seconds: float) -> AsyncGenerator[None]:
    """Give up on the block after so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            yield
