"""Which kinds there are, who runs them, and what a handler is given."""

from datetime import timedelta
from typing import Any, ClassVar

import msgspec
import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_adapters.memory.jobs.store import MemoryJobStore
from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.memory.uow import MemoryUnitOfWork
from revenge_core import Actor, Revenge
from revenge_core.background import (
    CancelJob,
    DiscardJob,
    ItemOutcome,
    ItemStatus,
    Job,
    JobContext,
    JobSpec,
    JobState,
    Planned,
    Progress,
    Retry,
    Schedule,
)
from revenge_core.jobs import Handlers, JobLost
from revenge_core.jobs.entities import Claimed
from revenge_core.jobs.errors import JobKindUnknown, JobPayloadInvalid
from revenge_core.jobs.service import RunningJob
from revenge_core.secrets import Secret
from revenge_core.testing.attempt import Attempt
from revenge_core.testing.builders import a_claimed_job, a_worker
from revenge_core.testing.contracts.errands import Delivery, Errand, SoleErrand

HOURLY = Schedule(name="errands", job=Errand(), every=timedelta(hours=1))


@pytest.fixture
def handlers() -> Handlers:
    return Handlers(MemorySealer())


async def do_nothing(job: Job, ctx: JobContext) -> None:
    pass


def claimed(kind: str, args: bytes = b"{}") -> Claimed:
    return a_claimed_job(kind=kind, max_attempts=1, args=msgspec.Raw(args))


# The registry


def test_a_kind_has_one_handler(handlers: Handlers) -> None:
    handlers.add(Errand, do_nothing)
    with pytest.raises(ValueError, match="jobs of kind errand have a handler already: Errand"):
        handlers.add(Errand, do_nothing)


def test_a_kind_that_breaks_a_rule_is_refused(handlers: Handlers) -> None:
    class Hasty(Job, kw_only=True):
        spec: ClassVar[JobSpec] = JobSpec(kind="hasty one", priority=0)

    with pytest.raises(ValueError, match=r"'hasty one': a kind is letters.*; 'hasty one': priority is from 1 to 4"):
        handlers.add(Hasty, do_nothing)
    assert handlers.kinds == {}


def test_schedules_are_refused_whole_where_one_breaks_a_rule(handlers: Handlers) -> None:
    handlers.add(Errand, do_nothing)
    with pytest.raises(ValueError, match=r"two schedules are called errands; nobody runs the jobs of sole"):
        handlers.add_schedules([HOURLY, HOURLY, replace(HOURLY, name="sole", job=SoleErrand())])
    assert handlers.schedules == ()


def test_schedules_add_up_and_their_names_are_taken(handlers: Handlers) -> None:
    handlers.add(Errand, do_nothing)
    handlers.add_schedules([HOURLY])
    handlers.add_schedules([replace(HOURLY, name="more")])
    assert [one.name for one in handlers.schedules] == ["errands", "more"]
    with pytest.raises(ValueError, match="two schedules are called more"):
        handlers.add_schedules([replace(HOURLY, name="more")])


def test_what_is_known_of_a_kind_can_be_asked(handlers: Handlers) -> None:
    handlers.add(Errand, do_nothing)
    assert handlers.kinds == {"errand": Errand}
    assert (handlers.spec("errand"), handlers.spec("unheard_of")) == (Errand.spec, None)
    assert handlers.retry_of("errand") == Errand.spec.retry
    assert handlers.retry_of("unheard_of") == Retry()


def test_what_runs_without_a_database_is_handed_over_alone_and_without_schedules(handlers: Handlers) -> None:
    class Forecast(Job, kw_only=True):
        spec: ClassVar[JobSpec] = JobSpec(kind="forecast", pure=True)

    handlers.add(Errand, do_nothing)
    handlers.add(Forecast, do_nothing)
    handlers.add_schedules([HOURLY])
    assert handlers.pure().kinds == {"forecast": Forecast}
    assert handlers.pure().schedules == ()


# Running


async def test_a_handler_gets_its_payload_with_secrets_opened_and_what_to_run_it_in(handlers: Handlers) -> None:
    got: list[object] = []

    async def deliver(job: Delivery, ctx: JobContext) -> None:
        got.extend([job, ctx])

    handlers.add(Delivery, deliver)
    sealed = MemorySealer().seal(Secret("under the mat"), "job delivery")
    attempt = Attempt()
    await handlers.run(claimed("delivery", msgspec.json.encode({"key": {"sealed": sealed}})), attempt)
    assert got == [Delivery(key=Secret("under the mat")), attempt]


async def test_a_kind_that_nobody_runs_is_told_by_name(handlers: Handlers) -> None:
    with pytest.raises(JobKindUnknown, match="'unheard_of'"):
        await handlers.run(claimed("unheard_of"), Attempt())


async def test_arguments_that_do_not_fit_never_reach_the_handler(handlers: Handlers) -> None:
    handlers.add(Errand, do_nothing)
    with pytest.raises(JobPayloadInvalid, match=r"\$\.times"):
        await handlers.run(claimed("errand", b'{"times": "often"}'), Attempt())


# What a handler may do


async def a_run(box: Sandbox, **special: Any) -> RunningJob:  # noqa: ANN401 -- fields of `Planned`
    """A run of an errand, and its context."""
    store = MemoryJobStore(box.tables)
    await store.enlist(a_worker("worker"))
    async with MemoryUnitOfWork(box.tables).begin() as tx:
        await tx.jobs.enqueue_many([Planned(job=Errand(), **special)])
    (run,) = await store.claim("worker", {"high": 1})
    return RunningJob(run, store)


async def test_a_handler_knows_its_run(box: Sandbox) -> None:
    ctx = await a_run(box, metadata={"schedule": "breakfast"})
    assert (ctx.id, ctx.attempt, ctx.max_attempts) == (1, 1, 5)
    assert ctx.deadline == box.clock.now() + timedelta(minutes=1)
    assert (ctx.metadata, ctx.progress) == ({"schedule": "breakfast"}, None)
    assert RunningJob(claimed("errand"), MemoryJobStore(box.tables)).deadline is None


async def test_what_is_reported_is_kept_as_it_can_be(box: Sandbox) -> None:
    ctx = await a_run(box)
    progress = Progress(phase="walk\0", current=1, message="\udc80", cursor=None)
    await ctx.report(progress, [ItemOutcome(item="caf\udce9", status=ItemStatus.FAILED, detail="gone\0")])
    kept = Progress(phase="walk\\x00", current=1, message="\\udc80")
    assert ctx.progress == box.rows.jobs[1].progress == kept
    (item,) = box.rows.job_items.values()
    assert (item.item, item.detail) == ("caf\\udce9", "gone\\x00")


async def test_items_with_very_long_names_are_told_apart(box: Sandbox) -> None:
    ctx = await a_run(box)
    names = ["x" * 5_000 + end for end in "ab"]
    await ctx.report(Progress(), [ItemOutcome(item=name, status=ItemStatus.DONE) for name in names])
    kept = [name for _, name in box.rows.job_items]
    assert len(set(kept)) == 2
    assert [len(name) for name in kept] == [600, 600]


async def test_who_lost_the_job_is_told_when_it_reports_and_when_it_completes(box: Sandbox) -> None:
    ctx = await a_run(box)
    await MemoryJobStore(box.tables).leave("worker")
    with pytest.raises(JobLost):
        await ctx.report(Progress(current=1))
    assert ctx.progress is None
    with pytest.raises(JobLost):
        async with MemoryUnitOfWork(box.tables).begin() as tx:
            await ctx.complete(tx)
    assert box.rows.jobs[1].state is JobState.AVAILABLE


async def test_success_means_less_where_the_job_was_completed_in_a_transaction(box: Sandbox) -> None:
    ctx = await a_run(box)
    mishap = ValueError("no flour")
    assert (ctx.end(None), ctx.end(mishap)) == (None, mishap)
    async with MemoryUnitOfWork(box.tables).begin() as tx:
        await ctx.complete(tx)
    assert box.rows.jobs[1].state is JobState.COMPLETED
    assert "its effects are not either" in str(ctx.end(None))
    assert ctx.end(mishap) is mishap


class Visit(Job, kw_only=True):
    """Something to do behind a locked door."""

    spec: ClassVar[JobSpec] = JobSpec(kind="visit", max_attempts=1)

    password: Secret
    pin: Secret


@pytest.mark.parametrize("raised", [ValueError, DiscardJob, CancelJob])
async def test_an_error_that_repeats_a_secret_of_the_job_is_kept_without_it(raised: type[Exception]) -> None:
    async def visit(job: Visit, ctx: JobContext) -> None:
        raise raised(f"the door does not open to {job.password.reveal()} nor {job.pin.reveal()}" + "!" * 3000)

    def work(revenge: Revenge, handlers: Handlers) -> None:
        handlers.add(Visit, visit)

    box = sandbox(jobs=work)
    (job,) = await box.revenge.jobs.enqueue(Actor.system(), Visit(password=Secret("open sesame"), pin=Secret("7")))
    await box.jobs.run()
    (failure,) = (await box.revenge.jobs.get(Actor.host(), job.id)).errors
    assert failure.error.startswith(f"{raised.__name__}: the door does not open to Secret(…) nor 7!!")
    assert "sesame" not in str(failure)
