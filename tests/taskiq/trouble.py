"""Stores with which something is wrong."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from revenge_core.background import ItemOutcome, Progress
from revenge_core.errors import DatabaseUnavailable
from revenge_core.jobs.entities import Claimed, Finish, JobKey, WorkerInfo
from revenge_core.jobs.ports import JobStore


class Passing(JobStore):
    """Passes everything on to another store."""

    def __init__(self, store: JobStore) -> None:
        self.store = store

    async def enlist(self, worker: WorkerInfo) -> None:
        """Pass it on."""
        await self.store.enlist(worker)

    async def beat(self, worker_id: str) -> bool:
        """Pass it on."""
        return await self.store.beat(worker_id)

    async def leave(self, worker_id: str) -> int:
        """Pass it on."""
        return await self.store.leave(worker_id)

    async def claim(
        self, worker_id: str, slots: Mapping[str, int], *, kinds: Collection[str] | None = None
    ) -> tuple[Claimed, ...]:
        """Pass it on."""
        return await self.store.claim(worker_id, slots, kinds=kinds)

    async def give_back_unknown(self, worker_id: str, known: Collection[JobKey]) -> int:
        """Pass it on."""
        return await self.store.give_back_unknown(worker_id, known)

    async def finish(self, finishes: Sequence[Finish]) -> frozenset[JobKey]:
        """Pass it on."""
        return await self.store.finish(finishes)

    async def report(self, key: JobKey, progress: Progress, items: Sequence[ItemOutcome]) -> bool:
        """Pass it on."""
        return await self.store.report(key, progress, items)

    async def cancel_requests(self, worker_id: str) -> tuple[JobKey, ...]:
        """Pass it on."""
        return await self.store.cancel_requests(worker_id)


class Watched(Passing):
    """Remembers what was asked for."""

    def __init__(self, store: JobStore) -> None:
        super().__init__(store)
        self.claims: list[tuple[dict[str, int], int]] = []
        """What was wanted of each queue, and how many came."""
        self.finishes: list[int] = []

    async def claim(self, worker_id: str, slots: Mapping[str, int], **how: Any) -> tuple[Claimed, ...]:  # noqa: ANN401 -- passed on
        """Remember it."""
        claimed = await super().claim(worker_id, slots, **how)
        self.claims.append((dict(slots), len(claimed)))
        return claimed

    async def finish(self, finishes: Sequence[Finish]) -> frozenset[JobKey]:
        """Remember it."""
        self.finishes.append(len(finishes))
        return await super().finish(finishes)


class Away(Passing):
    """A database that is away while `away` is set; with `claims` it gives jobs all the same."""

    def __init__(self, store: JobStore, *, claims: bool = False) -> None:
        super().__init__(store)
        self.away = False
        self._claims = claims
        self.tries = 0

    async def claim(self, worker_id: str, slots: Mapping[str, int], **how: Any) -> tuple[Claimed, ...]:  # noqa: ANN401 -- passed on
        """Not now."""
        if not self._claims:
            self._refuse()
        return await super().claim(worker_id, slots, **how)

    async def finish(self, finishes: Sequence[Finish]) -> frozenset[JobKey]:
        """Not now."""
        self._refuse()
        return await super().finish(finishes)

    def _refuse(self) -> None:
        if self.away:
            self.tries += 1
            raise DatabaseUnavailable


class Answerless(Passing):
    """Claims, and loses the answer as often as told."""

    def __init__(self, store: JobStore, times: int) -> None:
        super().__init__(store)
        self.times = times

    async def claim(self, worker_id: str, slots: Mapping[str, int], **how: Any) -> tuple[Claimed, ...]:  # noqa: ANN401 -- passed on
        """Claim, and do not say what."""
        claimed = await super().claim(worker_id, slots, **how)
        if claimed and self.times:
            self.times -= 1
            raise DatabaseUnavailable
        return claimed


class Slow(Passing):
    """Answers claims when `gate` is set."""

    def __init__(self, store: JobStore) -> None:
        super().__init__(store)
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()

    async def claim(self, worker_id: str, slots: Mapping[str, int], **how: Any) -> tuple[Claimed, ...]:  # noqa: ANN401 -- passed on
        """Claim, and answer later."""
        claimed = await super().claim(worker_id, slots, **how)
        if claimed:
            self.asked.set()
            await self.gate.wait()
        return claimed
