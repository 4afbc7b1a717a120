"""What every transaction's end of the job queue owes to unique jobs."""

import asyncio
from datetime import timedelta

import pytest

from revenge_core.background import FINISHED, UNFINISHED, Enqueued, Job, JobState, Planned, Queue, Unique
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.errands import (
    Errand,
    Mishap,
    OnceErrand,
    SoleDelivery,
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
from revenge_core.testing.contracts.world import RACERS, Contract, World, let_others_run, race

DAY = timedelta(days=1)


async def enqueue_one(world: World, what: Job, **special: Unique | Queue) -> Enqueued:
    """Enqueue it in a transaction of its own."""
    planned = Planned(job=what, **special)  # type: ignore[arg-type]  # names and values belong together
    async with world.uow.begin() as tx:
        return (await tx.jobs.enqueue_many([planned]))[0]


class UniqueJobsContract(Contract):
    """Fixture: `world`."""

    async def test_a_unique_job_that_is_there_is_answered_instead(self, world: World) -> None:
        first = await enqueue_one(world, SoleErrand())
        before = await job(world, first.id)
        second = await enqueue_one(world, SoleErrand(), queue=Queue.BULK)
        assert not first.duplicate
        assert second == Enqueued(id=first.id, duplicate=True)
        assert await job(world, first.id) == before
        assert (await world.job_reader.counts()).keys() == {"default"}

    async def test_other_arguments_and_other_kinds_are_other_jobs(self, world: World) -> None:
        enqueued = [
            await enqueue_one(world, SoleErrand(what="bread")),
            await enqueue_one(world, SoleErrand(what="salt")),
            await enqueue_one(world, OnceErrand(what="bread")),
        ]
        assert [one.duplicate for one in enqueued] == [False] * 3

    async def test_jobs_are_not_unique_unless_they_are_to_be(self, world: World) -> None:
        enqueued = [await enqueue_one(world, Errand()) for _ in range(2)]
        assert [one.duplicate for one in enqueued] == [False] * 2

    async def test_one_of_a_kind_is_there_whatever_its_arguments(self, world: World) -> None:
        sole = Unique(by_args=False)
        first = await enqueue_one(world, Errand(what="bread"), unique=sole)
        assert await enqueue_one(world, Errand(what="salt"), unique=sole) == Enqueued(id=first.id, duplicate=True)

    async def test_one_in_each_queue_is_there_if_that_is_asked_for(self, world: World) -> None:
        by_queue = Unique(by_queue=True)
        first = await enqueue_one(world, SoleErrand(), unique=by_queue, queue=Queue.LOW)
        second = await enqueue_one(world, SoleErrand(), unique=by_queue, queue=Queue.HIGH)
        assert not second.duplicate
        again = await enqueue_one(world, SoleErrand(), unique=by_queue, queue=Queue.LOW)
        assert again == Enqueued(id=first.id, duplicate=True)

    async def test_one_in_each_period_is_there_if_that_is_asked_for(self, world: World) -> None:
        daily, midnight = Unique(period=DAY), (await world.now()).replace(hour=0, minute=0, second=0, microsecond=0)

        async def enqueue_at(hours: float) -> Enqueued:
            async with world.uow.begin() as tx:
                return await tx.jobs.enqueue(Planned(job=Errand(), unique=daily, at=midnight + timedelta(hours=hours)))

        tomorrow, late, day_after = [await enqueue_at(hours) for hours in (24, 47.999, 48)]
        assert not tomorrow.duplicate
        assert late == Enqueued(id=tomorrow.id, duplicate=True)
        assert not day_after.duplicate

    async def test_secrets_count_by_what_they_hide(self, world: World) -> None:
        first = await enqueue_one(world, SoleDelivery(key=Secret("under the mat")))
        assert await enqueue_one(world, SoleDelivery(key=Secret("under the mat"))) == Enqueued(
            id=first.id, duplicate=True
        )
        assert not (await enqueue_one(world, SoleDelivery(key=Secret("in the pot")))).duplicate

    @pytest.mark.parametrize("unfinished", sorted(UNFINISHED))
    async def test_a_unique_job_keeps_others_out_until_it_is_over(self, world: World, unfinished: JobState) -> None:
        job_id = await bring_into(world, unfinished, SoleErrand())
        assert await enqueue_one(world, SoleErrand()) == Enqueued(id=job_id, duplicate=True)

    @pytest.mark.parametrize("over", sorted(FINISHED))
    async def test_after_a_unique_job_is_over_another_may_come(self, world: World, over: JobState) -> None:
        job_id = await bring_into(world, over, SoleErrand())
        another = await enqueue_one(world, SoleErrand())
        assert not another.duplicate
        assert another.id != job_id
        assert await enqueue_one(world, SoleErrand()) == Enqueued(id=another.id, duplicate=True)

    async def test_a_finished_job_keeps_others_out_if_that_is_asked_for(self, world: World) -> None:
        done = await bring_into(world, JobState.COMPLETED, OnceErrand(what="bread"))
        assert await enqueue_one(world, OnceErrand(what="bread")) == Enqueued(id=done, duplicate=True)
        await bring_into(world, JobState.DISCARDED, OnceErrand(what="salt"))
        assert not (await enqueue_one(world, OnceErrand(what="salt"))).duplicate

    async def test_of_the_same_jobs_in_one_call_one_is_added(self, world: World) -> None:
        async with world.uow.begin() as tx:
            enqueued = await tx.jobs.enqueue_many(
                [
                    SoleErrand(what="a"),
                    SoleErrand(what="b"),
                    SoleErrand(what="a"),
                    Errand(what="a"),
                    SoleErrand(what="b"),
                ]
            )
        first, second, third, plain, last = enqueued
        assert [first.duplicate, second.duplicate, plain.duplicate] == [False] * 3
        assert third == Enqueued(id=first.id, duplicate=True)
        assert last == Enqueued(id=second.id, duplicate=True)
        assert (await world.job_reader.counts())["default"] == {JobState.AVAILABLE: 2}

    async def test_a_unique_job_of_the_same_transaction_is_answered_too(self, world: World) -> None:
        async with world.uow.begin() as tx:
            first = await tx.jobs.enqueue(SoleErrand())
            assert await tx.jobs.enqueue(SoleErrand()) == Enqueued(id=first.id, duplicate=True)

    async def test_a_unique_job_that_was_rolled_back_keeps_nobody_out(self, world: World) -> None:
        with pytest.raises(Mishap):
            async with world.uow.begin() as tx:
                await tx.jobs.enqueue(SoleErrand())
                raise Mishap
        assert not (await enqueue_one(world, SoleErrand())).duplicate

    async def test_of_many_who_enqueue_a_unique_job_one_adds_it(self, world: World) -> None:
        outcomes = await race(lambda: enqueue_one(world, SoleErrand()))
        enqueued = [one for one in outcomes if isinstance(one, Enqueued)]
        assert len(enqueued) == RACERS
        assert len({one.id for one in enqueued}) == 1
        assert [one.duplicate for one in enqueued].count(False) == 1
        assert (await world.job_reader.counts())["default"] == {JobState.AVAILABLE: 1}

    @pytest.mark.parametrize("commits", [True, False])
    async def test_who_enqueues_beside_an_open_transaction_learns_how_that_ends(
        self, world: World, *, commits: bool
    ) -> None:
        enqueued, may_end = asyncio.Event(), asyncio.Event()
        ids: list[int] = []

        async def first() -> None:
            async with world.uow.begin() as tx:
                ids.append((await tx.jobs.enqueue(SoleErrand())).id)
                enqueued.set()
                await may_end.wait()
                if not commits:
                    raise Mishap

        holder = asyncio.create_task(first())
        await enqueued.wait()
        waiter = asyncio.create_task(enqueue_one(world, SoleErrand()))
        await let_others_run()
        assert not waiter.done()
        may_end.set()
        outcome = (await asyncio.gather(holder, return_exceptions=True))[0]
        assert (outcome is None) is commits
        second = await waiter
        assert second.duplicate is commits
        assert (second.id in ids) is commits
        assert await state(world, second.id) is JobState.AVAILABLE

    async def test_while_a_unique_job_finishes_who_enqueues_it_gets_one_that_is_there(self, world: World) -> None:
        for _ in range(5):
            (claimed,) = await running(world, SoleErrand())
            finishing = asyncio.create_task(finish(world, claimed))
            outcomes = await race(lambda: enqueue_one(world, SoleErrand()))
            assert await finishing
            enqueued = [one for one in outcomes if isinstance(one, Enqueued)]
            assert len(enqueued) == RACERS
            assert all(one.duplicate for one in enqueued if one.id == claimed.id)
            later = {one.id for one in enqueued} - {claimed.id}
            assert len(later) <= 1
            for job_id in later:
                assert await finish(world, (await claim(world))[job_id])

    async def test_enqueuing_never_holds_up_who_finishes_the_job(self, world: World) -> None:
        (claimed,) = await running(world, SoleErrand())
        async with asyncio.timeout(20), world.uow.begin() as tx:
            assert (await tx.jobs.enqueue(SoleErrand())).duplicate
            assert await tx.jobs.complete(claimed.id, claimed.run)

    async def test_unique_jobs_in_crossed_orders_wait_for_nobody_for_ever(self, world: World) -> None:
        await enlist(world, "worker")
        turn = iter(range(RACERS))

        async def enqueue_crossed() -> list[int]:
            names = ["a", "b", "c"] if next(turn) % 2 else ["c", "b", "a"]
            return await enqueue(world, *(SoleErrand(what=name) for name in names))

        outcomes = await race(enqueue_crossed)
        assert {tuple(sorted(one)) for one in outcomes if isinstance(one, list)} == {tuple(sorted(await claim(world)))}
        assert all(isinstance(one, list) for one in outcomes)
