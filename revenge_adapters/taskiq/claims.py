"""Claiming jobs: as many as there are free places for, as soon as there is something to claim."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection
from typing import Final

from revenge_adapters.meter import Meter
from revenge_adapters.taskiq.finisher import Finisher
from revenge_adapters.taskiq.held import Held, HeldJobs
from revenge_core.errors import Unavailable
from revenge_core.jobs.entities import Claimed
from revenge_core.jobs.ports import JobStore

LINGER_SECONDS: Final = 0.005
RETRY_SECONDS: Final = 0.1
LONGEST_RETRY_SECONDS: Final = 1.0

_log = logging.getLogger("revenge.jobs")


class Claims:
    """Claims for one worker. Nobody else claims in its name, so what it does not know of was lost on the way."""

    def __init__(
        self,
        store: JobStore,
        worker_id: str,
        held: HeldJobs,
        finisher: Finisher,
        give_back: Callable[[Held], object],
        kinds: Callable[[], Collection[str]],
        meter: Meter,
    ) -> None:
        self._store = store
        self._worker_id = worker_id
        self._held = held
        self._finisher = finisher
        self._give_back = give_back
        self._kinds = kinds
        self._meter = meter
        self._worth_asking = set(held.workers)
        self._backlogged: set[str] = set()
        """Queues that gave as much as was asked for: there is likely more."""
        self._news = asyncio.Event()
        self._allowed = asyncio.Event()
        self._allowed.set()
        self._claiming: asyncio.Future[tuple[Claimed, ...]] | None = None

    def wake(self, *queues: str) -> None:
        """There may be jobs in these queues; without any named, in all."""
        self._worth_asking |= self._held.workers.keys() & queues if queues else self._held.workers.keys()
        self._news.set()

    def look(self) -> None:
        """A place has become free, or the finisher has room."""
        self._news.set()

    def pause(self) -> None:
        """Claim nothing: this worker stops, or nobody knows it."""
        self._allowed.clear()

    def resume(self) -> None:
        """Claim again."""
        self._allowed.set()
        self.wake()

    async def jobs(self) -> AsyncGenerator[Held]:
        """One job after the other, held from now on. Closing gives back what was claimed and not taken."""
        while True:
            claimed = [self._held.add(one) for one in await self._claim(await self._slots())]
            try:
                while claimed:
                    yield claimed.pop(0)
            finally:
                for held in claimed:
                    self._give_back(held)

    async def _slots(self) -> dict[str, int]:
        """What to claim next; waits until there is a reason to."""
        while True:
            await self._allowed.wait()
            self._news.clear()
            slots = {queue: free for queue in self._worth_asking if (free := self._held.free(queue)) > 0}
            if slots and not self._finisher.is_full:
                if any(self._is_worth_it(queue, free) for queue, free in slots.items()):
                    return slots
                await asyncio.sleep(LINGER_SECONDS)  # others will be free in a moment, and one claim does for all
                return {queue: self._held.free(queue) for queue in slots}
            await self._news.wait()

    def _is_worth_it(self, queue: str, free: int) -> bool:
        return queue not in self._backlogged or 2 * free >= self._held.workers[queue]

    async def _claim(self, slots: dict[str, int]) -> tuple[Claimed, ...]:
        self._worth_asking -= slots.keys()  # before: whoever says meanwhile that there are more is right
        pause = RETRY_SECONDS
        while True:
            began = time.monotonic()
            try:
                claimed = await self._ask(slots)
            except Unavailable:
                _log.log(logging.WARNING if pause == RETRY_SECONDS else logging.DEBUG, "the database gives no jobs")
            except Exception:  # noqa: BLE001 -- claiming outlives its defects
                _log.exception("jobs cannot be claimed; trying again")
            else:
                self._meter.claimed(len(claimed), time.monotonic() - began)
                self._learn(slots, claimed)
                return claimed
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_RETRY_SECONDS)

    async def _ask(self, slots: dict[str, int]) -> tuple[Claimed, ...]:
        """Ask, to the end: a claim that is cancelled half-way would leave jobs claimed that nobody runs."""
        self._claiming = asyncio.ensure_future(self._store.claim(self._worker_id, slots, kinds=self._kinds()))
        try:
            return await asyncio.shield(self._claiming)
        except asyncio.CancelledError:
            self._claiming.add_done_callback(self._too_late)
            raise

    def _too_late(self, claiming: asyncio.Future[tuple[Claimed, ...]]) -> None:
        if claiming.cancelled() or claiming.exception() is not None:
            return
        for one in claiming.result():
            self._give_back(self._held.add(one))

    def _learn(self, slots: dict[str, int], claimed: tuple[Claimed, ...]) -> None:
        came = Counter(one.queue for one in claimed)
        for queue, asked in slots.items():
            if came[queue] >= asked:
                self._backlogged.add(queue)
                self._worth_asking.add(queue)
            else:
                self._backlogged.discard(queue)

    async def settled(self) -> None:
        """Wait for a claim that is on its way."""
        if self._claiming is not None:
            await asyncio.wait([self._claiming])
