"""Cancelling a job that runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import cast

import pytest

from revenge_adapters.postgres.jobs.wakeups import PostgresWakeUps
from revenge_adapters.postgres.sql import Query
from revenge_core.background import Job, JobContext, JobState
from revenge_core.errors import DatabaseUnavailable
from revenge_core.jobs.entities import Signal
from revenge_core.jobs.ports import WakeUps
from tests.taskiq.yard import PATIENCE_SECONDS, Blocker, Errand, Yard


class Silence(WakeUps):
    """Nothing is heard, and listening fails."""

    def send(self, signals: object) -> None:
        """Nobody hears."""

    def listen(self) -> AbstractAsyncContextManager[AsyncIterator[Signal]]:
        """Not today."""
        raise DatabaseUnavailable


async def test_a_running_job_is_cancelled_as_soon_as_its_worker_is_told(yard: Yard) -> None:
    blocker = Blocker()
    yard.handlers.add(Errand, blocker)
    async with yard.working(yard.shift(poll=timedelta(minutes=1))):
        (job_id,) = await yard.enqueue(Errand())
        await asyncio.wait_for(blocker.entered.wait(), PATIENCE_SECONDS)
        await yard.cancel(job_id)
        found = await yard.found_in(job_id, JobState.CANCELLED)
    assert blocker.inside == 0
    assert found.errors[0]["error"].startswith("CancelRequested")


async def test_without_signals_jobs_begin_and_are_cancelled_all_the_same(yard: Yard) -> None:
    blocker = Blocker()
    yard.handlers.add(Errand, blocker)
    yard.wake_ups = cast(PostgresWakeUps, Silence())
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand())
        await asyncio.wait_for(blocker.entered.wait(), PATIENCE_SECONDS)
        await yard.cancel(job_id)
        await yard.found_in(job_id, JobState.CANCELLED)


async def test_a_cancelled_handler_that_goes_on_to_its_end_has_done_its_job(yard: Yard) -> None:
    async def handler(_job: Job, _ctx: JobContext) -> None:
        entered.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.3)  # the shift looks for cancelled jobs three times meanwhile

    entered = asyncio.Event()
    yard.handlers.add(Errand, handler)
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand())
        await asyncio.wait_for(entered.wait(), PATIENCE_SECONDS)
        await yard.cancel(job_id)
        await yard.found_in(job_id, JobState.COMPLETED)


async def test_a_late_signal_does_not_cancel_a_job_that_nobody_wants_cancelled(yard: Yard) -> None:
    blocker = Blocker()
    yard.handlers.add(Errand, blocker)
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand())
        await asyncio.wait_for(blocker.entered.wait(), PATIENCE_SECONDS)
        await yard.cancel(job_id)
        await yard.database.run(Query("forget", "UPDATE revenge.jobs SET cancel_requested_at = NULL", type(None)))
        await asyncio.sleep(0.2)
        state = (await yard.find(job_id)).state
        blocker.gate.set()
        if state is JobState.RUNNING:  # the signal was slower than we were
            await yard.found_in(job_id, JobState.COMPLETED)


@pytest.mark.parametrize("jobs", [40])
async def test_many_jobs_are_cancelled_each_for_itself(yard: Yard, jobs: int) -> None:
    blocker = Blocker()
    yard.handlers.add(Errand, blocker)
    async with yard.working():
        ids = await yard.enqueue(*[Errand()] * jobs)
        await asyncio.wait_for(blocker.entered.wait(), PATIENCE_SECONDS)
        await asyncio.gather(*map(yard.cancel, ids[::2]))
        await yard.counted(JobState.CANCELLED, jobs // 2)
        blocker.gate.set()
        await yard.counted(JobState.COMPLETED, jobs // 2)
