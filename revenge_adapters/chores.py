"""Work that goes on beside other work, and outlives what goes wrong in it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from revenge_core.errors import Unavailable

T = TypeVar("T")

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
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def at_most(seconds: float) -> AsyncGenerator[None]:
    """Give up on the block after so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            yield
