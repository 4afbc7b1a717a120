"""Jobs run beside a program that opened Revenge, unless it said otherwise."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from importlib.machinery import ModuleSpec
from typing import ClassVar, Final

import pytest

from revenge_adapters import open_revenge
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring import open as opening
from revenge_adapters.wiring.errors import WorkerUnavailable
from revenge_adapters.wiring.handlers import SCHEDULES
from revenge_adapters.wiring.rules import workers_per_queue
from revenge_adapters.wiring.settings import Jobs, Settings
from revenge_adapters.wiring.worker import broker
from revenge_core.actor import Actor
from revenge_core.background import Job, JobContext, JobSpec, JobState, Queue
from revenge_core.jobs.entities import JobFilter
from revenge_core.jobs.service import Handlers
from revenge_core.revenge import Revenge

Make = Callable[..., Settings]

HOST: Final = Actor.host()
PATIENCE_SECONDS: Final = 20


class Popcorn(Job, kw_only=True):
    """What an embedding program wants done."""

    spec: ClassVar[JobSpec] = JobSpec(kind="popcorn", queue=Queue.HIGH)

    bowls: int = 1


class Kitchen:
    """Makes popcorn."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.busy = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    def open(self, _revenge: Revenge, handlers: Handlers) -> None:
        """What `open_revenge(jobs=…)` takes."""
        handlers.add(Popcorn, self.make)

    async def make(self, job: Popcorn, _ctx: JobContext) -> None:
        """The handler."""
        self.busy.set()
        await self.gate.wait()
        self.made.append(job.bowls)


async def state_of(revenge: Revenge, job_id: int) -> JobState:
    return (await revenge.jobs.get(HOST, job_id)).state


async def until_done(revenge: Revenge, job_id: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await state_of(revenge, job_id) is not JobState.COMPLETED:  # noqa: ASYNC110 (the database tells nobody)
            await asyncio.sleep(0.01)


async def test_a_program_runs_jobs_of_its_own_beside_ours(given_settings: Make) -> None:
    kitchen = Kitchen()
    async with open_revenge(given_settings(), jobs=kitchen.open) as revenge:
        (popcorn,) = await revenge.jobs.enqueue(HOST, Popcorn(bowls=3))
        await until_done(revenge, popcorn.id)
        (worker,) = await revenge.jobs.workers(HOST)
        assert worker.queues == {"critical": 20, "high": 15, "default": 10, "low": 5, "bulk": 3}
    assert kitchen.made == [3]


async def test_what_revenge_itself_has_to_do_is_done_at_the_first_start(given_settings: Make) -> None:
    wanted = {one.job.spec.kind for one in SCHEDULES if one.at_start}
    async with open_revenge(given_settings()) as revenge, asyncio.timeout(PATIENCE_SECONDS):
        done: set[str] = set()
        while not wanted <= done:
            await asyncio.sleep(0.01)
            page = await revenge.jobs.list(HOST, JobFilter(states=(JobState.COMPLETED,)))
            done = {job.kind for job in page.items}


@pytest.mark.parametrize(("in_process", "worker"), [(False, None), (True, False)])
async def test_a_program_that_runs_no_jobs_leaves_them_to_others(
    given_settings: Make, in_process: bool, worker: bool | None
) -> None:
    kitchen = Kitchen()
    settings = given_settings(jobs=Jobs(in_process=in_process))
    async with open_revenge(settings, jobs=kitchen.open, worker=worker) as revenge:
        (popcorn,) = await revenge.jobs.enqueue(HOST, Popcorn())
        assert await revenge.jobs.workers(HOST) == ()
        await asyncio.sleep(0.3)
        assert await state_of(revenge, popcorn.id) is JobState.AVAILABLE
    async with open_revenge(settings, jobs=kitchen.open, worker=True) as revenge:
        await until_done(revenge, popcorn.id)


async def test_once_it_stops_no_job_begins_and_those_that_run_end(given_settings: Make) -> None:
    kitchen, stopping = Kitchen(), asyncio.Event()
    kitchen.gate.clear()
    async with open_revenge(given_settings(), jobs=kitchen.open, stopping=stopping) as revenge:
        (first,) = await revenge.jobs.enqueue(HOST, Popcorn(bowls=1))
        await asyncio.wait_for(kitchen.busy.wait(), PATIENCE_SECONDS)
        stopping.set()
        await asyncio.sleep(0.1)
        (second,) = await revenge.jobs.enqueue(HOST, Popcorn(bowls=2))
        kitchen.gate.set()
        await until_done(revenge, first.id)
        await asyncio.sleep(0.1)
        assert await state_of(revenge, second.id) is JobState.AVAILABLE
    assert kitchen.made == [1]


async def test_jobs_that_do_not_end_in_time_are_given_back(given_settings: Make) -> None:
    kitchen = Kitchen()
    kitchen.gate.clear()
    settings = given_settings(jobs=Jobs(stop_timeout=timedelta(0)))
    async with open_revenge(settings, jobs=kitchen.open) as revenge:
        (popcorn,) = await revenge.jobs.enqueue(HOST, Popcorn())
        await asyncio.wait_for(kitchen.busy.wait(), PATIENCE_SECONDS)
    async with open_revenge(settings, worker=False) as revenge:
        job = await revenge.jobs.get(HOST, popcorn.id)
    assert (job.state, job.attempt) == (JobState.AVAILABLE, 0)


async def test_what_breaks_a_rule_of_jobs_keeps_the_program_from_starting(given_settings: Make) -> None:
    def twice(_revenge: Revenge, handlers: Handlers) -> None:
        handlers.add(Popcorn, Kitchen().make)
        handlers.add(Popcorn, Kitchen().make)

    with pytest.raises(ValueError, match="have a handler already"):
        async with open_revenge(given_settings(), jobs=twice):
            pass


def only_the_base(name: str) -> ModuleSpec | None:
    assert name == "taskiq"
    return None


async def test_where_only_the_base_is_installed_jobs_wait_and_the_log_says_so(
    given_settings: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(opening, "find_spec", only_the_base)
    async with open_revenge(given_settings()) as revenge:
        assert await revenge.jobs.workers(HOST) == ()
    assert any("install" in line.getMessage() and line.levelno == logging.WARNING for line in caplog.records)
    with pytest.raises(WorkerUnavailable):
        async with open_revenge(given_settings(), worker=True):
            pass


async def test_taskiqs_way_to_enqueue_works_from_any_program(
    given_settings: Make, revenge_postgres: RecycledDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = given_settings()
    monkeypatch.setenv("REVENGE_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("REVENGE_DATABASE_URL", revenge_postgres.url)
    monkeypatch.setenv("REVENGE_DATABASE_OWNER_URL", revenge_postgres.owner_url)
    client = broker()
    await client.startup()
    task = client.find_task("auth_cleanup")
    assert task is not None
    kicked = await task.kiq()
    await client.shutdown()
    async with open_revenge(settings) as revenge:
        await until_done(revenge, int(kicked.task_id))


@pytest.mark.parametrize(
    ("settings", "workers"),
    [
        (Jobs(), {"critical": 20, "high": 15, "default": 10, "low": 5, "bulk": 3}),
        (Jobs(max_workers=1), {"critical": 1, "high": 1, "default": 1, "low": 1, "bulk": 1}),
        (Jobs(max_workers=106), {"critical": 40, "high": 30, "default": 20, "low": 10, "bulk": 6}),
        (Jobs(queues=(Queue.BULK,)), {"bulk": 3}),
    ],
)
def test_workers_are_shared_out_among_queues(settings: Jobs, workers: dict[str, int]) -> None:
    assert workers_per_queue(Settings(jobs=settings)) == workers


async def test_jobs_are_found_by_who_looks_for_them(given_settings: Make) -> None:
    async with open_revenge(given_settings(), worker=False) as revenge:
        await revenge.jobs.enqueue(HOST, Popcorn(), Popcorn())
        page = await revenge.jobs.list(HOST, JobFilter(kinds=("popcorn",)))
    assert len(page.items) == 2
