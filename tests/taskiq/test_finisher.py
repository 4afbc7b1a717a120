"""Ends of runs on their way into the store."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest

from revenge_adapters.memory.jobs.store import MemoryJobStore
from revenge_adapters.memory.tables import MemoryTables
from revenge_adapters.meter import NoMeter
from revenge_adapters.taskiq import finisher
from revenge_adapters.taskiq.finisher import BATCH, Finisher
from revenge_core.background import JobState
from revenge_core.errors import DatabaseUnavailable
from revenge_core.jobs.entities import Finish, JobKey
from tests.taskiq.trouble import Passing


class Book(Passing):
    """Writes down what it is given; refuses what `refuses` says."""

    def __init__(self) -> None:
        super().__init__(MemoryJobStore(MemoryTables()))
        self.batches: list[list[Finish]] = []
        self.away = 0
        self.poison: set[int] = set()
        self.worse: set[int] = set()
        self.locked: set[int] = set()
        """Until five others are stored."""

    async def finish(self, finishes: Sequence[Finish]) -> frozenset[JobKey]:
        """Write it down."""
        if self.away:
            self.away -= 1
            raise DatabaseUnavailable
        for one in finishes:
            if one.key.id in self.worse or (one.key.id in self.poison and one.error is not None):
                raise ValueError("no database takes this")
        free = [one for one in finishes if one.key.id not in self.locked and one.key.id not in self.stored]
        self.batches.append(free)
        if len(self.stored) >= 5:
            self.locked.clear()
        if any(one.key.id in self.locked for one in finishes):
            raise DatabaseUnavailable
        return frozenset(one.key for one in finishes)

    @property
    def stored(self) -> list[int]:
        return [one.key.id for batch in self.batches for one in batch]


@pytest.fixture
def book() -> Book:
    return Book()


@asynccontextmanager
async def at_work(book: Book) -> AsyncGenerator[Finisher]:
    finisher = Finisher(book, NoMeter())
    running = asyncio.create_task(finisher.run())
    yield finisher
    await asyncio.wait_for(finisher.flushed(), 20)
    running.cancel()


def end(number: int, error: str | None = None) -> Finish:
    return Finish(key=JobKey(id=number, run=1), state=JobState.COMPLETED, error=error)


async def test_ends_that_come_together_are_stored_together_in_order(book: Book) -> None:
    async with at_work(book) as finisher:
        for number in range(BATCH + 10):
            finisher.add(end(number))
    assert [len(batch) for batch in book.batches] == [BATCH, 10]
    assert book.stored == list(range(BATCH + 10))


async def test_what_comes_while_others_are_stored_is_stored_next(book: Book) -> None:
    async with at_work(book) as finisher:
        for number in range(5):
            finisher.add(end(number))
            await asyncio.sleep(0.01)
    assert book.stored == list(range(5))


async def test_an_end_is_kept_until_the_database_is_back(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finisher, "RETRY_SECONDS", 0.001)
    book.away = 6
    async with at_work(book) as at:
        at.add(end(1))
        at.add(end(2))
    assert book.stored == [1, 2]


async def test_an_end_that_cannot_be_stored_keeps_no_other(book: Book) -> None:
    book.poison, book.worse = {3}, {5}
    async with at_work(book) as finisher:
        for number in range(8):
            finisher.add(end(number, error="broken"))
    assert sorted(book.stored) == [0, 1, 2, 3, 4, 6, 7]
    errors = {one.key.id: one.error for batch in book.batches for one in batch}
    assert errors[3] is None
    assert errors[4] == "broken"


async def test_an_end_that_has_to_wait_keeps_no_other(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finisher, "RETRY_SECONDS", 0.001)
    monkeypatch.setattr(finisher, "BATCH", 2)
    book.locked = {1}
    async with at_work(book) as at:
        for number in range(6):
            at.add(end(number))
    assert sorted(book.stored[:5]) == [0, 2, 3, 4, 5]
    assert book.stored[5:] == [1]


async def test_a_finisher_says_when_it_is_full(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finisher, "FULL", 2)
    full: list[bool] = []
    async with at_work(book) as at:
        for number in range(2):
            at.add(end(number))
            full.append(at.is_full)
        await at.flushed()
        full.append(at.is_full)
    assert full == [False, True, False]
    assert at.keys() == frozenset()
