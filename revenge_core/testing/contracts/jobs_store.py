"""What every store of jobs owes to the workers that claim from it."""

import msgspec
import pytest

from revenge_core.background import JobState, Planned, Queue
from revenge_core.jobs.entities import ANSWERED_WITHIN, JobKey
from revenge_core.testing.builders import a_worker
from revenge_core.testing.contracts.errands import (
    EVERY_QUEUE,
    HOUR,
    Errand,
    SoleErrand,
    ask_to_cancel,
    bring_into,
    claim,
    enlist,
    enqueue,
    finish,
    job,
    running,
    state,
)
from revenge_core.testing.contracts.world import RACERS, Contract, World, race

LONG_AGO = ANSWERED_WITHIN.total_seconds() + 60


class JobStoreContract(Contract):
    """Handing out jobs. Fixture: `world`."""

    async def test_a_job_is_handed_out_with_all_that_is_needed_to_run_it(self, world: World) -> None:
        await enlist(world, "worker")
        planned = Planned(job=Errand(what="Brötchen"), priority=1, metadata={"schedule": "breakfast"})
        (job_id,) = await enqueue(world, planned)
        before = await world.now()
        (claimed,) = await world.job_store.claim("worker", {"high": 1})
        after = await world.now()
        assert (claimed.id, claimed.run) == (job_id, 1)
        assert (claimed.kind, claimed.queue, claimed.priority) == ("errand", "high", 1)
        assert (claimed.attempt, claimed.max_attempts, claimed.timeout) == (1, 5, 60.0)
        assert msgspec.json.decode(claimed.args) == {"what": "Brötchen", "times": 1}
        assert (claimed.metadata, claimed.progress) == ({"schedule": "breakfast"}, None)
        assert before <= claimed.attempted_at <= after
        assert claimed.key == JobKey(id=job_id, run=1)
        kept = await job(world, job_id)
        assert (kept.state, kept.attempt, kept.attempted_by) == (JobState.RUNNING, 1, "worker")
        assert (kept.attempted_at, kept.created_at, kept.scheduled_at) == (
            claimed.attempted_at,
            claimed.created_at,
            claimed.scheduled_at,
        )

    async def test_urgent_jobs_go_first_then_those_that_were_due_first_then_the_smaller_id(self, world: World) -> None:
        await enlist(world, "worker")
        soon = await world.now() + HOUR
        late, early = await enqueue(world, Planned(job=Errand(), at=soon + HOUR), Planned(job=Errand(), at=soon))
        await world.pass_time(3 * HOUR.total_seconds())
        await world.job_upkeep.promote()
        low, first, second = await enqueue(world, Planned(job=Errand(), priority=4), Errand(), Errand())
        urgent = (await enqueue(world, Planned(job=Errand(), priority=1)))[0]
        order = [(await world.job_store.claim("worker", {"high": 1}))[0].id for _ in range(6)]
        assert order == [urgent, early, late, first, second, low]

    async def test_each_queue_gives_as_many_as_are_asked_for(self, world: World) -> None:
        await enlist(world, "worker")
        for queue in (Queue.LOW, Queue.BULK, Queue.HIGH):
            await enqueue(world, *[Planned(job=Errand(), queue=queue)] * 3)
        claimed = await world.job_store.claim("worker", {"low": 2, "bulk": 5, "high": 0, "default": 1, "unheard of": 1})
        assert sorted(one.queue for one in claimed) == ["bulk"] * 3 + ["low"] * 2
        assert await world.job_store.claim("worker", {}) == ()
        assert len(await world.job_store.claim("worker", EVERY_QUEUE)) == 4

    async def test_only_kinds_that_are_asked_for_are_handed_out(self, world: World) -> None:
        await enlist(world, "worker")
        errand = Planned(job=Errand(), queue=Queue.DEFAULT, priority=1)
        first, second, other = await enqueue(world, errand, errand, Planned(job=SoleErrand(), priority=4))
        claimed = await world.job_store.claim("worker", {"default": 1}, kinds=["sole_errand", "unheard_of"])
        assert [one.id for one in claimed] == [other]
        assert await world.job_store.claim("worker", EVERY_QUEUE, kinds=[]) == ()
        assert (await claim(world)).keys() == {first, second}

    @pytest.mark.parametrize("elsewhere", sorted(set(JobState) - {JobState.AVAILABLE}))
    async def test_only_available_jobs_are_handed_out(self, world: World, elsewhere: JobState) -> None:
        job_id = await bring_into(world, elsewhere, Errand())
        before = await job(world, job_id)
        await enlist(world, "worker")
        assert await claim(world) == {}
        assert await job(world, job_id) == before

    async def test_a_paused_queue_gives_nothing_and_others_do(self, world: World) -> None:
        await enlist(world, "worker")
        paused, other = await enqueue(world, Errand(), Planned(job=Errand(), queue=Queue.LOW))
        async with world.uow.begin() as tx:
            await tx.job_admin.pause_queue("high", paused=True)
        assert (await claim(world)).keys() == {other}
        async with world.uow.begin() as tx:
            await tx.job_admin.pause_queue("high", paused=False)
        assert (await claim(world)).keys() == {paused}

    async def test_no_job_is_handed_out_twice_at_a_time(self, world: World) -> None:
        names = [f"worker-{number}" for number in range(RACERS)]
        await enlist(world, *names)
        ids = await enqueue(world, *[Errand()] * (5 * RACERS))
        waiting = iter(names)

        async def take_some() -> list[int]:
            name = next(waiting)
            taken: list[int] = []
            while claimed := await world.job_store.claim(name, {"high": 3}):
                taken += [one.id for one in claimed]
            return taken

        taken = [one for outcome in await race(take_some) if isinstance(outcome, list) for one in outcome]
        assert sorted(taken) == ids

    async def test_runs_are_counted_and_never_taken_back(self, world: World) -> None:
        (first,) = await running(world, Errand())
        await world.job_store.leave("worker")
        await enlist(world, "worker")
        second = (await claim(world))[first.id]
        assert await finish(world, second, JobState.SCHEDULED, refund=True)
        third = (await claim(world))[first.id]
        assert [(one.run, one.attempt) for one in (first, second, third)] == [(1, 1), (2, 1), (3, 1)]


class JobWorkersContract(Contract):
    """Workers and their leases, as a store of jobs keeps them. Fixture: `world`."""

    async def test_a_worker_that_announces_itself_is_seen(self, world: World) -> None:
        before = await world.now()
        await world.job_store.enlist(a_worker("worker", host="küche", pid=2**22, version="1.2.3+x", queues={"low": 5}))
        after = await world.now()
        (seen,) = await world.job_reader.workers()
        assert (seen.id, seen.host, seen.pid, seen.version) == ("worker", "küche", 2**22, "1.2.3+x")
        assert (seen.queues, seen.running) == ({"low": 5}, 0)
        assert seen.started_at is not None
        assert seen.seen_at is not None
        assert before <= seen.started_at <= after
        assert before <= seen.seen_at <= after

    async def test_a_worker_may_announce_itself_again(self, world: World) -> None:
        await running(world, Errand())
        await world.job_store.enlist(a_worker("worker", pid=12))
        (seen,) = await world.job_reader.workers()
        assert (seen.pid, seen.running) == (12, 1)

    async def test_a_beat_renews_the_lease(self, world: World) -> None:
        await enlist(world, "worker", "silent")
        await world.pass_time(60)
        before = await world.now()
        assert await world.job_store.beat("worker")
        silent, beaten = await world.job_reader.workers()
        assert silent.seen_at is not None
        assert beaten.seen_at is not None
        assert silent.seen_at < before <= beaten.seen_at <= await world.now()

    async def test_who_is_not_announced_has_no_lease_to_renew(self, world: World) -> None:
        await enlist(world, "other")
        assert not await world.job_store.beat("worker")
        assert [seen.id for seen in await world.job_reader.workers()] == ["other"]

    async def test_who_leaves_gives_back_all_jobs_uncounted(self, world: World) -> None:
        lost = [claimed.id for claimed in await running(world, Errand(), Planned(job=Errand(), queue=Queue.BULK))]
        (others,) = await running(world, Errand(), worker_id="other")
        assert await world.job_store.leave("worker") == 2
        for job_id in lost:
            given_back = await job(world, job_id)
            assert (given_back.state, given_back.attempt, given_back.errors) == (JobState.AVAILABLE, 0, ())
        assert await state(world, others.id) is JobState.RUNNING
        assert [seen.id for seen in await world.job_reader.workers()] == ["other"]
        assert not await world.job_store.beat("worker")

    async def test_a_job_that_is_given_back_keeps_its_place(self, world: World) -> None:
        (first,) = await running(world, Errand())
        (second,) = await enqueue(world, Errand())
        await world.job_store.leave("worker")
        await enlist(world, "other")
        order = [(await world.job_store.claim("other", {"high": 1}))[0].id for _ in range(2)]
        assert order == [first.id, second]

    async def test_a_job_that_was_to_be_cancelled_is_cancelled_when_its_worker_leaves(self, world: World) -> None:
        unwanted, wanted = await running(world, Errand(), Errand())
        await ask_to_cancel(world, unwanted.id)
        assert await world.job_store.leave("worker") == 2
        cancelled = await job(world, unwanted.id)
        assert (cancelled.state, cancelled.attempt) == (JobState.CANCELLED, 0)
        assert cancelled.finalized_at is not None
        assert await state(world, wanted.id) is JobState.AVAILABLE

    async def test_whoever_holds_nothing_leaves_with_nothing(self, world: World) -> None:
        await enlist(world, "worker")
        assert await world.job_store.leave("worker") == 0
        assert await world.job_store.leave("worker") == 0

    async def test_a_claim_whose_answer_got_lost_is_given_back(self, world: World) -> None:
        known, unknown, unwanted = await running(world, Errand(), Errand(), Errand())
        (others,) = await running(world, Errand(), worker_id="other")
        await ask_to_cancel(world, unwanted.id)
        await world.pass_time(LONG_AGO)
        assert await world.job_store.give_back_unknown("worker", [known.key]) == 2
        given_back = await job(world, unknown.id)
        assert (given_back.state, given_back.attempt) == (JobState.AVAILABLE, 0)
        assert await state(world, unwanted.id) is JobState.CANCELLED
        assert [await state(world, one.id) for one in (known, others)] == [JobState.RUNNING] * 2
        assert not await finish(world, unknown)
        assert await finish(world, known)

    async def test_what_was_handed_out_just_now_is_left_alone(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        assert await world.job_store.give_back_unknown("worker", []) == 0
        assert await state(world, claimed.id) is JobState.RUNNING

    async def test_another_run_of_a_known_job_is_not_known(self, world: World) -> None:
        (first,) = await running(world, Errand())
        assert await finish(world, first, JobState.AVAILABLE, refund=True)
        second = (await claim(world))[first.id]
        await world.pass_time(LONG_AGO)
        assert await world.job_store.give_back_unknown("worker", [first.key]) == 1
        assert not await finish(world, second)
