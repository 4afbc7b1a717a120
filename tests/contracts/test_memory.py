"""What is special about the doubles: transactions take turns, whoever and wherever asks."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.memory.ids import CountingIds
from revenge_adapters.memory.tables import MemoryTables
from revenge_adapters.memory.turns import Turns
from revenge_adapters.memory.uow import MemoryUnitOfWork
from revenge_core.testing.builders import a_user


async def test_a_nested_transaction_is_refused_instead_of_waiting_for_itself() -> None:
    uow = MemoryUnitOfWork(MemoryTables())
    async with uow.begin():
        with pytest.raises(RuntimeError, match="never nested"):
            async with uow.begin():
                pass
    async with uow.begin():
        pass


async def test_turns_are_taken_in_the_order_of_asking() -> None:
    turns, order = Turns(), list[int]()

    async def take(number: int) -> None:
        async with turns.turn():
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(take(number) for number in range(10)))
    assert order == list(range(10))


@pytest.mark.parametrize("cancel_first", [True, False])
async def test_a_turn_that_nobody_wants_any_more_goes_to_the_next(cancel_first: bool) -> None:
    turns, may_end, took = Turns(), asyncio.Event(), list[str]()

    async def hold() -> None:
        async with turns.turn():
            await may_end.wait()

    async def take(name: str) -> None:
        async with turns.turn():
            took.append(name)

    holder = asyncio.create_task(hold())
    await asyncio.sleep(0)
    waiting = {name: asyncio.create_task(take(name)) for name in ("first", "second")}
    await asyncio.sleep(0)
    # The turn is handed over and called off within the same step of the loop, in either order.
    if cancel_first:
        waiting["first"].cancel()
    may_end.set()
    await holder
    waiting["first"].cancel()
    await asyncio.gather(*waiting.values(), return_exceptions=True)
    assert "second" in took
    await take("third")


def test_loops_of_several_threads_take_turns() -> None:
    tables = MemoryTables()
    uow = MemoryUnitOfWork(tables)
    problems: list[BaseException] = []

    async def register_many() -> None:
        for _ in range(25):
            async with uow.begin() as tx:
                await tx.users.add(a_user())
                await asyncio.sleep(0.0005)

    def work() -> None:
        try:
            asyncio.run(register_many())
        except BaseException as problem:  # noqa: BLE001 - told by the test
            problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert problems == []
    assert len(tables.rows.users) == 100


def test_a_clock_starts_where_it_is_told_in_utc_and_never_runs_backwards() -> None:
    clock = ManualClock(datetime(2026, 6, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == datetime(2026, 6, 1, tzinfo=UTC)
    assert clock.advance(days=1, hours=2, minutes=3, seconds=4.5) == datetime(2026, 6, 2, 2, 3, 4, 500_000, tzinfo=UTC)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(seconds=-1)


def test_ids_are_the_same_in_every_run() -> None:
    one, other = CountingIds(), CountingIds()
    assert [one.new() for _ in range(3)] == [other.new() for _ in range(3)]
    assert str(one.new()).endswith("000000000004")
