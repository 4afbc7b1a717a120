"""Storing ends of jobs where some may be such that no database takes them."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from revenge_core.errors import Unavailable
from revenge_core.jobs.entities import Finish

Store: TypeAlias = Callable[[Sequence[Finish]], Awaitable[object]]
"""`JobStore.finish`, or what goes round it."""

_log: Final = logging.getLogger("revenge.jobs")


async def store_ends(store: Store, ends: Sequence[Finish]) -> None:
    """Store them: all at once, or, where that fails, in ever smaller parts, so that one never keeps the others.

    The one that cannot be stored is stored without its error; if that fails too, the log is told, and its job goes on
    as that of a lost worker does.

    Raises:
        Unavailable: the store is away; some may be stored, and storing an end twice changes nothing.
    """
    try:
        await store(ends)
    except Unavailable:
        raise
    except Exception:  # noqa: BLE001 -- whatever it is, it is one end's fault
        if len(ends) == 1:
            await _store_plainly(store, ends[0])
            return
        half = len(ends) // 2
        await store_ends(store, ends[:half])
        await store_ends(store, ends[half:])


async def _store_plainly(store: Store, end: Finish) -> None:
    plain = Finish(key=end.key, state=end.state, delay=end.delay, refund=end.refund)
    try:
        await store([plain])
    except Unavailable:
        raise
    except Exception:  # noqa: BLE001 -- whoever finds out why reads it in the log
        _log.exception("the end of job %d cannot be stored; it goes on once this worker is gone", end.key.id)
    else:
        _log.warning("job %d ended, but its error could not be stored and was left out", end.key.id)
