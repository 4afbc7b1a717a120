"""What a worker claims, and when."""

import asyncio
from datetime import timedelta

import pytest

from revenge_adapters.taskiq import finisher, shift
from revenge_adapters.taskiq.worker import Worker
from revenge_core.background import JobState, Planned, Queue
from revenge_core.testing.builders import a_worker
from tests.taskiq.trouble import Answerless, Away, Slow, Watched
from tests.taskiq.yard import PATIENCE_SECONDS, Blocker, Errand, Yard, nothing, until, workers_of


def errand(queue: Queue) -> Planned:
    return Planned(job=Errand(what=queue), queue=queue)


async def test_no_more_jobs_of_a_queue_run_than_it_has_workers(yard: Yard) -> None:
    blocker = Blocker()
    yard.handlers.add(Errand, blocker)
    async with yard.working(yard.shift(workers_of(Queue.DEFAULT, 3))):
        await yard.enqueue(*[Errand()] * 10)
        await yard.counted(JobState.RUNNING, 3)
        await asyncio.sleep(0.1)
        assert (await yard.count(JobState.RUNNING), blocker.inside) == (3, 3)
        blocker.gate.set()
        await yard.counted(JobState.COMPLETED, 10)
    assert blocker.most == 3


async def test_a_full_queue_holds_up_no_other(yard: Yard) -> None:
    blocker = Blocker()
    yard.handlers.add(Errand, blocker)
    async with yard.working(yard.shift(a_worker(queues={"bulk": 2, "critical": 2}))):
        await yard.enqueue(*[errand(Queue.BULK)] * 50)
        await yard.counted(JobState.RUNNING, 2)
        await yard.enqueue(errand(Queue.CRITICAL))
        await yard.counted(JobState.RUNNING, 3)
        blocker.gate.set()
        await yard.counted(JobState.COMPLETED, 51)


async def test_only_the_workers_own_queues_are_served(yard: Yard) -> None:
    yard.handlers.add(Errand, nothing)
    async with yard.working(yard.shift(workers_of(Queue.HIGH, 2))):
        low, high = await yard.enqueue(errand(Queue.LOW), errand(Queue.HIGH))
        await yard.found_in(high, JobState.COMPLETED)
        await asyncio.sleep(0.3)
        assert (await yard.find(low)).state is JobState.AVAILABLE


async def test_a_backlog_is_claimed_by_many_at_a_time_and_its_ends_are_stored_so(yard: Yard) -> None:
    yard.handlers.add(Errand, nothing)
    yard.store = watched = Watched(yard.store)
    await yard.enqueue(*[Errand()] * 1000)
    async with yard.working(yard.shift(workers_of(Queue.DEFAULT, 100))):
        await yard.counted(JobState.COMPLETED, 1000)
    assert sum(came for _, came in watched.claims) == 1000
    assert len([came for _, came in watched.claims if came]) <= 40
    assert len(watched.finishes) <= 60


async def test_jobs_that_were_claimed_when_the_worker_stopped_waiting_for_them_are_given_back(yard: Yard) -> None:
    yard.handlers.add(Errand, nothing)
    yard.store = slow = Slow(yard.store)
    working = asyncio.create_task(Worker(yard.shift()).run(finish := asyncio.Event()))
    (job_id,) = await yard.enqueue(Errand())
    await asyncio.wait_for(slow.asked.wait(), PATIENCE_SECONDS)
    finish.set()
    await asyncio.sleep(0.1)
    slow.gate.set()
    await asyncio.wait_for(working, PATIENCE_SECONDS)
    found = await yard.find(job_id)
    assert (found.state, found.attempt) == (JobState.AVAILABLE, 0)


async def test_jobs_whose_claim_was_never_answered_are_given_back_and_done(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shift, "RECONCILE_SECONDS", 0.2)
    yard.handlers.add(Errand, nothing)
    yard.store = Answerless(yard.store, 1)
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand())
        await yard.found_in(job_id, JobState.RUNNING)
        await yard.pass_time(3600)
        found = await yard.found_in(job_id, JobState.COMPLETED)
    assert (found.attempt, found.run) == (1, 2)


async def test_while_the_database_is_away_nothing_is_lost_and_work_goes_on_afterwards(yard: Yard) -> None:
    blocker = Blocker()
    yard.handlers.add(Errand, blocker)
    yard.store = away = Away(yard.store)
    async with yard.working(yard.shift(workers_of(Queue.DEFAULT, 5))):
        await yard.enqueue(*[Errand()] * 20)
        await yard.counted(JobState.RUNNING, 5)
        away.away = True
        blocker.gate.set()

        async def tried() -> bool:
            return away.tries >= 5

        await until(tried)
        assert await yard.count(JobState.RUNNING) == 5
        away.away = False
        await yard.counted(JobState.COMPLETED, 20)


async def test_with_too_many_ends_waiting_to_be_stored_no_more_jobs_are_claimed(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finisher, "FULL", 10)
    yard.handlers.add(Errand, nothing)
    yard.store = away = Away(yard.store, claims=True)
    away.away = True
    async with yard.working(yard.shift(workers_of(Queue.DEFAULT, 4), poll=timedelta(milliseconds=20))):
        await yard.enqueue(*[Errand()] * 50)
        await asyncio.sleep(0.5)
        assert 10 <= await yard.count(JobState.RUNNING) < 14
        away.away = False
        await yard.counted(JobState.COMPLETED, 50)
