"""What goes on beside other work, and how it ends."""

import asyncio
from contextlib import suppress

import pytest

from revenge_adapters import chores
from revenge_adapters.chores import beside, ended


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not hear is told again at once."""
    monkeypatch.setattr(chores, "TELL_AGAIN_SECONDS", 0.01)


async def goes_on(for_times: int) -> None:
    """Misses so many cancellations, as `wait_for` of Python 3.11 may."""
    for _ in range(for_times):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
    await asyncio.sleep(60)


async def test_work_that_misses_a_cancellation_ends_all_the_same() -> None:
    before = asyncio.all_tasks()
    async with asyncio.timeout(20):
        async with beside(goes_on(3), "deaf"), beside(beside_another(), "outer"):
            await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == before


async def beside_another() -> None:
    async with beside(goes_on(2), "inner"):
        await goes_on(2)


async def test_who_is_cancelled_while_waiting_leaves_nothing_behind_and_is_cancelled() -> None:
    work = asyncio.create_task(goes_on(3))
    await asyncio.sleep(0)
    ending = asyncio.create_task(ended(work))
    await asyncio.sleep(0)
    ending.cancel()
    async with asyncio.timeout(20):
        await asyncio.wait([ending])
    assert ending.cancelled()
    assert work.cancelled()
