"""Of those who want the same thing at the same time one gets it, for all of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from revenge_core.cache.entities import Found

K = TypeVar("K")
V = TypeVar("V")


class Landed(Generic[V]):
    """What a flight brought."""

    __slots__ = ("found", "unchanged")

    def __init__(self, found: Found[V], *, unchanged: bool) -> None:
        self.found: Final = found
        self.unchanged: Final = unchanged
        """Whether it is still true for who asked while it was under way: nothing of it was announced meanwhile."""


class Flights(Generic[K, V]):
    """Reads under way, by key. For the tasks of one event loop.

    Whoever asks first reads, in his own task, so that a read that nobody else wants costs next to nothing. Where he is
    cancelled, one of those who wait reads in his place.
    """

    def __init__(self, fly: Callable[[K], Awaitable[Landed[V]]]) -> None:
        self._fly = fly
        self._under_way: dict[K, _Flight[V]] = {}

    async def one(self, key: K) -> Found[V]:
        """What a read brings that began after this question, or before it where that makes no difference.

        Raises:
            whatever that read raises.
        """
        began_before = True
        while (flight := self._under_way.get(key)) is not None:
            landed = await flight.landing()
            if landed is not None and (landed.unchanged or not began_before):
                return landed.found
            began_before = False  # reads of one key follow each other: the next began after we asked
        flight = self._under_way[key] = _Flight()
        landed, problem = None, None
        try:
            landed = await self._fly(key)
            return landed.found
        except Exception as error:
            problem = error
            raise
        finally:
            del self._under_way[key]
            flight.land(landed, problem)


class _Flight(Generic[V]):
    __slots__ = ("_awaited",)

    def __init__(self) -> None:
        self._awaited: asyncio.Future[Landed[V] | None] | None = None

    async def landing(self) -> Landed[V] | None:
        """What it brought; None if whoever read was cancelled."""
        if self._awaited is None:
            self._awaited = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._awaited)

    def land(self, landed: Landed[V] | None, problem: Exception | None) -> None:
        if self._awaited is None:
            return
        if problem is None:
            self._awaited.set_result(landed)
        else:
            self._awaited.set_exception(problem)
            self._awaited.exception()  # those who waited may have been cancelled: then nobody wants to know
