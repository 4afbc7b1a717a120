"""What is asked for at the same moment is read at once, and nobody's misfortune is another's."""

import asyncio
from collections.abc import Collection
from uuid import UUID

import pytest

from revenge_adapters.postgres.batch import Batch, uuid_array
from revenge_core.errors import DatabaseUnavailable


class Shelf:
    """What would be the database: says what it was asked for, and may be held in the middle of that."""

    def __init__(self) -> None:
        self.words = {"a": "apple", "b": "berry"}
        self.reads: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.is_away = False

    async def read(self, keys: Collection[str]) -> list[str]:
        self.reads.append(sorted(keys))
        found = [self.words[key] for key in keys if key in self.words]
        await self.open.wait()
        if self.is_away:
            raise DatabaseUnavailable
        return found

    def batch(self) -> Batch[str, str]:
        return Batch(self.read, lambda word: word[0])


async def test_what_is_asked_for_in_one_turn_is_read_once() -> None:
    shelf = Shelf()
    batch = shelf.batch()
    assert await asyncio.gather(*map(batch.one, "abcab")) == ["apple", "berry", None, "apple", "berry"]
    assert shelf.reads == [["a", "b", "c"]]


async def test_who_asks_while_a_read_is_under_way_gets_a_later_one() -> None:
    shelf = Shelf()
    batch = shelf.batch()
    shelf.open.clear()
    early = asyncio.create_task(batch.one("a"))
    await _turns()
    shelf.words["a"] = "apricot"
    late = asyncio.create_task(batch.one("a"))
    await _turns()
    shelf.open.set()
    assert (await early, await late) == ("apple", "apricot")
    assert shelf.reads == [["a"], ["a"]]


@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("turns", [0, 1, 5])
async def test_who_is_cancelled_takes_nobody_along(victim: int, turns: int) -> None:
    shelf = Shelf()
    batch = shelf.batch()
    shelf.open.clear()
    tasks = [asyncio.create_task(batch.one(key)) for key in "ab"]
    await asyncio.sleep(0)
    await _turns(turns)
    tasks[victim].cancel()
    await _turns()
    shelf.open.set()
    with pytest.raises(asyncio.CancelledError):
        await tasks[victim]
    assert await tasks[1 - victim] == ("berry", "apple")[victim]
    assert await batch.one("a") == "apple"


async def test_a_failure_reaches_everybody_who_waited_and_nobody_after() -> None:
    shelf = Shelf()
    batch = shelf.batch()
    shelf.is_away = True
    answers = await asyncio.gather(batch.one("a"), batch.one("b"), return_exceptions=True)
    assert [type(answer) for answer in answers] == [DatabaseUnavailable, DatabaseUnavailable]
    shelf.is_away = False
    assert await batch.one("a") == "apple"


def test_ids_are_written_as_an_array_of_postgresql() -> None:
    assert uuid_array([]) == "{}"
    one, two = UUID(int=1), UUID(int=2)
    assert uuid_array([one, two]) == f"{{{one},{two}}}"


async def _turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)
