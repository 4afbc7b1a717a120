"""What all upkeep of the job queue owes: leading, promoting, rescuing, cleaning."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_core.background import FINISHED, ItemOutcome, ItemStatus, JobState, Planned, Progress, Queue
from revenge_core.jobs.entities import JobFilter, Signal, SignalKind
from revenge_core.jobs.policy import LOST, OVERRAN
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.errands import (
    HOUR,
    RULES,
    Delivery,
    Errand,
    ask_to_cancel,
    bring_into,
    bring_into_each,
    claim,
    enlist,
    enqueue,
    finish,
    heard_until,
    job,
    running,
    state,
    told,
)
from revenge_core.testing.contracts.world import RACERS, Contract, World, race

LEASE = timedelta(minutes=10)
LOSING = RULES.lease.total_seconds() + 60
"""Seconds after which a worker that was not heard of is given up."""
OVERRUNNING = 60 + RULES.grace.total_seconds() + 60
"""Seconds after which an errand, which has a minute, is taken from its worker."""


async def lose(world: World, worker_id: str = "worker") -> tuple[int, ...]:
    """The worker is not heard of any more; what was rescued."""
    await world.pass_time(LOSING)
    rescued = await world.job_upkeep.rescue(RULES)
    await enlist(world, worker_id)
    return rescued


class JobUpkeepContract(Contract):
    """Leading and promoting. Fixture: `world`."""

    async def test_one_leads_and_goes_on_leading(self, world: World) -> None:
        await enlist(world, "first", "second")
        assert await world.job_upkeep.lead("first", LEASE)
        assert not await world.job_upkeep.lead("second", LEASE)
        await world.pass_time(LEASE.total_seconds() / 2)
        assert await world.job_upkeep.lead("first", LEASE)
        await world.pass_time(LEASE.total_seconds() * 3 / 4)
        assert not await world.job_upkeep.lead("second", LEASE)

    async def test_another_leads_when_the_leader_was_not_heard_of(self, world: World) -> None:
        assert await world.job_upkeep.lead("first", LEASE)
        await world.pass_time(LEASE.total_seconds() + 60)
        assert await world.job_upkeep.lead("second", LEASE)
        assert not await world.job_upkeep.lead("first", LEASE)

    async def test_of_many_who_would_lead_one_does(self, world: World) -> None:
        names = iter(range(RACERS))
        outcomes = await race(lambda: world.job_upkeep.lead(f"worker-{next(names)}", LEASE))
        assert sorted(outcomes, key=bool) == [False] * (RACERS - 1) + [True]

    async def test_what_is_due_becomes_available_and_the_rest_waits(self, world: World) -> None:
        now = await world.now()
        due, later = await enqueue(
            world, Planned(job=Errand(), at=now + HOUR), Planned(job=Errand(), queue=Queue.LOW, at=now + 3 * HOUR)
        )
        await enlist(world, "worker")
        assert (await world.job_upkeep.promote()).queues == ()
        await world.pass_time(2 * HOUR.total_seconds())
        promoted = await world.job_upkeep.promote()
        assert promoted.queues == ("high",)
        assert promoted.next_in is not None
        assert HOUR - timedelta(minutes=5) < promoted.next_in <= HOUR
        assert [await state(world, one) for one in (due, later)] == [JobState.AVAILABLE, JobState.SCHEDULED]
        assert (await claim(world)).keys() == {due}

    async def test_failed_runs_become_available_when_their_pause_is_over(self, world: World) -> None:
        retryable = await bring_into(world, JobState.RETRYABLE, Errand())
        promoted = await world.job_upkeep.promote()
        assert promoted.queues == ()
        assert promoted.next_in is not None
        await world.pass_time(HOUR.total_seconds() + 1)
        assert (await world.job_upkeep.promote()).queues == ("high",)
        assert await state(world, retryable) is JobState.AVAILABLE

    async def test_nothing_is_next_where_nothing_is_scheduled(self, world: World) -> None:
        await bring_into_each(world, set(JobState) - {JobState.SCHEDULED, JobState.RETRYABLE})
        promoted = await world.job_upkeep.promote()
        assert (promoted.queues, promoted.next_in) == ((), None)

    async def test_a_great_many_jobs_become_due_at_once(self, world: World) -> None:
        at = await world.now() + HOUR
        await enqueue(world, *[Planned(job=Errand(), at=at)] * 1_200, Planned(job=Errand(), at=at, queue=Queue.BULK))
        await world.pass_time(HOUR.total_seconds() + 1)
        assert sorted((await world.job_upkeep.promote()).queues) == ["bulk", "high"]
        assert await world.job_reader.count(JobFilter(states=(JobState.AVAILABLE,))) == 1_201

    async def test_workers_are_told_what_became_available(self, world: World) -> None:
        await enqueue(world, Planned(job=Errand(), at=await world.now() + HOUR))
        await world.pass_time(HOUR.total_seconds() + 1)
        async with world.wake_ups.listen() as signals:
            await world.job_upkeep.promote()
            await heard_until(Signal(kind=SignalKind.AVAILABLE, key="high"), signals)

    async def test_who_promotes_beside_others_breaks_nothing(self, world: World) -> None:
        at = await world.now() + HOUR
        ids = await enqueue(world, *[Planned(job=Errand(), at=at)] * 50)
        await world.pass_time(HOUR.total_seconds() + 1)
        assert [type(outcome).__name__ for outcome in await race(world.job_upkeep.promote)] == ["Promoted"] * RACERS
        await enlist(world, "worker")
        assert (await claim(world)).keys() == set(ids)


class RescueContract(Contract):
    """Jobs whose workers are lost. Fixture: `world`."""

    async def test_jobs_of_a_lost_worker_go_on_at_once(self, world: World) -> None:
        (lost,) = await running(world, Errand())
        async with world.wake_ups.listen() as signals:
            assert await lose(world) == (lost.id,)
            await heard_until(Signal(kind=SignalKind.AVAILABLE, key="high"), signals)
        kept = await job(world, lost.id)
        assert (kept.state, kept.attempt) == (JobState.AVAILABLE, 1)
        assert told(kept.errors) == [(1, LOST, "worker")]
        again = (await claim(world))[lost.id]
        assert (again.attempt, again.run) == (2, 2)
        assert not await finish(world, lost)
        assert await finish(world, again)

    async def test_a_worker_that_is_given_up_is_told_so_when_it_beats(self, world: World) -> None:
        await running(world, Errand())
        await world.pass_time(LOSING)
        await world.job_upkeep.rescue(RULES)
        assert not await world.job_store.beat("worker")
        assert await world.job_reader.workers() == ()
        await enlist(world, "worker")
        assert await world.job_store.beat("worker")

    async def test_jobs_of_a_worker_that_beats_are_left_alone(self, world: World) -> None:
        (claimed,) = await running(world, Planned(job=Errand()))
        (lost,) = await running(world, Errand(), worker_id="silent")
        await world.pass_time(RULES.lease.total_seconds() / 2)
        assert await world.job_store.beat("worker")
        await world.pass_time(RULES.lease.total_seconds() * 3 / 4)
        assert await world.job_upkeep.rescue(replace(RULES, grace=timedelta(days=1))) == (lost.id,)
        assert await state(world, claimed.id) is JobState.RUNNING

    async def test_a_job_that_loses_its_workers_again_and_again_waits_longer(self, world: World) -> None:
        await enlist(world, "worker")
        (job_id,) = await enqueue(world, Planned(job=Errand(), max_attempts=9))
        for _ in range(2):
            await claim(world)
            await lose(world)
            assert await state(world, job_id) is JobState.AVAILABLE
        await claim(world)
        await world.pass_time(LOSING)
        before = await world.now()
        assert await world.job_upkeep.rescue(RULES) == (job_id,)
        after = await world.now()
        kept = await job(world, job_id)
        pause = timedelta(seconds=3**4)
        assert kept.state is JobState.RETRYABLE
        assert before + pause <= kept.scheduled_at <= after + pause

    async def test_a_first_loss_after_failures_is_a_first_loss(self, world: World) -> None:
        await enlist(world, "worker")
        (job_id,) = await enqueue(world, Errand())
        for _ in range(3):
            await finish(world, (await claim(world))[job_id], JobState.RETRYABLE, error="no flour")
        await claim(world)
        assert await lose(world) == (job_id,)
        assert await state(world, job_id) is JobState.AVAILABLE

    async def test_the_pause_after_a_loss_is_an_hour_at_most(self, world: World) -> None:
        await enlist(world, "worker")
        (job_id,) = await enqueue(world, Planned(job=Errand(), max_attempts=20))
        for _ in range(6):
            await finish(world, (await claim(world))[job_id], JobState.RETRYABLE, error="no flour")
        for _ in range(2):
            await claim(world)
            await lose(world)
        await claim(world)
        await world.pass_time(LOSING)
        before = await world.now()
        await world.job_upkeep.rescue(RULES)
        kept = await job(world, job_id)
        assert kept.attempt == 9
        assert before + HOUR <= kept.scheduled_at <= await world.now() + HOUR

    async def test_a_lost_job_without_attempts_left_is_discarded(self, world: World) -> None:
        (lost,) = await running(world, Planned(job=Errand(), max_attempts=1))
        assert await lose(world) == (lost.id,)
        kept = await job(world, lost.id)
        assert kept.state is JobState.DISCARDED
        assert kept.finalized_at is not None
        assert told(kept.errors) == [(1, LOST, "worker")]

    @pytest.mark.parametrize("max_attempts", [1, 2])
    async def test_a_lost_job_that_somebody_wanted_cancelled_is_cancelled(
        self, world: World, max_attempts: int
    ) -> None:
        (lost,) = await running(world, Planned(job=Errand(), max_attempts=max_attempts))
        await ask_to_cancel(world, lost.id)
        assert await lose(world) == (lost.id,)
        assert await state(world, lost.id) is JobState.CANCELLED

    async def test_a_job_that_overran_its_timeout_is_taken_from_a_worker_that_lives(self, world: World) -> None:
        (overran,) = await running(world, Errand())
        (endless,) = await running(world, Delivery(key=Secret("under the mat")), worker_id="other")
        for seconds, taken in ((OVERRUNNING / 3, ()), (OVERRUNNING, (overran.id,))):
            await world.pass_time(seconds)
            for worker_id in ("worker", "other"):
                assert await world.job_store.beat(worker_id)
            assert await world.job_upkeep.rescue(RULES) == taken
        assert await state(world, endless.id) is JobState.RUNNING
        kept = await job(world, overran.id)
        assert (kept.state, told(kept.errors)) == (JobState.AVAILABLE, [(1, OVERRAN, "worker")])
        assert {seen.id for seen in await world.job_reader.workers()} == {"other", "worker"}

    async def test_nothing_is_rescued_that_does_not_run(self, world: World) -> None:
        ids = await bring_into_each(world, set(JobState) - {JobState.RUNNING})
        before = [(one.id, one.state, one.attempt, one.errors) for one in [await job(world, each) for each in ids]]
        assert await lose(world, "bringer") == ()
        after = [(one.id, one.state, one.attempt, one.errors) for one in [await job(world, each) for each in ids]]
        assert after == before

    async def test_of_many_who_rescue_a_job_one_does(self, world: World) -> None:
        (lost,) = await running(world, Errand())
        await world.pass_time(LOSING)
        outcomes = await race(lambda: world.job_upkeep.rescue(RULES))
        assert sorted(outcomes, key=str) == [()] * (RACERS - 1) + [(lost.id,)]
        assert len((await job(world, lost.id)).errors) == 1

    async def test_after_leases_were_lost_workers_have_one_lease_to_come_back(self, world: World) -> None:
        back, gone = await running(world, Errand(), Planned(job=Errand(), queue=Queue.LOW))
        await world.lose_leases()
        rules = replace(RULES, grace=timedelta(days=1))
        assert await world.job_upkeep.rescue(rules) == ()
        assert not await world.job_store.beat("worker")
        await enlist(world, "worker")
        assert await finish(world, back)
        (others,) = await running(world, Planned(job=Errand(), queue=Queue.BULK), worker_id="other")
        await world.lose_leases()
        assert await world.job_upkeep.rescue(rules) == ()
        await enlist(world, "worker")
        await world.pass_time(RULES.lease.total_seconds() / 2)
        assert await world.job_upkeep.rescue(rules) == ()
        await world.job_store.beat("worker")
        await world.pass_time(RULES.lease.total_seconds() * 3 / 4)
        assert await world.job_upkeep.rescue(rules) == (others.id,)
        assert await finish(world, gone)

    async def test_another_leads_after_leases_were_lost(self, world: World) -> None:
        assert await world.job_upkeep.lead("first", LEASE)
        await world.lose_leases()
        assert await world.job_upkeep.lead("second", LEASE)


class CleaningContract(Contract):
    """Finished jobs that were kept long enough. Fixture: `world`."""

    @pytest.mark.parametrize(
        ("over", "kept_for"),
        [
            (JobState.COMPLETED, RULES.keep_completed),
            (JobState.CANCELLED, RULES.keep_cancelled),
            (JobState.DISCARDED, RULES.keep_discarded),
        ],
    )
    async def test_each_state_is_kept_for_its_time(self, world: World, over: JobState, kept_for: timedelta) -> None:
        job_id = await bring_into(world, over, Errand())
        await world.pass_time(kept_for.total_seconds() - 600)
        assert await world.job_upkeep.clean(RULES) == 0
        await world.pass_time(660)
        assert await world.job_upkeep.clean(RULES) == 1
        assert await world.job_reader.by_id(job_id, args=False) is None

    async def test_unfinished_jobs_are_kept_for_ever(self, world: World) -> None:
        ids = await bring_into_each(world, set(JobState) - FINISHED)
        await world.pass_time(timedelta(days=400).total_seconds())
        assert await world.job_upkeep.clean(RULES) == 0
        for job_id in ids:
            await job(world, job_id)

    async def test_the_oldest_go_first_and_no_more_than_asked_for(self, world: World) -> None:
        first, second, third = await running(world, Errand(), Errand(), Errand())
        for claimed in (second, first, third):
            await finish(world, claimed)
            await world.pass_time(60)
        await world.pass_time(RULES.keep_completed.total_seconds())
        assert await world.job_upkeep.clean(RULES, limit=2) == 2
        assert await world.job_reader.by_id(third.id, args=False) is not None
        assert await world.job_upkeep.clean(RULES, limit=2) == 1
        assert await world.job_upkeep.clean(RULES, limit=2) == 0

    async def test_what_became_of_its_items_goes_with_a_job(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        await world.job_store.report(claimed.key, Progress(), [ItemOutcome(item="a", status=ItemStatus.DONE)])
        await finish(world, claimed)
        await world.pass_time(2 * RULES.keep_completed.total_seconds())
        assert await world.job_upkeep.clean(RULES) == 1
        assert await world.job_reader.items(claimed.id, limit=1, after=None) == ()

    async def test_who_cleans_beside_others_counts_what_it_deleted_itself(self, world: World) -> None:
        for claimed in await running(world, *[Errand()] * 20):
            await finish(world, claimed)
        await world.pass_time(2 * RULES.keep_completed.total_seconds())
        outcomes = await race(lambda: world.job_upkeep.clean(RULES))
        assert sum(outcome for outcome in outcomes if isinstance(outcome, int)) == 20
