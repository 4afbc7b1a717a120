"""Whatever dies between the database and who runs a job: no job is lost, and each is in one state."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from typing_extensions import override

from revenge_adapters.postgres.jobs.store import PostgresJobStore
from revenge_core.background import Job, JobContext, JobState, Queue
from revenge_core.errors import DatabaseUnavailable
from revenge_core.jobs.entities import Finish, JobKey
from revenge_core.jobs.policy import LOST
from tests.dragonfly.outpost import BRIEF, KEYS, Outpost, Parcel, Tally, emptied
from tests.taskiq.yard import workers_of

pytestmark = pytest.mark.faults


@pytest.fixture(autouse=True)
def brief(outpost: Outpost) -> None:
    outpost.lease = BRIEF


@contextmanager
def process(role: str, outpost: Outpost, where: Path | str) -> Generator[subprocess.Popen[bytes]]:
    arguments = [role, str(outpost.server.socket), str(BRIEF.total_seconds()), str(where)]
    running = subprocess.Popen([sys.executable, "-m", "tests.dragonfly.process", *arguments])
    try:
        yield running
    finally:
        running.kill()
        running.wait()


async def noted(folder: Path, what: str) -> None:
    log = folder / "log"
    async with asyncio.timeout(30):
        while not log.exists() or what not in log.read_text().splitlines():  # noqa: ASYNC110 -- a file tells nobody
            await asyncio.sleep(0.02)


async def three_run_and_some_wait(outpost: Outpost, tally: Tally) -> list[int]:
    ids = await outpost.enqueue(10)
    await tally.until(lambda tally: tally.inside == 3)
    return ids


async def all_completed(outpost: Outpost, ids: list[int]) -> None:
    for job_id in ids:
        await outpost.yard.found_in(job_id, JobState.COMPLETED)


async def test_with_the_server_gone_for_good_everything_goes_back_uncounted(outpost: Outpost) -> None:
    far, near = Tally(), Tally()
    far.gate.clear()
    outpost.yard.handlers.add(Parcel, near)
    async with outpost.relay(), outpost.worker(far):
        ids = await three_run_and_some_wait(outpost, far)
        outpost.server.kill()
        async with outpost.yard.working():
            await all_completed(outpost, ids)
    assert sorted(near.given) == ids
    assert {(await outpost.yard.find(id)).attempt for id in ids} == {1}


@pytest.mark.parametrize("fault", ["flush", "restart"])
async def test_what_the_server_forgets_in_the_middle_is_done_all_the_same(outpost: Outpost, fault: str) -> None:
    given: list[int] = []

    async def handler(_job: Job, ctx: JobContext) -> None:
        given.append(ctx.id)
        await asyncio.sleep(0.005)

    async with outpost.relay(), outpost.worker(handler, places=10):
        ids = await outpost.enqueue(600)
        for at in (50, 150, 250):
            async with asyncio.timeout(30):
                while len(given) < at:  # noqa: ASYNC110 -- the handler tells nobody
                    await asyncio.sleep(0.005)
            if fault == "flush":
                outpost.server.flush()
            else:
                outpost.server.kill()
                outpost.server.start()
        await outpost.yard.counted(JobState.COMPLETED, 600)
    assert set(given) == set(ids)
    assert {(await outpost.yard.find(id)).errors == [] for id in ids} == {True}


async def test_a_server_that_hangs_for_longer_than_a_lease_costs_time_only(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.relay(), outpost.worker(tally):
        ids = await three_run_and_some_wait(outpost, tally)
        outpost.server.freeze()
        try:
            await outpost.yard.counted(JobState.RUNNING, 0)
        finally:
            outpost.server.thaw()
        tally.gate.set()
        await all_completed(outpost, ids)


class Fickle(PostgresJobStore):
    """The database, which is away at times."""

    away = False

    @override
    async def cancel_requests(self, worker_id: str) -> tuple[JobKey, ...]:
        self._look()
        return await super().cancel_requests(worker_id)

    @override
    async def beat(self, worker_id: str) -> bool:
        self._look()
        return await super().beat(worker_id)

    @override
    async def finish(self, finishes: Sequence[Finish]) -> frozenset[JobKey]:
        self._look()
        return await super().finish(finishes)

    def _look(self) -> None:
        if self.away:
            raise DatabaseUnavailable


async def test_jobs_run_on_while_the_database_is_away_and_their_ends_are_stored_later(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    store = Fickle(outpost.yard.database, outpost.yard.wake_ups)
    async with outpost.client() as client, outpost.relay(store=store), outpost.worker(tally):
        ids = await outpost.enqueue(3)
        await tally.until(lambda tally: tally.inside == 3)
        store.away = True
        await asyncio.sleep(1.5 * BRIEF.total_seconds())
        assert tally.inside == 3
        tally.gate.set()
        await tally.until(lambda tally: tally.inside == 0)
        store.away = False
        await all_completed(outpost, ids)
        await emptied(client, KEYS.done)
    assert sorted(tally.given) == ids


async def test_a_killed_workers_job_is_counted_as_lost_and_done_by_another(outpost: Outpost, tmp_path: Path) -> None:
    tally = Tally()
    async with outpost.relay():
        with process("worker", outpost, tmp_path) as killed:
            await noted(tmp_path, "ready")
            (job_id,) = await outpost.enqueue(1)
            await noted(tmp_path, f"began {job_id}")
            killed.kill()
            async with outpost.worker(tally):
                found = await outpost.yard.found_in(job_id, JobState.COMPLETED)
    assert (found.attempt, found.run) == (2, 2)
    assert [error["error"] for error in found.errors] == [LOST]
    assert tally.given == [job_id]


async def test_a_worker_that_was_frozen_can_neither_complete_nor_overwrite(outpost: Outpost, tmp_path: Path) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.client() as client, outpost.relay():
        with process("worker", outpost, tmp_path) as frozen:
            await noted(tmp_path, "ready")
            (job_id,) = await outpost.enqueue(1)
            await noted(tmp_path, f"began {job_id}")
            frozen.send_signal(signal.SIGSTOP)
            async with outpost.worker(tally):
                await tally.until(lambda tally: tally.given == [job_id])
                (tmp_path / "gate").touch()
                frozen.send_signal(signal.SIGCONT)
                await asyncio.sleep(BRIEF.total_seconds() / 2)  # for it to say what it has to say
                await emptied(client, KEYS.done)
                found = await outpost.yard.find(job_id)
                assert (found.state, found.run) == (JobState.RUNNING, 2)
                tally.gate.set()
                found = await outpost.yard.found_in(job_id, JobState.COMPLETED)
    assert found.run == 2


async def test_jobs_of_a_killed_relay_are_rescued_and_another_hands_them_on(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.worker(tally):
        with process("relay", outpost, outpost.yard.url) as killed:
            ids = await three_run_and_some_wait(outpost, tally)
            killed.kill()
            killed.wait()
        upkeep = outpost.yard.shift(workers_of(Queue.CRITICAL, 1), lease=BRIEF)
        async with outpost.relay("another"), outpost.yard.working(upkeep):
            await tally.until(lambda tally: len(tally.given) > 3)
            tally.gate.set()
            await all_completed(outpost, ids)
    assert set(tally.given) == set(ids)
