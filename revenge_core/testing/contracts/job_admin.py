"""What every store of jobs owes to administrators who retry, cancel and delete them."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from revenge_core.background import FINISHED, UNFINISHED, ItemOutcome, ItemStatus, JobState, Planned, Progress, Queue
from revenge_core.jobs.entities import BulkItem, ItemResult, JobAct, JobFilter, Signal, SignalKind
from revenge_core.testing.contracts.errands import (
    HOUR,
    Errand,
    Mishap,
    OnceErrand,
    SoleErrand,
    ask_to_cancel,
    bring_into,
    claim,
    ended,
    enlist,
    enqueue,
    finish,
    heard_until,
    job,
    running,
    state,
)
from revenge_core.testing.contracts.world import Contract, World, let_others_run, race

EVERY_STATE = frozenset(JobState)
DONE, REFUSED, NOT_FOUND = ItemResult.DONE, ItemResult.REFUSED, ItemResult.NOT_FOUND
NOBODY = 2**62
"""No job has this id."""
ENOUGH = Signal(kind=SignalKind.AVAILABLE, key="low")
"""The signal after which a test has heard enough."""


async def act(
    world: World, what: JobAct, *ids: int, states: Collection[JobState] = EVERY_STATE
) -> tuple[BulkItem, ...]:
    """Do it to the jobs in a transaction of its own; what came of each."""
    async with world.uow.begin() as tx:
        acts = {
            JobAct.CANCEL: tx.job_admin.cancel,
            JobAct.DELETE: tx.job_admin.delete,
            JobAct.RETRY: tx.job_admin.retry,
        }
        return await acts[what](ids, states=states)


async def retry(world: World, *ids: int) -> list[ItemResult]:
    """Retry the jobs; what came of each."""
    return _verdicts(await act(world, JobAct.RETRY, *ids))


async def cancel(world: World, *ids: int) -> list[ItemResult]:
    """Cancel the jobs; what came of each."""
    return _verdicts(await act(world, JobAct.CANCEL, *ids))


async def delete(world: World, *ids: int) -> list[ItemResult]:
    """Delete the jobs; what came of each."""
    return _verdicts(await act(world, JobAct.DELETE, *ids))


def _verdicts(results: Sequence[BulkItem]) -> list[ItemResult]:
    assert all((one.detail is not None) == (one.result is REFUSED) for one in results), "a refusal says why"
    return [one.result for one in results]


async def discarded(world: World, *jobs: SoleErrand) -> list[int]:
    """The jobs, one after the other, each discarded."""
    return [await bring_into(world, JobState.DISCARDED, each) for each in jobs]


async def is_there(world: World, job_id: int) -> bool:
    """Whether the job was not deleted."""
    return await world.job_reader.by_id(job_id, args=False) is not None


@asynccontextmanager
async def listening(world: World) -> AsyncGenerator[list[Signal]]:
    """What is heard of the block; to be looked at after it."""
    heard: list[Signal] = []
    async with world.wake_ups.listen() as signals:
        yield heard
        world.wake_ups.send([ENOUGH])
        heard += await heard_until(ENOUGH, signals) - {ENOUGH}


class JobAdminContract(Contract):
    """What holds for all three acts. Fixture: `world`."""

    @pytest.mark.parametrize("what", JobAct)
    async def test_results_come_in_the_order_asked_for_each_job_once(self, world: World, what: JobAct) -> None:
        first, second = [await bring_into(world, JobState.RETRYABLE, Errand()) for _ in range(2)]
        results = await act(world, what, second, NOBODY, first, second)
        assert [(one.id, one.result) for one in results] == [(second, DONE), (NOBODY, NOT_FOUND), (first, DONE)]

    @pytest.mark.parametrize("what", JobAct)
    async def test_of_no_jobs_nothing_is_done(self, world: World, what: JobAct) -> None:
        waiting = await bring_into(world, JobState.SCHEDULED, Errand())
        assert await act(world, what) == ()
        assert await state(world, waiting) is JobState.SCHEDULED

    @pytest.mark.parametrize("what", JobAct)
    async def test_only_the_jobs_asked_for_are_touched(self, world: World, what: JobAct) -> None:
        asked, other = [await bring_into(world, JobState.SCHEDULED, Errand()) for _ in range(2)]
        before = await job(world, other)
        await act(world, what, asked)
        assert await job(world, other) == before

    @pytest.mark.parametrize("what", JobAct)
    async def test_a_job_that_is_not_in_a_state_it_was_chosen_for_is_refused(self, world: World, what: JobAct) -> None:
        job_id = await bring_into(world, JobState.SCHEDULED, Errand())
        (refused,) = await act(world, what, job_id, states=EVERY_STATE - {JobState.SCHEDULED})
        assert (refused.result, refused.detail) == (REFUSED, "It is scheduled by now")
        assert await state(world, job_id) is JobState.SCHEDULED
        (done,) = await act(world, what, job_id, states={JobState.SCHEDULED})
        assert done.result is DONE

    @pytest.mark.parametrize("what", JobAct)
    async def test_what_is_rolled_back_was_never_done_and_nobody_hears_of_it(self, world: World, what: JobAct) -> None:
        jobs = {to: await bring_into(world, to, Errand()) for to in (JobState.DISCARDED, JobState.RETRYABLE)}
        (at_work,) = await running(world, Errand())
        async with listening(world) as heard:
            with pytest.raises(Mishap):
                async with world.uow.begin() as tx:
                    await {
                        JobAct.CANCEL: tx.job_admin.cancel,
                        JobAct.DELETE: tx.job_admin.delete,
                        JobAct.RETRY: tx.job_admin.retry,
                    }[what]([*jobs.values(), at_work.id], states=EVERY_STATE)
                    raise Mishap
        assert {to: await state(world, job_id) for to, job_id in jobs.items()} == {to: to for to in jobs}
        assert (await job(world, at_work.id)).cancel_requested_at is None
        assert heard == []

    @pytest.mark.parametrize("what", JobAct)
    async def test_a_thousand_jobs_are_done_at_once(self, world: World, what: JobAct) -> None:
        at = await world.now() + HOUR
        ids = await enqueue(world, *(Planned(job=Errand(times=number), at=at) for number in range(1000)))
        assert await act(world, what, *reversed(ids)) == tuple(
            BulkItem(id=job_id, result=DONE) for job_id in reversed(ids)
        )

    @pytest.mark.parametrize("to", [JobState.AVAILABLE, JobState.DISCARDED, JobState.SCHEDULED])
    async def test_whatever_many_do_to_one_job_it_ends_in_one_way_and_everybody_is_told_the_truth(
        self, world: World, to: JobState
    ) -> None:
        job_id = await bring_into(world, to, Errand())
        acts = itertools.cycle([retry, cancel, delete])
        outcomes = await race(lambda: next(acts)(world, job_id))
        assert not [one for one in outcomes if isinstance(one, BaseException)]
        assert [DONE] in outcomes
        if await is_there(world, job_id):
            kept = await job(world, job_id)
            assert (kept.finalized_at is not None) == (kept.state in FINISHED)
        else:
            assert await delete(world, job_id) == [NOT_FOUND]

    async def test_of_a_claim_and_a_deletion_at_the_same_moment_one_gets_the_job(self, world: World) -> None:
        await enlist(world, "worker")
        ids = await enqueue(world, *(Errand(times=number) for number in range(20)))
        claimed, *deleted = await asyncio.gather(claim(world), *(delete(world, job_id) for job_id in ids))
        gone = {job_id for job_id, verdict in zip(ids, deleted, strict=True) if verdict == [DONE]}
        assert gone | set(claimed) == set(ids)
        assert not gone & set(claimed)
        assert [await is_there(world, job_id) for job_id in ids] == [job_id not in gone for job_id in ids]

    async def test_workers_and_administrators_who_change_the_same_jobs_never_wait_for_each_other(
        self, world: World
    ) -> None:
        for what in (JobAct.CANCEL, JobAct.RETRY):
            at_work = await running(world, *(Errand(times=number) for number in range(50)))
            ids = [claimed.id for claimed in at_work]
            outcomes = await asyncio.gather(
                act(world, what, *reversed(ids)),
                world.job_store.finish([ended(claimed) for claimed in at_work]),
                act(world, what, *ids[25:], *ids[:25]),
                world.job_store.finish([ended(claimed) for claimed in reversed(at_work)]),
                return_exceptions=True,
            )
            assert not [one for one in outcomes if isinstance(one, BaseException)]


class RetriesContract(Contract):
    """Fixture: `world`."""

    @pytest.mark.parametrize("to", sorted(EVERY_STATE - {JobState.AVAILABLE, JobState.RUNNING}))
    async def test_a_job_is_available_at_once_whatever_became_of_it(self, world: World, to: JobState) -> None:
        job_id = await bring_into(world, to, Errand())
        await world.pass_time(60)
        before = await world.now()
        assert await retry(world, job_id) == [DONE]
        kept = await job(world, job_id)
        assert (kept.state, kept.finalized_at, kept.cancel_requested_at) == (JobState.AVAILABLE, None, None)
        assert before <= kept.scheduled_at <= await world.now()
        assert job_id in await claim(world)

    async def test_a_job_that_is_available_already_keeps_its_place(self, world: World) -> None:
        (job_id,) = await enqueue(world, Errand())
        before = await job(world, job_id)
        await world.pass_time(60)
        shifted = await job(world, job_id)
        assert await retry(world, job_id) == [DONE]
        assert await job(world, job_id) == shifted
        assert shifted.attempt == before.attempt

    async def test_a_running_job_is_refused(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        (refused,) = await act(world, JobAct.RETRY, claimed.id)
        assert refused == BulkItem(
            id=claimed.id, result=REFUSED, detail="It is running; cancel it, or wait for its end"
        )
        assert await finish(world, claimed)

    async def test_where_no_attempt_is_left_there_is_one_more(self, world: World) -> None:
        (claimed,) = await running(world, Planned(job=Errand(), max_attempts=1))
        await finish(world, claimed, JobState.DISCARDED, error="closed")
        await retry(world, claimed.id)
        kept = await job(world, claimed.id)
        assert (kept.attempt, kept.max_attempts) == (1, 2)
        again = (await claim(world))[claimed.id]
        assert (again.attempt, again.run) == (2, 2)

    async def test_where_attempts_are_left_there_are_no_more_than_before(self, world: World) -> None:
        job_id = await bring_into(world, JobState.DISCARDED, Errand())
        await retry(world, job_id)
        assert ((await job(world, job_id)).attempt, (await job(world, job_id)).max_attempts) == (1, 5)

    async def test_what_is_known_of_earlier_attempts_stays(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        progress = Progress(phase="shelves", current=3, cursor="aisle 4")
        await world.job_store.report(claimed.key, progress, [ItemOutcome(item="rice", status=ItemStatus.DONE)])
        await finish(world, claimed, JobState.DISCARDED, error="closed")
        await retry(world, claimed.id)
        kept = await job(world, claimed.id)
        assert ([failure.error for failure in kept.errors], kept.items) == (["closed"], {"done": 1})
        assert (await claim(world))[claimed.id].progress == progress

    async def test_whoever_lost_the_job_before_cannot_end_the_new_attempt(self, world: World) -> None:
        (late,) = await running(world, Errand())
        await finish(world, late, JobState.DISCARDED)
        await retry(world, late.id)
        await claim(world)
        assert not await finish(world, late)
        assert await state(world, late.id) is JobState.RUNNING

    async def test_a_cancelled_job_runs_again_without_being_cancelled(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        await ask_to_cancel(world, claimed.id)
        await finish(world, claimed, JobState.CANCELLED)
        await retry(world, claimed.id)
        await claim(world)
        assert await world.job_store.cancel_requests("worker") == ()

    async def test_workers_are_told_where_jobs_are_available(self, world: World) -> None:
        ids = [
            await bring_into(world, JobState.DISCARDED, Planned(job=Errand(), queue=queue))
            for queue in (Queue.BULK, Queue.HIGH, Queue.BULK)
        ]
        async with listening(world) as heard:
            await retry(world, *ids)
        assert sorted(signal.key for signal in heard) == ["bulk", "high"]
        assert {signal.kind for signal in heard} == {SignalKind.AVAILABLE}


class UniqueRetriesContract(Contract):
    """Of unique jobs one is there at a time, also where finished ones are tried again. Fixture: `world`."""

    @pytest.mark.parametrize("to", sorted(UNFINISHED))
    async def test_a_finished_job_is_refused_while_another_is_in_its_place(self, world: World, to: JobState) -> None:
        (old,) = await discarded(world, SoleErrand())
        new = await bring_into(world, to, SoleErrand())
        (refused,) = await act(world, JobAct.RETRY, old)
        assert refused.result is REFUSED
        assert refused.detail is not None
        assert refused.detail.startswith(f"Job {new} is the same")
        assert (await state(world, old), await state(world, new)) == (JobState.DISCARDED, to)

    async def test_others_in_the_same_call_are_not_held_up(self, world: World) -> None:
        old, other = await discarded(world, SoleErrand(), SoleErrand(what="salt"))
        plain = await bring_into(world, JobState.DISCARDED, Errand())
        await enqueue(world, SoleErrand())
        assert await retry(world, other, old, plain) == [DONE, REFUSED, DONE]
        assert await state(world, other) is JobState.AVAILABLE

    async def test_once_the_other_is_finished_too_the_job_can_be_tried_again(self, world: World) -> None:
        old, new = await discarded(world, SoleErrand(), SoleErrand())
        assert await retry(world, old) == [DONE]
        assert await retry(world, new) == [REFUSED]

    async def test_of_several_that_are_the_same_the_first_named_goes(self, world: World) -> None:
        first, second, third = await discarded(world, SoleErrand(), SoleErrand(), SoleErrand())
        results = await act(world, JobAct.RETRY, second, third, first)
        assert [one.result for one in results] == [DONE, REFUSED, REFUSED]
        assert results[2].detail is not None
        assert f"Job {second}" in results[2].detail
        assert await state(world, second) is JobState.AVAILABLE

    async def test_the_one_that_waits_goes_and_not_the_finished_one_named_before_it(self, world: World) -> None:
        (old,) = await discarded(world, SoleErrand())
        waiting = await bring_into(world, JobState.SCHEDULED, SoleErrand())
        assert await retry(world, old, waiting) == [REFUSED, DONE]

    async def test_a_finished_job_that_keeps_others_out_can_be_tried_again(self, world: World) -> None:
        job_id = await bring_into(world, JobState.COMPLETED, OnceErrand())
        assert await retry(world, job_id) == [DONE]
        assert await state(world, job_id) is JobState.AVAILABLE

    async def test_a_job_is_refused_while_a_finished_one_keeps_it_out(self, world: World) -> None:
        old = await bring_into(world, JobState.DISCARDED, OnceErrand())
        done = await bring_into(world, JobState.COMPLETED, OnceErrand())
        assert await retry(world, old) == [REFUSED]
        assert await retry(world, old, done) == [REFUSED, DONE]

    @pytest.mark.parametrize("end", [None, Mishap()], ids=["commits", "rolls back"])
    async def test_a_retry_waits_for_who_enqueues_the_same_job_and_takes_what_is_left(
        self, world: World, end: Mishap | None
    ) -> None:
        old, other = await discarded(world, SoleErrand(), SoleErrand(what="salt"))
        enqueued = asyncio.Event()

        async def retry_meanwhile() -> list[ItemResult]:
            await enqueued.wait()
            return await retry(world, old, other)

        late = asyncio.create_task(retry_meanwhile())
        with suppress(Mishap):
            async with world.uow.begin() as tx:
                assert not (await tx.jobs.enqueue(SoleErrand())).duplicate
                enqueued.set()
                await let_others_run()
                if end is not None:
                    raise end
        assert await late == [DONE if end else REFUSED, DONE]
        assert await state(world, other) is JobState.AVAILABLE

    async def test_who_enqueues_the_same_job_waits_for_a_retry_and_finds_its_job(self, world: World) -> None:
        (old,) = await discarded(world, SoleErrand())
        async with world.uow.begin() as tx:
            await tx.job_admin.retry([old], states=EVERY_STATE)
            late = asyncio.create_task(enqueue(world, SoleErrand()))
            await let_others_run()
        assert await late == [old]

    async def test_of_many_who_retry_what_is_the_same_and_who_enqueue_it_one_gets_its_job(self, world: World) -> None:
        old = await discarded(world, *[SoleErrand()] * 4)
        numbers = iter([*old, *old])

        async def attempt() -> object:
            number = next(numbers)
            return await (retry(world, number) if number % 2 else enqueue(world, SoleErrand()))

        outcomes = await race(attempt)
        assert not [one for one in outcomes if isinstance(one, BaseException)]
        wanted = JobFilter(states=tuple(UNFINISHED))
        states = [one.state for one in await world.job_reader.newest(wanted, limit=10, before=None)]
        assert states == [JobState.AVAILABLE]
