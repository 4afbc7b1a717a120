"""What every reader of jobs owes to administrators."""

from datetime import timedelta

import msgspec
import pytest

from revenge_core.background import ItemOutcome, ItemStatus, JobState, Planned, Progress, Queue, Schedule
from revenge_core.jobs.entities import COUNTED_UPTO, JobFilter, JobKey, JobSummary
from revenge_core.secrets import Secret
from revenge_core.testing.builders import a_worker
from revenge_core.testing.contracts.errands import (
    EVERY_QUEUE,
    HOUR,
    Delivery,
    Errand,
    SoleErrand,
    ask_to_cancel,
    bring_into,
    bring_into_each,
    claim,
    enlist,
    enqueue,
    finish,
    job,
    running,
    told,
)
from revenge_core.testing.contracts.world import Contract, World

EVERYTHING = JobFilter()


async def found(world: World, wanted: JobFilter = EVERYTHING) -> list[int]:
    """Ids of the jobs that fit; counting finds as many."""
    jobs = await world.job_reader.newest(wanted, limit=200, before=None)
    assert await world.job_reader.count(wanted) == len(jobs)
    return [one.id for one in jobs]


class JobReaderContract(Contract):
    """Lists of jobs. Fixture: `world`."""

    async def test_where_there_are_no_jobs_none_are_found(self, world: World) -> None:
        assert await found(world) == []
        assert await world.job_reader.counts() == {}

    async def test_a_job_is_listed_as_it_was_enqueued(self, world: World) -> None:
        planned = Planned(job=Errand(), queue=Queue.BULK, priority=4, max_attempts=7, tags=("b", 'a "quoted", \\ tag'))
        before = await world.now()
        (job_id,) = await enqueue(world, planned)
        after = await world.now()
        (listed,) = await world.job_reader.newest(EVERYTHING, limit=1, before=None)
        assert listed == JobSummary(
            id=job_id,
            kind="errand",
            queue="bulk",
            priority=4,
            state=JobState.AVAILABLE,
            attempt=0,
            max_attempts=7,
            created_at=listed.created_at,
            scheduled_at=listed.created_at,
            attempted_at=None,
            attempted_by=None,
            finalized_at=None,
            cancel_requested_at=None,
            tags=("b", 'a "quoted", \\ tag'),
            progress=None,
        )
        assert before <= listed.created_at <= after
        assert listed.created_at.utcoffset() == timedelta(0)

    async def test_a_list_shows_who_ran_a_job_when_and_how_far_it_came(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        progress = Progress(phase="Regal", current=2, total=3, message="ü", cursor="aisle 4")
        await world.job_store.report(claimed.key, progress, ())
        (listed,) = await world.job_reader.newest(EVERYTHING, limit=1, before=None)
        assert (listed.state, listed.attempt, listed.attempted_by) == (JobState.RUNNING, 1, "worker")
        assert (listed.attempted_at, listed.progress) == (claimed.attempted_at, progress)
        await finish(world, claimed)
        (listed,) = await world.job_reader.newest(EVERYTHING, limit=1, before=None)
        assert listed.state is JobState.COMPLETED
        assert listed.finalized_at is not None
        assert listed.finalized_at >= claimed.attempted_at

    async def test_the_newest_jobs_come_first_whatever_their_state_and_priority(self, world: World) -> None:
        ids = await bring_into_each(world, JobState)
        assert await found(world) == sorted(ids, reverse=True)

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
    async def test_pages_together_hold_every_job_once(self, world: World, limit: int) -> None:
        ids = await enqueue(world, *(Errand(times=number) for number in range(7)))
        walked: list[int] = []
        before: int | None = None
        while page := await world.job_reader.newest(EVERYTHING, limit=limit, before=before):
            assert len(page) <= limit
            walked += [one.id for one in page]
            assert len(walked) <= len(ids), "pages overlap"
            before = walked[-1]
        assert walked == sorted(ids, reverse=True)

    async def test_a_page_goes_on_below_a_job_that_is_gone(self, world: World) -> None:
        first, second, third = await enqueue(world, Errand(), Errand(), Errand())
        async with world.uow.begin() as tx:
            await tx.job_admin.delete([second], states=tuple(JobState))
        (listed,) = await world.job_reader.newest(EVERYTHING, limit=5, before=second)
        assert listed.id == first
        assert await world.job_reader.newest(EVERYTHING, limit=5, before=first) == ()
        assert [one.id for one in await world.job_reader.newest(EVERYTHING, limit=5, before=2**63 - 1)] == [
            third,
            first,
        ]

    async def test_states_narrow_the_list(self, world: World) -> None:
        ids = {to: await bring_into(world, to, Errand()) for to in sorted(JobState, reverse=True)}
        for to in JobState:
            assert await found(world, JobFilter(states=(to,))) == [ids[to]]
        two = (JobState.RUNNING, JobState.DISCARDED)
        assert set(await found(world, JobFilter(states=two))) == {ids[to] for to in two}

    async def test_kinds_queues_and_priorities_narrow_the_list(self, world: World) -> None:
        errand, delivery, urgent = await enqueue(
            world,
            Errand(),
            Planned(job=Delivery(key=Secret("k")), queue=Queue.LOW, priority=1),
            Planned(job=Errand(), queue=Queue.CRITICAL, priority=1),
        )
        assert await found(world, JobFilter(kinds=("errand",))) == [urgent, errand]
        assert await found(world, JobFilter(kinds=("delivery", "errand"))) == [urgent, delivery, errand]
        assert await found(world, JobFilter(queues=("high",))) == [errand]
        assert await found(world, JobFilter(queues=("low", "critical"))) == [urgent, delivery]
        assert await found(world, JobFilter(priorities=(1,))) == [urgent, delivery]
        assert await found(world, JobFilter(priorities=(2, 4))) == [errand]
        assert await found(world, JobFilter(kinds=("errand",), priorities=(1,))) == [urgent]
        assert await found(world, JobFilter(kinds=("errand",), queues=("low",))) == []

    async def test_what_nothing_has_finds_nothing(self, world: World) -> None:
        await enqueue(world, Errand())
        for wanted in (
            JobFilter(kinds=("errands",)),
            JobFilter(queues=("x",)),
            JobFilter(priorities=(2**40,)),
            JobFilter(tags=("",)),
            JobFilter(ids=(2**63 - 1,)),
        ):
            assert await found(world, wanted) == []

    async def test_of_tags_all_have_to_be_there(self, world: World) -> None:
        both, one, _ = await enqueue(
            world,
            Planned(job=Errand(), tags=("library:1", "Zoë", "x")),
            Planned(job=Errand(), tags=("library:1",)),
            Errand(),
        )
        assert await found(world, JobFilter(tags=("library:1",))) == [one, both]
        assert await found(world, JobFilter(tags=("Zoë", "library:1"))) == [both]
        assert await found(world, JobFilter(tags=("library",))) == []

    async def test_ids_narrow_the_list(self, world: World) -> None:
        first, _, third = await enqueue(world, Errand(), Errand(), Errand())
        assert await found(world, JobFilter(ids=(third, first, first))) == [third, first]
        assert await found(world, JobFilter(ids=(first,), states=(JobState.RUNNING,))) == []

    async def test_the_time_of_enqueuing_narrows_the_list_its_beginning_included_and_its_end_not(
        self, world: World
    ) -> None:
        (first,) = await enqueue(world, Errand())
        await world.pass_time(60)
        (second,) = await enqueue(world, Errand())
        times = {one: (await job(world, one)).created_at for one in (first, second)}
        assert await found(world, JobFilter(created_after=times[second])) == [second]
        assert await found(world, JobFilter(created_before=times[second])) == [first]
        assert await found(world, JobFilter(created_after=times[first], created_before=times[second])) == [first]
        assert await found(world, JobFilter(created_after=times[second] + timedelta(microseconds=1))) == []
        assert await found(world, JobFilter(created_before=times[first])) == []

    async def test_jobs_whose_end_is_wanted_are_told_from_others(self, world: World) -> None:
        asked, other = await running(world, Errand(), Errand())
        await ask_to_cancel(world, asked.id)
        assert await found(world, JobFilter(cancel_requested=True)) == [asked.id]
        assert await found(world, JobFilter(cancel_requested=False)) == [other.id]


class OneJobContract(Contract):
    """One job with all that is known of it. Fixture: `world`."""

    async def test_a_job_that_is_not_there_is_none(self, world: World) -> None:
        assert await world.job_reader.by_id(1, args=True) is None
        assert await world.job_reader.items(1, limit=10, after=None) == ()

    async def test_a_job_tells_all_that_its_place_in_a_list_tells(self, world: World) -> None:
        for job_id in await bring_into_each(world, JobState):
            (listed,) = await world.job_reader.newest(JobFilter(ids=(job_id,)), limit=1, before=None)
            detail = await job(world, job_id)
            assert {name: getattr(detail, name) for name in listed.__struct_fields__} == msgspec.structs.asdict(listed)

    async def test_a_job_tells_what_came_with_it(self, world: World) -> None:
        metadata = {"schedule": "breakfast", "user": None, "deep": {"er": [1, "ü", True]}}
        plain, endless = await enqueue(
            world, Planned(job=Errand(), metadata=metadata), Delivery(key=Secret("under the mat"))
        )
        assert ((await job(world, plain)).metadata, (await job(world, plain)).timeout) == (metadata, 60.0)
        assert ((await job(world, endless)).metadata, (await job(world, endless)).timeout) == ({}, None)

    async def test_arguments_are_told_only_to_who_asks_for_them(self, world: World) -> None:
        (job_id,) = await enqueue(world, Errand(what='"Brötchen" \\ 🥐', times=2))
        hidden = await world.job_reader.by_id(job_id, args=False)
        shown = await world.job_reader.by_id(job_id, args=True)
        assert hidden is not None
        assert hidden.args is None
        assert shown is not None
        assert shown.args is not None
        assert msgspec.json.decode(shown.args) == {"what": '"Brötchen" \\ 🥐', "times": 2}

    async def test_secrets_stay_sealed_for_whoever_sees_the_arguments(self, world: World) -> None:
        (job_id,) = await enqueue(world, Delivery(key=Secret("under the mat")))
        args = (await job(world, job_id)).args
        assert args is not None
        assert set(msgspec.json.decode(args)) == {"key"}
        assert b"under the mat" not in bytes(args)

    async def test_a_job_tells_why_its_attempts_failed_the_first_first(self, world: World) -> None:
        await enlist(world, "one", "two")
        (job_id,) = await enqueue(world, Errand())
        for worker_id in ("one", "two"):
            claimed = (await claim(world, worker_id))[job_id]
            await finish(world, claimed, JobState.RETRYABLE, error=f"shop {worker_id} is closed", trace="at the door")
        detail = await job(world, job_id)
        assert told(detail.errors) == [(1, "shop one is closed", "one"), (2, "shop two is closed", "two")]
        assert [failure.trace for failure in detail.errors] == ["at the door"] * 2
        assert detail.created_at <= detail.errors[0].at <= detail.errors[1].at
        assert detail.errors[0].at.utcoffset() == timedelta(0)

    async def test_a_job_counts_what_became_of_its_items(self, world: World) -> None:
        claimed, other = await running(world, Errand(), Errand())
        await self._report(world, claimed.key, a=ItemStatus.DONE, b=ItemStatus.FAILED, c=ItemStatus.DONE)
        await self._report(world, other.key, a=ItemStatus.SKIPPED)
        assert (await job(world, claimed.id)).items == {"done": 2, "failed": 1}
        assert (await job(world, other.id)).items == {"skipped": 1}

    async def test_items_come_by_name_in_the_order_of_code_points(self, world: World) -> None:
        names = ["", "B", "a", "b", "ä", "b c", "\N{FULLWIDTH TILDE}", "🥐", "b\n"]
        claimed, other = await running(world, Errand(), Errand())
        await self._report(world, claimed.key, **dict.fromkeys(names, ItemStatus.DONE))
        await self._report(world, other.key, aa=ItemStatus.DONE)
        items = await world.job_reader.items(claimed.id, limit=20, after=None)
        assert [item.item for item in items] == sorted(names)
        for number, name in enumerate(sorted(names)):
            later = await world.job_reader.items(claimed.id, limit=2, after=name)
            assert [item.item for item in later] == sorted(names)[number + 1 : number + 3]

    async def test_an_item_says_what_became_of_it_when(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        before = await world.now()
        outcomes = [ItemOutcome(item="milk", status=ItemStatus.FAILED, detail="sour"), _done("rice")]
        await world.job_store.report(claimed.key, Progress(), outcomes)
        items = await world.job_reader.items(claimed.id, limit=5, after=None)
        assert [(one.item, one.status, one.detail) for one in items] == [
            ("milk", ItemStatus.FAILED, "sour"),
            ("rice", ItemStatus.DONE, None),
        ]
        assert all(before <= one.at for one in items)

    @staticmethod
    async def _report(world: World, key: JobKey, **statuses: ItemStatus) -> None:
        outcomes = [ItemOutcome(item=name, status=status) for name, status in statuses.items()]
        assert await world.job_store.report(key, Progress(), outcomes)


def _done(item: str) -> ItemOutcome:
    return ItemOutcome(item=item, status=ItemStatus.DONE)


class JobCountsContract(Contract):
    """Queues, workers, schedules, and how many jobs there are. Fixture: `world`."""

    async def test_jobs_are_counted_by_queue_and_state(self, world: World) -> None:
        for to in sorted(JobState, reverse=True):
            await bring_into(world, to, Errand())
        await enqueue(world, Planned(job=Errand(), queue=Queue.BULK), Planned(job=Errand(), queue=Queue.BULK))
        assert await world.job_reader.counts() == {"bulk": {JobState.AVAILABLE: 2}, "high": dict.fromkeys(JobState, 1)}

    async def test_where_there_are_very_many_finished_jobs_they_are_counted_up_to_a_limit(self, world: World) -> None:
        ids = await enqueue(world, *[Errand()] * (COUNTED_UPTO + 2))
        assert await world.job_reader.counts() == {"high": {JobState.AVAILABLE: COUNTED_UPTO + 2}}
        async with world.uow.begin() as tx:
            await tx.job_admin.cancel(ids[1:], states=tuple(JobState))
        assert await world.job_reader.counts() == {
            "high": {JobState.AVAILABLE: 1, JobState.CANCELLED: COUNTED_UPTO},
        }
        assert await world.job_reader.count(JobFilter(states=(JobState.CANCELLED,))) == COUNTED_UPTO
        assert await world.job_reader.count(EVERYTHING) == COUNTED_UPTO

    async def test_every_queue_is_listed_by_name_also_an_empty_one(self, world: World) -> None:
        queues = await world.job_reader.queues()
        assert [queue.name for queue in queues] == sorted(queue.value for queue in Queue)
        assert {(queue.paused_at, queue.workers, queue.oldest_available_at) for queue in queues} == {(None, 0, None)}
        assert all(not any(queue.counts.values()) for queue in queues)

    async def test_a_queue_counts_what_is_not_finished(self, world: World) -> None:
        for to in sorted(JobState, reverse=True):
            await bring_into(world, to, Errand())
        counts = {queue.name: queue.counts for queue in await world.job_reader.queues()}
        assert {to: count for to, count in counts["high"].items() if count} == {
            JobState.AVAILABLE: 1,
            JobState.RETRYABLE: 1,
            JobState.RUNNING: 1,
            JobState.SCHEDULED: 1,
        }
        assert not any(counts["bulk"].values())

    async def test_a_queue_tells_since_when_its_oldest_available_job_waits(self, world: World) -> None:
        (oldest,) = await enqueue(world, Planned(job=Errand(), priority=4))
        await world.pass_time(60)
        await enqueue(world, Planned(job=Errand(), priority=1), Planned(job=Errand(), queue=Queue.LOW))
        waiting = {queue.name: queue.oldest_available_at for queue in await world.job_reader.queues()}
        since = (await job(world, oldest)).scheduled_at
        assert waiting["high"] == since
        assert waiting["low"] is not None
        assert waiting["low"] > since
        assert waiting["bulk"] is None

    async def test_a_queue_tells_how_many_jobs_of_it_all_workers_run_at_a_time(self, world: World) -> None:
        await world.job_store.enlist(a_worker("one", queues={"high": 3, "low": 1}))
        await world.job_store.enlist(a_worker("two", queues={"high": 4}))
        workers = {queue.name: queue.workers for queue in await world.job_reader.queues()}
        assert workers == {"bulk": 0, "critical": 0, "default": 0, "high": 7, "low": 1}

    async def test_workers_come_by_id_with_how_many_jobs_they_run(self, world: World) -> None:
        before = await world.now()
        await enlist(world, "b", "a", "gone")
        await enqueue(world, Errand(), Errand(), Errand())
        await world.job_store.claim("b", {"high": 2})
        await world.job_store.leave("gone")
        first, second = await world.job_reader.workers()
        assert ((first.id, first.running), (second.id, second.running)) == (("a", 0), ("b", 2))
        expected = a_worker("b", started_at=second.started_at, seen_at=second.seen_at, running=2)
        assert second == expected
        assert second.started_at is not None
        assert before <= second.started_at <= await world.now()

    async def test_a_worker_was_seen_when_it_beat_last(self, world: World) -> None:
        await enlist(world, "worker")
        await world.pass_time(5)
        await world.job_store.beat("worker")
        (worker,) = await world.job_reader.workers()
        assert worker.started_at is not None
        assert worker.seen_at is not None
        assert worker.seen_at - worker.started_at >= timedelta(seconds=5)

    async def test_schedules_come_by_name(self, world: World) -> None:
        assert await world.job_reader.schedules() == ()
        names = ["b", "a", "B"]
        await world.job_upkeep.declare([Schedule(name=name, job=SoleErrand(), every=HOUR) for name in names])
        assert [schedule.name for schedule in await world.job_reader.schedules()] == ["B", "a", "b"]

    async def test_what_a_transaction_has_not_committed_nobody_reads(self, world: World) -> None:
        async with world.uow.begin() as tx:
            await tx.jobs.enqueue(Errand())
            assert await found(world) == []
            assert await world.job_reader.counts() == {}
        assert await world.job_reader.counts() == {"high": {JobState.AVAILABLE: 1}}

    async def test_every_queue_that_is_worked_is_counted(self, world: World) -> None:
        await world.job_store.enlist(a_worker("worker", queues=EVERY_QUEUE))
        assert {queue.workers for queue in await world.job_reader.queues()} == {50}
