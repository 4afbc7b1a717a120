"""What a process does besides answering."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable

import pytest

from revenge_adapters.boottime import boottime
from revenge_adapters.chores import beside
from revenge_adapters.postgres.feed import TRUSTED_SECONDS
from revenge_adapters.wiring import housekeeping
from revenge_adapters.wiring.housekeeping import keep_house, keep_running
from revenge_core.cache.ports import FeedView
from revenge_core.errors import DatabaseUnavailable
from revenge_core.feed import Change


class Feed(FeedView):
    """A feed that was last looked at when a test says so."""

    def __init__(self) -> None:
        self.looked_at = boottime()

    def is_fresh(self, now: float) -> bool:
        return now - self.looked_at < TRUSTED_SECONDS

    def position(self) -> tuple[int, int]:
        return 0, 0

    def changed_since(self, changes: Iterable[Change], position: tuple[int, int]) -> bool:
        return True

    def subscribe(self, forget: Callable[[Change | None], None]) -> None:
        pass


async def test_housekeeping_survives_outages_and_defects(caplog: pytest.LogCaptureFixture) -> None:
    troubles: list[Exception | None] = [DatabaseUnavailable(), ZeroDivisionError(), None]
    done = asyncio.Event()

    async def chore() -> None:
        trouble = troubles.pop(0) if troubles else None
        if trouble is not None:
            raise trouble
        done.set()

    async with beside(keep_house(chore, every=0.001), "test"):
        await asyncio.wait_for(done.wait(), 10)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "ZeroDivisionError" in caplog.text


async def test_housekeeping_is_done_once_more_when_told_to_stop() -> None:
    times: list[int] = []

    async def chore() -> None:
        times.append(1)

    async with beside(keep_house(chore, every=3600), "test"):
        await asyncio.sleep(0)
    assert times == [1]


async def test_a_last_chore_that_hangs_does_not_keep_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "LAST_CHANCE_SECONDS", 0.01)
    async with beside(keep_house(asyncio.Event().wait, every=3600), "test"):
        await asyncio.sleep(0)


async def test_the_database_is_looked_after_only_while_the_feed_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "WATCH_SECONDS", 0.001)
    monkeypatch.setattr(housekeeping, "RETRY_SECONDS", 0.001)
    feed, looked = Feed(), asyncio.Event()
    feed.looked_at += 3600
    loop = asyncio.get_running_loop()
    answers: list[bool | Exception] = [OSError("no"), True]

    def ensure_running() -> bool:
        answer = answers.pop(0) if answers else False
        if isinstance(answer, Exception):
            raise answer
        if not answers:
            loop.call_soon_threadsafe(looked.set)
        return answer

    async with beside(keep_running(ensure_running, feed), "test"):
        await asyncio.sleep(0.05)
        assert len(answers) == 2, "nobody looks while all is well"
        feed.looked_at = boottime() - 1
        await asyncio.wait_for(looked.wait(), 10)


async def test_a_start_that_is_under_way_is_awaited_before_anything_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "WATCH_SECONDS", 0.001)
    feed, began, may_end, ended = Feed(), threading.Event(), threading.Event(), threading.Event()
    feed.looked_at -= 10

    def ensure_running() -> bool:
        began.set()
        may_end.wait(10)
        ended.set()
        return True

    async with beside(keep_running(ensure_running, feed), "test"):
        await asyncio.to_thread(began.wait, 10)
        asyncio.get_running_loop().call_later(0.05, may_end.set)
    assert ended.is_set()
