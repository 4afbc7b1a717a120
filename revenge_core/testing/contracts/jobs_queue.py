"""What every transaction's end of the job queue owes."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from revenge_core.background import FINISHED, UNFINISHED, JobState, Planned, Queue, Unique
from revenge_core.jobs.entities import Signal, SignalKind
from revenge_core.jobs.errors import JobRefused
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.errands import (
    HOUR,
    Delivery,
    Errand,
    Mishap,
    ask_to_cancel,
    bring_into,
    claim,
    enlist,
    enqueue,
    finish,
    heard_until,
    job,
    running,
    state,
)
from revenge_core.testing.contracts.world import RACERS, Contract, World, race

DAY = timedelta(days=1)


class JobQueueContract(Contract):
    """Enqueuing. Fixture: `world`."""

    async def test_a_job_comes_back_as_its_kind_says(self, world: World) -> None:
        before = await world.now()
        async with world.uow.begin() as tx:
            enqueued = await tx.jobs.enqueue(Errand(what="Brötchen 🎬 \"\\'", times=2**53))
        after = await world.now()
        assert not enqueued.duplicate
        kept = await job(world, enqueued.id)
        assert (kept.kind, kept.queue, kept.priority, kept.max_attempts, kept.timeout) == ("errand", "high", 2, 5, 60.0)
        assert (kept.state, kept.attempt, kept.tags, kept.metadata) == (JobState.AVAILABLE, 0, (), {})
        assert (kept.errors, kept.progress, kept.items) == ((), None, {})
        assert (kept.attempted_at, kept.attempted_by, kept.finalized_at, kept.cancel_requested_at) == (None,) * 4
        assert before <= kept.created_at <= after
        assert before <= kept.scheduled_at <= after
        assert kept.args is not None
        assert msgspec.json.decode(kept.args) == {"what": "Brötchen 🎬 \"\\'", "times": 2**53}

    async def test_a_job_comes_back_with_what_is_special_about_it(self, world: World) -> None:
        at = await world.now() + HOUR
        metadata = {"on_behalf_of": "Zoë", "nested": {"list": [1, 2.5, None, True]}}
        async with world.uow.begin() as tx:
            enqueued = await tx.jobs.enqueue(
                Planned(
                    job=Errand(),
                    at=at,
                    queue=Queue.BULK,
                    priority=4,
                    max_attempts=1,
                    tags=("b", "a"),
                    metadata=metadata,
                )
            )
        kept = await job(world, enqueued.id)
        assert (kept.queue, kept.priority, kept.max_attempts) == ("bulk", 4, 1)
        assert (kept.tags, kept.metadata) == (("b", "a"), metadata)
        assert (kept.state, kept.scheduled_at) == (JobState.SCHEDULED, at)
        assert kept.scheduled_at.utcoffset() == timedelta(0)

    async def test_jobs_may_have_no_timeout(self, world: World) -> None:
        (job_id,) = await enqueue(world, Delivery(key=Secret("x")))
        assert (await job(world, job_id)).timeout is None

    async def test_a_time_in_the_past_means_now_and_overtakes_nobody(self, world: World) -> None:
        await enlist(world, "worker")
        (first,) = await enqueue(world, Errand())
        (second,) = await enqueue(world, Planned(job=Errand(), at=await world.now() - DAY))
        assert await state(world, second) is JobState.AVAILABLE
        taken = [(await world.job_store.claim("worker", {"high": 1}))[0].id for _ in range(2)]
        assert taken == [first, second]

    async def test_many_jobs_are_answered_in_the_order_given(self, world: World) -> None:
        async with world.uow.begin() as tx:
            assert await tx.jobs.enqueue_many([]) == ()
            enqueued = await tx.jobs.enqueue_many(
                [Errand(what="a"), Planned(job=Errand(what="b"), priority=1), Errand(what="c")]
            )
        assert [one.duplicate for one in enqueued] == [False] * 3
        kept = [await job(world, one.id) for one in enqueued]
        assert [msgspec.json.decode(one.args or b"")["what"] for one in kept] == ["a", "b", "c"]
        assert [one.priority for one in kept] == [2, 1, 2]

    async def test_a_great_many_jobs_are_answered_in_the_order_given(self, world: World) -> None:
        ids = await enqueue(world, *(Errand(times=number) for number in range(1_500)))
        assert ids == sorted(set(ids))
        for number in (0, 1, 999, 1_000, 1_499):
            assert msgspec.json.decode((await job(world, ids[number])).args or b"")["times"] == number
        assert sum((await world.job_reader.counts())["high"].values()) == 1_500

    async def test_one_bad_job_refuses_all_and_every_problem_is_named(self, world: World) -> None:
        with pytest.raises(JobRefused) as refused:
            await enqueue(world, Errand(), Planned(job=Errand(), priority=5, max_attempts=0, tags=("",)))
        assert {problem.pointer for problem in refused.value.problems} == {"/priority", "/max_attempts", "/tags"}
        assert await world.job_reader.counts() == {}

    async def test_a_refused_job_leaves_the_rest_of_the_transaction_alone(self, world: World) -> None:
        async with world.uow.begin() as tx:
            good = await tx.jobs.enqueue(Errand())
            with pytest.raises(JobRefused):
                await tx.jobs.enqueue(Planned(job=Errand(), priority=0))
        assert await state(world, good.id) is JobState.AVAILABLE

    async def test_a_secret_is_sealed_and_opens_for_jobs_of_its_kind(self, world: World) -> None:
        (job_id,) = await enqueue(world, Delivery(key=Secret("under the mat")))
        kept = await job(world, job_id)
        assert kept.args is not None
        assert b"mat" not in bytes(kept.args)
        sealed = msgspec.json.decode(kept.args)["key"]["sealed"]
        assert world.sealer.unseal(sealed, "job delivery") == Secret("under the mat")

    async def test_jobs_are_seen_when_their_transaction_commits_and_not_before(self, world: World) -> None:
        async with world.uow.begin() as tx:
            enqueued = await tx.jobs.enqueue(Errand())
            assert await world.job_reader.by_id(enqueued.id, args=False) is None
        assert await state(world, enqueued.id) is JobState.AVAILABLE

    async def test_a_transaction_that_fails_enqueues_nothing(self, world: World) -> None:
        with pytest.raises(Mishap):
            async with world.uow.begin() as tx:
                await tx.jobs.enqueue(Errand())
                await tx.jobs.enqueue_many([Errand(), Planned(job=Errand(), at=await world.now() + HOUR)])
                raise Mishap
        assert await world.job_reader.counts() == {}

    async def test_workers_are_told_after_the_commit(self, world: World) -> None:
        async with world.wake_ups.listen() as signals:
            await enqueue(world, Errand())
            await heard_until(Signal(kind=SignalKind.AVAILABLE, key="high"), signals)

    async def test_workers_are_told_that_something_is_scheduled(self, world: World) -> None:
        async with world.wake_ups.listen() as signals:
            await enqueue(world, Planned(job=Errand(), at=await world.now() + HOUR))
            heard = await heard_until(Signal(kind=SignalKind.SCHEDULED), signals)
        assert Signal(kind=SignalKind.AVAILABLE, key="high") not in heard

    async def test_nobody_is_told_of_what_was_rolled_back(self, world: World) -> None:
        async with world.wake_ups.listen() as signals:
            with pytest.raises(Mishap):
                async with world.uow.begin() as tx:
                    await tx.jobs.enqueue(Planned(job=Errand(), queue=Queue.LOW))
                    raise Mishap
            await enqueue(world, Errand(), Planned(job=Errand(), queue=Queue.BULK))
            heard = await heard_until(Signal(kind=SignalKind.AVAILABLE, key="bulk"), signals)
        assert Signal(kind=SignalKind.AVAILABLE, key="low") not in heard


class JobCancellationContract(Contract):
    """Cancelling in a transaction. Fixture: `world`."""

    @pytest.mark.parametrize("waiting", sorted(UNFINISHED - {JobState.RUNNING}))
    async def test_a_job_that_waits_is_cancelled_at_once(self, world: World, waiting: JobState) -> None:
        job_id = await bring_into(world, waiting, Errand())
        before = await world.now()
        assert await ask_to_cancel(world, job_id) is JobState.CANCELLED
        cancelled = await job(world, job_id)
        assert cancelled.state is JobState.CANCELLED
        assert cancelled.finalized_at is not None
        assert before <= cancelled.finalized_at <= await world.now()
        await world.pass_time(2 * HOUR.total_seconds())
        await world.job_upkeep.promote()
        assert await claim(world) == {}

    @pytest.mark.parametrize("over", sorted(FINISHED))
    async def test_a_finished_job_stays_as_it_is(self, world: World, over: JobState) -> None:
        job_id = await bring_into(world, over, Errand())
        before = await job(world, job_id)
        assert await ask_to_cancel(world, job_id) is over
        assert await job(world, job_id) == before

    async def test_a_running_job_goes_on_until_its_worker_stops_it(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        async with world.wake_ups.listen() as signals:
            before = await world.now()
            assert await ask_to_cancel(world, claimed.id) is JobState.RUNNING
            after = await world.now()
            await heard_until(Signal(kind=SignalKind.CANCEL, key=str(claimed.id)), signals)
        asked = await job(world, claimed.id)
        assert (asked.state, asked.finalized_at) == (JobState.RUNNING, None)
        assert asked.cancel_requested_at is not None
        assert before <= asked.cancel_requested_at <= after
        assert await world.job_store.cancel_requests("worker") == (claimed.key,)

    async def test_there_is_nothing_to_cancel_where_there_is_no_job(self, world: World) -> None:
        assert await ask_to_cancel(world, 4711) is None

    async def test_a_cancellation_that_is_rolled_back_never_was(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        (waiting,) = await enqueue(world, Errand())
        with pytest.raises(Mishap):
            async with world.uow.begin() as tx:
                await tx.jobs.cancel(waiting)
                await tx.jobs.cancel(claimed.id)
                raise Mishap
        assert await state(world, waiting) is JobState.AVAILABLE
        assert await world.job_store.cancel_requests("worker") == ()

    async def test_a_unique_job_that_is_cancelled_makes_room(self, world: World) -> None:
        async with world.uow.begin() as tx:
            first = await tx.jobs.enqueue(Planned(job=Errand(), unique=Unique()))
            await tx.jobs.cancel(first.id)
            second = await tx.jobs.enqueue(Planned(job=Errand(), unique=Unique()))
        assert not second.duplicate
        assert second.id != first.id


class JobCompletionContract(Contract):
    """Completing in the transaction of the effects. Fixture: `world`."""

    async def test_the_run_that_holds_the_job_completes_it(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        before = await world.now()
        async with world.uow.begin() as tx:
            assert await tx.jobs.complete(claimed.id, claimed.run)
        completed = await job(world, claimed.id)
        assert completed.state is JobState.COMPLETED
        assert completed.finalized_at is not None
        assert before <= completed.finalized_at <= await world.now()
        assert (completed.attempt, completed.errors) == (1, ())

    async def test_a_job_that_is_completed_cannot_be_finished_otherwise(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        async with world.uow.begin() as tx:
            await tx.jobs.complete(claimed.id, claimed.run)
        completed = await job(world, claimed.id)
        assert not await finish(world, claimed, JobState.DISCARDED, error="too late")
        async with world.uow.begin() as tx:
            assert not await tx.jobs.complete(claimed.id, claimed.run)
        assert await job(world, claimed.id) == completed

    async def test_a_completion_that_is_rolled_back_leaves_the_job_running(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        with pytest.raises(Mishap):
            async with world.uow.begin() as tx:
                assert await tx.jobs.complete(claimed.id, claimed.run)
                raise Mishap
        assert await state(world, claimed.id) is JobState.RUNNING
        assert await finish(world, claimed)

    async def test_a_run_that_lost_the_job_completes_nothing(self, world: World) -> None:
        (lost,) = await running(world, Errand())
        await world.job_store.leave("worker")
        async with world.uow.begin() as tx:
            assert not await tx.jobs.complete(lost.id, lost.run)
        await enlist(world, "other")
        now = (await claim(world, "other"))[lost.id]
        async with world.uow.begin() as tx:
            assert not await tx.jobs.complete(lost.id, lost.run)
        assert await state(world, lost.id) is JobState.RUNNING
        async with world.uow.begin() as tx:
            assert await tx.jobs.complete(now.id, now.run)

    @pytest.mark.parametrize("elsewhere", sorted(set(JobState) - {JobState.RUNNING}))
    async def test_only_a_running_job_can_be_completed(self, world: World, elsewhere: JobState) -> None:
        job_id = await bring_into(world, elsewhere, Errand())
        before = await job(world, job_id)
        async with world.uow.begin() as tx:
            for run in (0, 1):
                assert not await tx.jobs.complete(job_id, run)
            assert not await tx.jobs.complete(job_id + 1, 1)
        assert await job(world, job_id) == before

    async def test_a_job_may_complete_though_somebody_wanted_it_cancelled(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        await ask_to_cancel(world, claimed.id)
        async with world.uow.begin() as tx:
            assert await tx.jobs.complete(claimed.id, claimed.run)
        assert await state(world, claimed.id) is JobState.COMPLETED

    async def test_a_unique_job_may_enqueue_its_successor_when_it_completes(self, world: World) -> None:
        (claimed,) = await running(world, Planned(job=Errand(), unique=Unique()))
        async with world.uow.begin() as tx:
            assert (await tx.jobs.enqueue(Planned(job=Errand(), unique=Unique()))).duplicate
            assert await tx.jobs.complete(claimed.id, claimed.run)
            successor = await tx.jobs.enqueue(Planned(job=Errand(), unique=Unique()))
        assert not successor.duplicate
        assert await state(world, successor.id) is JobState.AVAILABLE

    async def test_of_many_who_complete_a_job_one_did(self, world: World) -> None:
        (claimed,) = await running(world, Errand())

        async def complete() -> bool:
            async with world.uow.begin() as tx:
                done = await tx.jobs.complete(claimed.id, claimed.run)
                await asyncio.sleep(0)
                return done

        assert sorted(await race(complete), key=bool) == [False] * (RACERS - 1) + [True]
