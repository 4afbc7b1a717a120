"""Soft and hard stop: what runs may end, and what may not is given back as if it had never begun."""

import asyncio
from datetime import timedelta

import pytest

from revenge_adapters.taskiq import receiver, shift
from revenge_adapters.taskiq.worker import Worker
from revenge_core.background import Job, JobContext, JobState, Queue
from revenge_core.testing.builders import a_worker
from tests.taskiq.yard import PATIENCE_SECONDS, Blocker, Errand, Yard, nothing, workers_of

AT_ONCE = timedelta(0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handlers that do not stop when they are interrupted are not waited for as long as usual."""
    monkeypatch.setattr(receiver, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(shift, "GRACE_SECONDS", 0.1)


async def test_jobs_that_run_may_end_before_the_worker_does_and_no_other_begins(yard: Yard) -> None:
    blocker = Blocker()
    yard.handlers.add(Errand, blocker)
    until = asyncio.Event()
    working = asyncio.create_task(Worker(yard.shift(workers_of(Queue.DEFAULT, 1))).run(until))
    first, second = await yard.enqueue(Errand(), Errand())
    await asyncio.wait_for(blocker.entered.wait(), PATIENCE_SECONDS)
    until.set()
    await asyncio.sleep(0.2)
    assert not working.done()
    blocker.gate.set()
    await asyncio.wait_for(working, PATIENCE_SECONDS)
    assert (await yard.find(first)).state is JobState.COMPLETED
    waiting = await yard.find(second)
    assert (waiting.state, waiting.attempt) == (JobState.AVAILABLE, 0)


async def test_what_still_runs_when_the_time_to_stop_is_over_is_given_back_uncounted(yard: Yard) -> None:
    cleaned_up: list[bool] = []

    async def handler(_job: Job, _ctx: JobContext) -> None:
        entered.set()
        try:
            await asyncio.sleep(60)
        finally:
            async with yard.uow.begin():  # the connection works on
                cleaned_up.append(True)

    entered = asyncio.Event()
    yard.handlers.add(Errand, handler)
    async with yard.working(yard.shift(stop_timeout=AT_ONCE)):
        (job_id,) = await yard.enqueue(Errand())
        await asyncio.wait_for(entered.wait(), PATIENCE_SECONDS)
    found = await yard.find(job_id)
    assert (found.state, found.attempt, found.errors) == (JobState.AVAILABLE, 0, [])
    assert cleaned_up == [True]
    assert await yard.workers() == ()


async def test_a_worker_that_is_cancelled_interrupts_at_once(yard: Yard) -> None:
    blocker = Blocker()
    yard.handlers.add(Errand, blocker)
    working = asyncio.create_task(Worker(yard.shift()).run(asyncio.Event()))
    (job_id,) = await yard.enqueue(Errand())
    await asyncio.wait_for(blocker.entered.wait(), PATIENCE_SECONDS)
    working.cancel()
    await asyncio.wait([working], timeout=PATIENCE_SECONDS)
    found = await yard.find(job_id)
    assert (found.state, found.attempt) == (JobState.AVAILABLE, 0)
    assert await yard.workers() == ()


async def test_what_the_host_raises_interrupts_its_jobs_and_passes_through(yard: Yard) -> None:
    blocker = Blocker()
    yard.handlers.add(Errand, blocker)
    (job_id,) = await yard.enqueue(Errand())
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 -- the host works, and then fails
        async with yard.working():
            await asyncio.wait_for(blocker.entered.wait(), PATIENCE_SECONDS)
            raise ZeroDivisionError
    assert (await yard.find(job_id)).state is JobState.AVAILABLE


@pytest.mark.usefixtures("impatient")
async def test_a_handler_that_swallows_its_interruption_holds_up_nobody(yard: Yard) -> None:
    swallowed = 0

    async def handler(_job: Job, _ctx: JobContext) -> None:
        nonlocal swallowed
        entered.set()
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                swallowed += 1

    entered, let_go = asyncio.Event(), asyncio.Event()
    yard.handlers.add(Errand, handler)
    async with yard.working(yard.shift(stop_timeout=AT_ONCE)):
        (job_id,) = await yard.enqueue(Errand())
        await asyncio.wait_for(entered.wait(), PATIENCE_SECONDS)
    found = await yard.find(job_id)
    assert (found.state, found.attempt, found.run) == (JobState.AVAILABLE, 0, 1)
    assert swallowed > 0
    let_go.set()


async def test_a_handler_that_ends_well_when_it_is_interrupted_is_done(yard: Yard) -> None:
    async def handler(_job: Job, _ctx: JobContext) -> None:
        entered.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return

    entered = asyncio.Event()
    yard.handlers.add(Errand, handler)
    async with yard.working(yard.shift(stop_timeout=AT_ONCE)):
        (job_id,) = await yard.enqueue(Errand())
        await asyncio.wait_for(entered.wait(), PATIENCE_SECONDS)
    assert (await yard.find(job_id)).state is JobState.COMPLETED


async def test_an_interrupted_job_is_done_by_another_worker(yard: Yard) -> None:
    blocker = Blocker()
    yard.handlers.add(Errand, blocker)
    async with yard.working(yard.shift(a_worker("first"), stop_timeout=AT_ONCE)):
        (job_id,) = await yard.enqueue(Errand())
        await asyncio.wait_for(blocker.entered.wait(), PATIENCE_SECONDS)
        second = yard.shift(a_worker("second"))
        blocker.gate = asyncio.Event()
        blocker.gate.set()
    async with yard.working(second):
        found = await yard.found_in(job_id, JobState.COMPLETED)
    assert (found.attempted_by, found.attempt) == ("second", 1)
    assert found.run > 1  # the first may have claimed it once more on its way out, and not begun it


async def test_a_worker_that_stops_and_works_again_and_again_leaves_nothing_behind(yard: Yard) -> None:
    yard.handlers.add(Errand, nothing)
    before = asyncio.all_tasks()
    for _ in range(5):
        await yard.enqueue(*[Errand()] * 50)
        async with yard.working(yard.shift(stop_timeout=AT_ONCE)):
            await asyncio.sleep(0.02)
    assert await yard.count(JobState.RUNNING) == 0
    async with yard.working():
        await yard.counted(JobState.COMPLETED, 250)
    assert asyncio.all_tasks() == before
    assert await yard.workers() == ()
