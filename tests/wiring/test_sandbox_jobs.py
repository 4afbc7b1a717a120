"""Jobs in the sandbox: they run when the test says so, and not before."""

import asyncio
from datetime import timedelta
from typing import ClassVar

import pytest

from revenge_adapters import Sandbox, sandbox
from revenge_adapters.memory.jobs.worker import Ran
from revenge_adapters.memory.uow import MemoryUnitOfWork
from revenge_core.actor import Actor
from revenge_core.background import (
    CancelJob,
    Curve,
    DiscardJob,
    Job,
    JobContext,
    JobSpec,
    JobState,
    Planned,
    Queue,
    Retry,
    RetryAfter,
    Schedule,
    Snooze,
)
from revenge_core.jobs import Handlers, JobLost
from revenge_core.mail.jobs import SendEmail
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret

MINUTE = timedelta(minutes=1)
HOST = Actor.host()


class Bake(Job, kw_only=True):
    """Bake bread."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="bake", max_attempts=3, retry=Retry(curve=Curve.CONSTANT, step=MINUTE, jitter=0)
    )

    what: str
    recipe: Secret | None = None


class Bakery:
    """Bakes what can be baked; `trouble` is what else happens, by what is to be baked."""

    def __init__(self, **trouble: BaseException) -> None:
        self.trouble = trouble
        self.baked: list[str] = []
        self.contexts: list[JobContext] = []

    async def bake(self, job: Bake, ctx: JobContext) -> None:
        self.contexts.append(ctx)
        await asyncio.sleep(0)
        if job.what in self.trouble:
            raise self.trouble[job.what]
        self.baked.append(job.what)

    def box(self, *schedules: Schedule) -> Sandbox:
        def jobs(revenge: Revenge, handlers: Handlers) -> None:
            handlers.add(Bake, self.bake)
            handlers.add_schedules(schedules)

        return sandbox(jobs=jobs)


async def order(box: Sandbox, *jobs: Job | Planned) -> list[int]:
    return [one.id for one in await box.revenge.jobs.enqueue(HOST, *jobs)]


async def test_jobs_run_when_the_test_says_so_and_once() -> None:
    bakery = Bakery()
    box = bakery.box()
    (job_id,) = await order(box, Bake(what="bread"))
    assert bakery.baked == []
    assert await box.jobs.run() == (Ran(id=job_id, kind="bake", attempt=1, state=JobState.COMPLETED),)
    assert await box.jobs.run() == ()
    assert bakery.baked == ["bread"]
    assert box.rows.job_workers == {}


async def test_urgent_queues_and_jobs_go_first() -> None:
    bakery = Bakery()
    box = bakery.box()
    await order(
        box,
        Planned(job=Bake(what="last"), queue=Queue.BULK, priority=1),
        Planned(job=Bake(what="third"), priority=4),
        Planned(job=Bake(what="second")),
        Planned(job=Bake(what="first"), queue=Queue.CRITICAL),
    )
    await box.jobs.run()
    assert bakery.baked == ["first", "second", "third", "last"]


async def test_what_is_to_come_later_waits_for_the_clock() -> None:
    bakery = Bakery()
    box = bakery.box()
    await order(box, Planned(job=Bake(what="cake"), at=box.clock.now() + MINUTE))
    assert await box.jobs.run() == ()
    box.clock.advance(minutes=1)
    assert [ran.state for ran in await box.jobs.run()] == [JobState.COMPLETED]


async def test_a_failed_job_is_tried_again_after_its_pause_and_in_the_end_discarded() -> None:
    mishap = ValueError("no flour")
    box = Bakery(bread=mishap).box()
    await order(box, Bake(what="bread"))
    history: list[tuple[int, JobState | None, Exception | None]] = []
    for _ in range(4):
        history += [(ran.attempt, ran.state, ran.error) for ran in await box.jobs.run()]
        box.clock.advance(minutes=1)
    assert history == [
        (1, JobState.RETRYABLE, mishap),
        (2, JobState.RETRYABLE, mishap),
        (3, JobState.DISCARDED, mishap),
    ]


@pytest.mark.parametrize(
    ("asked", "state"),
    [
        (Snooze(MINUTE), JobState.SCHEDULED),
        (RetryAfter(MINUTE, "busy"), JobState.RETRYABLE),
        (CancelJob("nobody is hungry"), JobState.CANCELLED),
        (DiscardJob("no bakery"), JobState.DISCARDED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_what_a_handler_asks_for_is_done_and_no_error_of_the_test(asked: Exception, state: JobState) -> None:
    box = Bakery(bread=asked).box()
    await order(box, Bake(what="bread"))
    (ran,) = await box.jobs.run(raise_errors=True)
    assert (ran.state, ran.error) == (state, asked)


async def test_an_error_that_nobody_expected_can_be_raised_and_its_job_is_as_after_any_failure() -> None:
    mishap = ValueError("no flour")
    bakery = Bakery(bread=mishap)
    box = bakery.box()
    bread, cake = await order(box, Bake(what="bread"), Bake(what="cake"))
    with pytest.raises(ValueError, match="no flour") as caught:
        await box.jobs.run(raise_errors=True)
    assert caught.value is mishap
    assert [box.rows.jobs[one].state for one in (bread, cake)] == [JobState.RETRYABLE, JobState.AVAILABLE]
    await box.jobs.run()
    assert bakery.baked == ["cake"]


async def test_jobs_that_jobs_enqueue_run_too() -> None:
    order_of_events: list[str] = []

    def jobs(revenge: Revenge, handlers: Handlers) -> None:
        async def bake(job: Bake, ctx: JobContext) -> None:
            order_of_events.append(job.what)
            if job.what == "dough":
                await revenge.jobs.enqueue(HOST, Bake(what="bread"))

        handlers.add(Bake, bake)

    box = sandbox(jobs=jobs)
    await order(box, Bake(what="dough"))
    assert len(await box.jobs.run()) == 2
    assert order_of_events == ["dough", "bread"]


async def test_jobs_that_never_end_are_told_instead_of_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revenge_adapters.memory.jobs.worker.MOST_RUNS", 20)
    box = Bakery(bread=Snooze(timedelta(0))).box()
    await order(box, Bake(what="bread"))
    with pytest.raises(RuntimeError, match=r"20 runs.*bake"):
        await box.jobs.run()


async def test_a_cancelled_run_gives_its_job_back() -> None:
    begun = asyncio.Event()

    def jobs(revenge: Revenge, handlers: Handlers) -> None:
        async def bake(job: Bake, ctx: JobContext) -> None:
            begun.set()
            await asyncio.Event().wait()

        handlers.add(Bake, bake)

    box = sandbox(jobs=jobs)
    (job_id,) = await order(box, Bake(what="bread"))
    running = asyncio.create_task(box.jobs.run())
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (box.rows.jobs[job_id].state, box.rows.jobs[job_id].attempt) == (JobState.AVAILABLE, 0)


async def test_two_who_run_jobs_at_once_run_each_job_once() -> None:
    bakery = Bakery()
    box = bakery.box()
    await order(box, *(Bake(what=str(number)) for number in range(10)))
    first, second = await asyncio.gather(box.jobs.run(), box.jobs.run())
    assert len({ran.id for ran in first + second}) == len(first + second) == 10
    assert sorted(bakery.baked) == sorted(map(str, range(10)))


async def test_a_kind_that_nobody_here_runs_waits_as_on_a_server() -> None:
    class Unheard(Job, kw_only=True):
        spec: ClassVar[JobSpec] = JobSpec(kind="unheard_of")

    box = sandbox()
    (job_id,) = await order(box, Unheard())
    assert await box.jobs.run() == ()
    assert (box.rows.jobs[job_id].state, box.rows.jobs[job_id].attempt) == (JobState.AVAILABLE, 0)


async def test_effects_and_completion_come_together_or_not_at_all() -> None:
    class Mishap(Exception):  # noqa: N818 -- it stands for whatever goes wrong
        pass

    outcomes = iter([Mishap, None])

    def jobs(revenge: Revenge, handlers: Handlers) -> None:
        async def bake(job: Bake, ctx: JobContext) -> None:
            async with MemoryUnitOfWork(box.tables).begin() as tx:
                await tx.jobs.enqueue(Planned(job=Bake(what="delivered"), at=box.clock.now() + timedelta(days=1)))
                await ctx.complete(tx)
                if mishap := next(outcomes):
                    raise mishap

        handlers.add(Bake, bake)

    box = sandbox(jobs=jobs)
    await order(box, Bake(what="bread"))
    (failed,) = await box.jobs.run()
    assert (failed.state, len(box.rows.jobs)) == (JobState.RETRYABLE, 1)
    box.clock.advance(minutes=1)
    (done,) = await box.jobs.run()
    assert (done.state, len(box.rows.jobs)) == (JobState.COMPLETED, 2)


async def test_a_job_that_is_given_to_somebody_else_meanwhile_is_left_alone() -> None:
    def jobs(revenge: Revenge, handlers: Handlers) -> None:
        async def bake(job: Bake, ctx: JobContext) -> None:
            del box.rows.jobs[ctx.id]
            async with MemoryUnitOfWork(box.tables).begin() as tx:
                await ctx.complete(tx)

        handlers.add(Bake, bake)

    box = sandbox(jobs=jobs)
    await order(box, Bake(what="bread"))
    (ran,) = await box.jobs.run()
    assert ran.state is None
    assert isinstance(ran.error, JobLost)


async def test_payloads_that_wait_can_be_read_with_their_secrets() -> None:
    box = Bakery().box()
    secret = Bake(what="cake", recipe=Secret("two eggs"))
    await order(box, secret, Planned(job=Bake(what="bread"), at=box.clock.now() + MINUTE))
    assert box.jobs.enqueued(Bake) == (secret, Bake(what="bread"))
    await box.jobs.run()
    assert box.jobs.enqueued(Bake) == (Bake(what="bread"),)


async def test_schedules_tick_with_the_clock() -> None:
    bakery = Bakery()
    daily = Schedule(name="daily_bread", job=Bake(what="bread"), every=timedelta(days=1), offset=timedelta(hours=4))
    box = bakery.box(daily)
    assert await box.jobs.run() == ()
    for _ in range(3):
        box.clock.advance(days=1)
        await box.jobs.run()
    assert bakery.baked == ["bread"] * 3
    assert bakery.contexts[0].metadata["schedule"] == "daily_bread"


async def test_a_schedule_of_ones_own_runs_at_the_start_if_it_says_so_and_ours_have_run() -> None:
    bakery = Bakery()
    box = bakery.box(
        Schedule(name="daily_bread", job=Bake(what="bread"), every=timedelta(days=1), at_start=True),
    )
    assert [ran.kind for ran in await box.jobs.run()] == ["bake"]


def test_a_kind_of_ours_cannot_be_taken() -> None:
    async def keep(job: SendEmail, ctx: JobContext) -> None:
        pass

    def jobs(revenge: Revenge, handlers: Handlers) -> None:
        handlers.add(SendEmail, keep)

    with pytest.raises(ValueError, match="jobs of kind send_email have a handler already"):
        sandbox(jobs=jobs)
