"""The worker's lease: kept while its loop is blocked, given up when it hangs, and begun anew when it was lost."""

import asyncio
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from revenge_adapters.memory.jobs.wakeups import MemoryWakeUps
from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.meter import NoMeter
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.upkeep import PostgresJobUpkeep
from revenge_adapters.taskiq import beat
from revenge_adapters.taskiq.beat import Beat
from revenge_core.background import Job, JobContext, JobState
from revenge_core.jobs.entities import JobRules
from revenge_core.testing.builders import a_worker
from tests.taskiq.yard import PATIENCE_SECONDS, Blocker, Errand, Yard, until

SHORT = timedelta(milliseconds=800)


@contextmanager
def rescuing(yard: Yard, lease: timedelta) -> Generator[None]:
    """Somebody else, in a thread of their own, takes jobs from workers whose lease ran out."""
    done = threading.Event()

    async def rescue() -> None:
        database = Database(yard.url, min_size=1, max_size=1)
        await database.open()
        upkeep = PostgresJobUpkeep(database, MemoryWakeUps(), MemorySealer(), warm_up=timedelta(0))
        while not done.is_set():
            await upkeep.rescue(JobRules(lease=lease))
            await asyncio.sleep(0.05)
        await database.close()

    thread = threading.Thread(target=asyncio.run, args=[rescue()])
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


async def test_jobs_of_a_worker_whose_loop_is_blocked_are_not_taken_from_it(yard: Yard) -> None:
    lease = timedelta(seconds=1.5)

    async def handler(_job: Job, _ctx: JobContext) -> None:
        time.sleep(2 * lease.total_seconds())  # noqa: ASYNC251 -- that is what it is about

    yard.handlers.add(Errand, handler)
    async with yard.working(yard.shift(lease=lease)):
        with rescuing(yard, lease):
            (job_id,) = await yard.enqueue(Errand())
            found = await yard.found_in(job_id, JobState.COMPLETED)
    assert (found.attempt, found.run, found.errors) == (1, 1, [])


async def test_a_worker_that_was_given_up_stops_its_handlers_and_begins_anew(yard: Yard) -> None:
    blocker = Blocker()
    yard.handlers.add(Errand, blocker)
    async with yard.working(yard.shift(lease=SHORT)) as at_work:
        (job_id,) = await yard.enqueue(Errand())
        await asyncio.wait_for(blocker.entered.wait(), PATIENCE_SECONDS)
        before = set(at_work.held)
        await yard.store.leave("worker")  # as whoever rescues its jobs does

        async def stopped() -> bool:
            return not before & set(at_work.held)

        await until(stopped)
        blocker.gate.set()
        found = await yard.found_in(job_id, JobState.COMPLETED)
        assert await yard.workers() == ("worker",)
    assert (found.attempt, found.run > 1) == (1, True)


async def test_what_a_stale_worker_did_counts_for_nothing(yard: Yard) -> None:
    first, second = Blocker(), Blocker()
    runs = iter((first, second))

    async def handler(job: Job, ctx: JobContext) -> None:
        await next(runs)(job, ctx)

    yard.handlers.add(Errand, handler)
    async with yard.working(yard.shift(a_worker("stale"))):
        (job_id,) = await yard.enqueue(Errand())
        await asyncio.wait_for(first.entered.wait(), PATIENCE_SECONDS)
        await yard.store.leave("stale")  # rescued; its next beat is seconds away
        async with yard.working(yard.shift(a_worker("fresh"))):
            await asyncio.wait_for(second.entered.wait(), PATIENCE_SECONDS)
            first.gate.set()
            await asyncio.sleep(0.2)
            found = await yard.find(job_id)
            assert found.state is JobState.RUNNING
            second.gate.set()
            await yard.found_in(job_id, JobState.COMPLETED)


class Moment:
    """A beat, and what it says."""

    def __init__(self, yard: Yard, lease: timedelta) -> None:
        self.lost = asyncio.Event()
        self.beat = Beat(yard.store_of_its_own, "worker", lease=lease, lost=self.lost.set, meter=NoMeter())


async def test_a_loop_that_hangs_for_too_long_loses_its_lease(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beat, "BLOCKED_TOO_LONG", timedelta(milliseconds=200))
    monkeypatch.setattr(beat, "LOOK_SECONDS", 0.05)
    await yard.store.enlist(a_worker())
    moment = Moment(yard, SHORT)
    moment.beat.start()
    async with asyncio.timeout(PATIENCE_SECONDS):  # no pulse: nothing here says that the loop is alive
        while await yard.workers():
            await yard.upkeep.rescue(JobRules(lease=SHORT))
            await asyncio.sleep(0.05)
        assert not moment.lost.is_set()
        while not moment.lost.is_set():
            moment.beat.pulse()
            await asyncio.sleep(0.02)
    await moment.beat.stop()


async def test_a_beat_that_is_stopped_before_it_began_ends(yard: Yard) -> None:
    moment = Moment(yard, SHORT)
    await moment.beat.stop()
    moment.beat.start()
    await moment.beat.stop()
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(moment.lost.wait(), 0.05)
    assert not moment.lost.is_set()
