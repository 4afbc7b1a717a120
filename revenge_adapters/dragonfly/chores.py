"""What goes on beside something else, whatever fails."""

import logging
from collections.abc import Awaitable, Callable

from revenge_adapters.dragonfly.client import Backoff
from revenge_core.errors import Unavailable

_log = logging.getLogger("revenge.streams")


async def for_ever(chore: Callable[[], Awaitable[None]], level: int = logging.DEBUG) -> None:
    """Do it again and again. What it needs and is away is logged once, at this level."""
    backoff, away = Backoff(), False
    while True:
        try:
            await chore()
        except Unavailable as problem:
            if not away:
                _log.log(level, "stream workers get nothing for now (%s)", problem.detail)
        except Exception:  # noqa: BLE001 -- jobs outlive the defects of one round
            _log.exception("handing jobs on to stream workers failed; trying again")
        else:
            if away:
                _log.log(level, "stream workers are served again")
            away = False
            backoff.reached()
            continue
        away = True
        await backoff.wait()
