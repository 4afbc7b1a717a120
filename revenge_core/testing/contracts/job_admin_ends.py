"""What every store owes to administrators who cancel and delete jobs, and pause queues and schedules or run one now."""

from datetime import datetime, timedelta

import pytest

from revenge_core.background import (
    FINISHED,
    UNFINISHED,
    ItemOutcome,
    ItemStatus,
    JobState,
    Missed,
    Planned,
    Progress,
    Queue,
    Schedule,
)
from revenge_core.jobs.entities import BulkItem, JobAct, ScheduleInfo, Signal, SignalKind
from revenge_core.testing.contracts.errands import (
    HOUR,
    Errand,
    Mishap,
    SoleErrand,
    bring_into,
    claim,
    enlist,
    enqueue,
    finish,
    job,
    running,
    state,
)
from revenge_core.testing.contracts.job_admin import (
    DONE,
    EVERY_STATE,
    REFUSED,
    act,
    cancel,
    delete,
    is_there,
    listening,
)
from revenge_core.testing.contracts.world import RACERS, Contract, World, race

DAY = timedelta(days=1)
BREAKFAST = Schedule(name="breakfast", job=Errand(what="rolls", times=6), every=DAY)


class CancelsContract(Contract):
    """Fixture: `world`."""

    @pytest.mark.parametrize("to", sorted(UNFINISHED - {JobState.RUNNING}))
    async def test_a_job_that_waits_ends_at_once(self, world: World, to: JobState) -> None:
        job_id = await bring_into(world, to, Errand())
        before = await world.now()
        assert await cancel(world, job_id) == [DONE]
        kept = await job(world, job_id)
        assert kept.state is JobState.CANCELLED
        assert kept.finalized_at is not None
        assert before <= kept.finalized_at <= await world.now()
        assert kept.cancel_requested_at == kept.finalized_at
        await world.pass_time(2 * HOUR.total_seconds())
        await world.job_upkeep.promote()
        assert await claim(world) == {}

    async def test_a_running_job_goes_on_until_its_worker_ends_it(self, world: World) -> None:
        claimed, other = await running(world, Errand(), Errand())
        before = await world.now()
        async with listening(world) as heard:
            assert await cancel(world, claimed.id) == [DONE]
        kept = await job(world, claimed.id)
        assert (kept.state, kept.finalized_at) == (JobState.RUNNING, None)
        assert kept.cancel_requested_at is not None
        assert before <= kept.cancel_requested_at
        assert heard == [Signal(kind=SignalKind.CANCEL, key=str(claimed.id))]
        assert await world.job_store.cancel_requests("worker") == (claimed.key,)
        assert await finish(world, claimed, JobState.CANCELLED)
        assert (await job(world, other.id)).cancel_requested_at is None

    async def test_to_cancel_a_running_job_twice_tells_its_worker_again_and_keeps_the_first_time(
        self, world: World
    ) -> None:
        (claimed,) = await running(world, Errand())
        await cancel(world, claimed.id)
        await world.pass_time(5)
        first = (await job(world, claimed.id)).cancel_requested_at
        async with listening(world) as heard:
            assert await cancel(world, claimed.id) == [DONE]
        assert (await job(world, claimed.id)).cancel_requested_at == first
        assert len(heard) == 1

    @pytest.mark.parametrize("to", sorted(FINISHED))
    async def test_a_finished_job_is_refused_and_stays_as_it_is(self, world: World, to: JobState) -> None:
        job_id = await bring_into(world, to, Errand())
        before = await job(world, job_id)
        (refused,) = await act(world, JobAct.CANCEL, job_id)
        assert refused == BulkItem(id=job_id, result=REFUSED, detail=f"It is {to} already")
        assert await job(world, job_id) == before

    async def test_nobody_is_told_of_jobs_that_did_not_run(self, world: World) -> None:
        waiting = await bring_into(world, JobState.SCHEDULED, Errand())
        async with listening(world) as heard:
            await cancel(world, waiting)
        assert heard == []

    async def test_a_cancelled_unique_job_keeps_nobody_out_any_more(self, world: World) -> None:
        (job_id,) = await enqueue(world, SoleErrand())
        await cancel(world, job_id)
        assert await enqueue(world, SoleErrand()) != [job_id]

    async def test_of_a_claim_and_a_cancellation_at_the_same_moment_both_know_what_came_of_it(
        self, world: World
    ) -> None:
        await enlist(world, "worker")
        (job_id,) = await enqueue(world, Errand())
        acts = iter([claim(world), *(cancel(world, job_id) for _ in range(RACERS - 1))])
        outcomes = await race(lambda: next(acts))
        assert not [one for one in outcomes if isinstance(one, BaseException)]
        kept = await job(world, job_id)
        if kept.state is JobState.RUNNING:
            assert {job_id} in [set(one) for one in outcomes if isinstance(one, dict)]
            assert kept.cancel_requested_at is not None
        else:
            assert kept.state is JobState.CANCELLED
            assert {} in outcomes


class DeletionsContract(Contract):
    """Fixture: `world`."""

    @pytest.mark.parametrize("to", sorted(EVERY_STATE - {JobState.RUNNING}))
    async def test_a_job_that_does_not_run_is_gone(self, world: World, to: JobState) -> None:
        job_id = await bring_into(world, to, Errand())
        assert await delete(world, job_id) == [DONE]
        assert not await is_there(world, job_id)
        assert await world.job_reader.counts() == {}

    async def test_a_running_job_is_refused(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        (refused,) = await act(world, JobAct.DELETE, claimed.id)
        assert refused.detail == "It is running; cancel it, or wait for its end"
        assert await finish(world, claimed)

    async def test_what_was_recorded_of_the_job_goes_with_it_and_that_of_others_stays(self, world: World) -> None:
        gone, stays = await running(world, Errand(), Errand())
        for claimed in (gone, stays):
            items = [ItemOutcome(item=name, status=ItemStatus.DONE) for name in ("rice", "milk")]
            await world.job_store.report(claimed.key, Progress(), items)
            await finish(world, claimed)
        await delete(world, gone.id)
        assert await world.job_reader.items(gone.id, limit=5, after=None) == ()
        assert len(await world.job_reader.items(stays.id, limit=5, after=None)) == 2

    async def test_a_deleted_unique_job_keeps_nobody_out_any_more(self, world: World) -> None:
        (job_id,) = await enqueue(world, SoleErrand())
        await delete(world, job_id)
        (again,) = await enqueue(world, SoleErrand())
        assert again != job_id
        assert await is_there(world, again)

    async def test_an_id_is_never_given_to_another_job(self, world: World) -> None:
        ids = await enqueue(world, Errand(), Errand())
        await delete(world, *ids)
        assert min(await enqueue(world, Errand())) > max(ids)


class PausesContract(Contract):
    """Queues and schedules that are stopped for a while. Fixture: `world`."""

    async def test_a_paused_queue_gives_nothing_until_it_goes_on(self, world: World) -> None:
        await enlist(world, "worker")
        (job_id, other) = await enqueue(world, Errand(), Planned(job=Errand(), queue=Queue.LOW))
        assert await _pause_queue(world, paused=True)
        assert set(await claim(world)) == {other}
        assert await _pause_queue(world, paused=False)
        assert set(await claim(world)) == {job_id}

    async def test_pausing_tells_whether_it_changed_anything(self, world: World) -> None:
        changes = [await _pause_queue(world, paused=paused) for paused in (False, True, True, False, False, True)]
        assert changes == [False, True, False, True, False, True]

    async def test_a_paused_queue_tells_since_when_also_where_it_is_paused_again(self, world: World) -> None:
        before = await world.now()
        await _pause_queue(world, paused=True)
        since = await _paused_since(world)
        assert since is not None
        assert before <= since <= await world.now()
        await _pause_queue(world, paused=True)
        assert await _paused_since(world) == since
        await _pause_queue(world, paused=False)
        assert await _paused_since(world) is None

    async def test_running_jobs_of_a_paused_queue_are_not_touched(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        await _pause_queue(world, paused=True)
        assert await finish(world, claimed)

    async def test_workers_hear_when_a_queue_goes_on(self, world: World) -> None:
        async with listening(world) as heard:
            await _pause_queue(world, paused=True)
            await _pause_queue(world, paused=False)
            await _pause_queue(world, paused=False)
        assert heard == [Signal(kind=SignalKind.AVAILABLE, key="high")]

    async def test_of_many_who_pause_a_queue_at_once_one_changes_something(self, world: World) -> None:
        outcomes = await race(lambda: _pause_queue(world, paused=True))
        assert sorted(map(str, outcomes)) == ["False"] * (RACERS - 1) + ["True"]
        outcomes = await race(lambda: _pause_queue(world, paused=False))
        assert sorted(map(str, outcomes)) == ["False"] * (RACERS - 1) + ["True"]

    async def test_a_pause_that_is_rolled_back_was_none(self, world: World) -> None:
        await world.job_upkeep.declare([BREAKFAST])
        with pytest.raises(Mishap):
            async with world.uow.begin() as tx:
                await tx.job_admin.pause_queue("high", paused=True)
                await tx.job_admin.pause_schedule("breakfast", paused=True)
                raise Mishap
        assert await _paused_since(world) is None
        assert (await _breakfast(world)).paused_at is None

    async def test_a_schedule_that_there_is_not_cannot_be_paused(self, world: World) -> None:
        async with world.uow.begin() as tx:
            assert await tx.job_admin.pause_schedule("breakfast", paused=True) is None
            assert await tx.job_admin.pause_schedule("breakfast", paused=False) is None

    async def test_pausing_a_schedule_tells_whether_it_changed_anything(self, world: World) -> None:
        await world.job_upkeep.declare([BREAKFAST])
        changes = [await _pause_schedule(world, paused=paused) for paused in (False, True, True, False, False)]
        assert changes == [False, True, False, True, False]

    @pytest.mark.parametrize(("missed", "jobs"), [(Missed.ONCE, 1), (Missed.ALL, 3), (Missed.SKIP, 0)])
    async def test_a_paused_schedule_does_not_tick_and_then_makes_up_for_it_as_it_says(
        self, world: World, missed: Missed, jobs: int
    ) -> None:
        breakfast = Schedule(name="breakfast", job=Errand(), every=DAY, missed=missed)
        await world.job_upkeep.declare([breakfast])
        await _pause_schedule(world, paused=True)
        paused = await _breakfast(world)
        assert paused.paused_at is not None
        await world.pass_time(3 * DAY.total_seconds())
        await world.job_upkeep.declare([breakfast])
        assert await world.job_upkeep.tick() == ()
        await _pause_schedule(world, paused=False)
        assert (await _breakfast(world)).paused_at is None
        assert len(await world.job_upkeep.tick()) == jobs


class RunsNowContract(Contract):
    """A schedule's job, apart from its ticks. Fixture: `world`."""

    async def test_a_schedule_that_there_is_not_cannot_be_run(self, world: World) -> None:
        assert await _run_now(world) is None

    async def test_the_job_is_available_at_once_and_names_its_schedule(self, world: World) -> None:
        await world.job_upkeep.declare([BREAKFAST])
        async with listening(world) as heard:
            job_id = await _run_now(world)
        assert job_id is not None
        kept = await job(world, job_id)
        assert (kept.state, kept.kind, kept.queue, kept.priority) == (JobState.AVAILABLE, "errand", "high", 2)
        assert (kept.max_attempts, kept.timeout, kept.metadata) == (5, 60.0, {"schedule": "breakfast"})
        assert kept.args is not None
        assert b"rolls" in bytes(kept.args)
        assert heard == [Signal(kind=SignalKind.AVAILABLE, key="high")]

    async def test_its_ticks_stay_as_they_are(self, world: World) -> None:
        await world.job_upkeep.declare([BREAKFAST])
        before = await _breakfast(world)
        job_id = await _run_now(world)
        after = await _breakfast(world)
        assert after.next_run_at == before.next_run_at
        assert after.last_job_id == job_id
        assert after.last_run_at is not None
        await world.pass_time(DAY.total_seconds())
        await world.job_upkeep.declare([BREAKFAST])
        assert len(await world.job_upkeep.tick()) == 1

    async def test_a_schedule_that_no_program_declares_any_more_can_be_run(self, world: World) -> None:
        await world.job_upkeep.declare([BREAKFAST])
        await world.pass_time(DAY.total_seconds())
        assert await world.job_upkeep.tick() == ()
        job_id = await _run_now(world)
        assert job_id is not None
        assert await state(world, job_id) is JobState.AVAILABLE

    async def test_a_paused_schedule_can_be_run_and_stays_paused(self, world: World) -> None:
        await world.job_upkeep.declare([BREAKFAST])
        await _pause_schedule(world, paused=True)
        assert await _run_now(world) is not None
        assert (await _breakfast(world)).paused_at is not None

    async def test_every_run_is_a_job_of_its_own_unless_it_is_unique(self, world: World) -> None:
        await world.job_upkeep.declare([BREAKFAST])
        assert await _run_now(world) != await _run_now(world)

    @pytest.mark.parametrize("to", sorted(UNFINISHED))
    async def test_a_unique_job_that_is_there_already_is_answered(self, world: World, to: JobState) -> None:
        await world.job_upkeep.declare([Schedule(name="breakfast", job=SoleErrand(), every=DAY)])
        there = await bring_into(world, to, SoleErrand())
        assert await _run_now(world) == there
        assert await state(world, there) is to
        assert (await _breakfast(world)).last_job_id is None

    async def test_of_many_who_run_a_unique_job_at_once_all_get_the_same(self, world: World) -> None:
        await world.job_upkeep.declare([Schedule(name="breakfast", job=SoleErrand(), every=DAY)])
        outcomes = await race(lambda: _run_now(world))
        assert len(set(outcomes)) == 1
        assert await world.job_reader.counts() == {"default": {JobState.AVAILABLE: 1}}


async def _pause_queue(world: World, *, paused: bool) -> bool:
    async with world.uow.begin() as tx:
        return await tx.job_admin.pause_queue("high", paused=paused)


async def _pause_schedule(world: World, *, paused: bool) -> bool | None:
    async with world.uow.begin() as tx:
        return await tx.job_admin.pause_schedule("breakfast", paused=paused)


async def _paused_since(world: World) -> datetime | None:
    return next(queue.paused_at for queue in await world.job_reader.queues() if queue.name == "high")


async def _breakfast(world: World) -> ScheduleInfo:
    (found,) = await world.job_reader.schedules()
    return found


async def _run_now(world: World) -> int | None:
    async with world.uow.begin() as tx:
        return await tx.job_admin.run_schedule("breakfast")
