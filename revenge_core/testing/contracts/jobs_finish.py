"""What every store of jobs owes to the runs of jobs: how they end, what they report, and who is fenced off."""

from datetime import timedelta

import pytest

from revenge_core.background import FINISHED, ItemOutcome, ItemStatus, JobState, Planned, Progress
from revenge_core.jobs.entities import Finish, JobKey
from revenge_core.jobs.policy import MAX_ERRORS
from revenge_core.testing.contracts.errands import (
    HOUR,
    Errand,
    ask_to_cancel,
    bring_into,
    claim,
    ended,
    enlist,
    finish,
    job,
    running,
    state,
    told,
)
from revenge_core.testing.contracts.world import RACERS, Contract, World, race


class FinishContract(Contract):
    """How runs end. Fixture: `world`."""

    @pytest.mark.parametrize("over", sorted(FINISHED))
    async def test_a_run_that_ends_for_good_says_when_and_why(self, world: World, over: JobState) -> None:
        (claimed,) = await running(world, Errand())
        before = await world.now()
        assert await finish(world, claimed, over, error="ValueError: no flour", trace="line 7")
        after = await world.now()
        kept = await job(world, claimed.id)
        assert (kept.state, kept.attempt) == (over, 1)
        assert kept.finalized_at is not None
        assert before <= kept.finalized_at <= after
        (failure,) = kept.errors
        assert before <= failure.at <= after
        assert (failure.attempt, failure.error, failure.trace, failure.worker) == (
            1,
            "ValueError: no flour",
            "line 7",
            "worker",
        )

    async def test_a_success_leaves_no_error(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        assert await finish(world, claimed)
        assert (await job(world, claimed.id)).errors == ()

    async def test_a_failed_run_is_tried_again_after_its_delay(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        before = await world.now()
        assert await finish(world, claimed, JobState.RETRYABLE, delay=HOUR, error="no flour")
        after = await world.now()
        kept = await job(world, claimed.id)
        assert (kept.state, kept.attempt, kept.finalized_at) == (JobState.RETRYABLE, 1, None)
        assert before + HOUR <= kept.scheduled_at <= after + HOUR
        await world.pass_time(HOUR.total_seconds() + 1)
        await world.job_upkeep.promote()
        again = (await claim(world))[claimed.id]
        assert (again.attempt, again.run) == (2, 2)

    async def test_a_snoozed_run_does_not_count(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        assert await finish(world, claimed, JobState.SCHEDULED, delay=HOUR, refund=True)
        kept = await job(world, claimed.id)
        assert (kept.state, kept.attempt, kept.errors) == (JobState.SCHEDULED, 0, ())

    @pytest.mark.parametrize("to", [JobState.RETRYABLE, JobState.SCHEDULED, JobState.AVAILABLE])
    async def test_what_needs_no_delay_is_available_at_once(self, world: World, to: JobState) -> None:
        (claimed,) = await running(world, Errand())
        assert await finish(world, claimed, to)
        assert await state(world, claimed.id) is JobState.AVAILABLE
        assert claimed.id in await claim(world)

    async def test_errors_add_up_over_attempts(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        await finish(world, claimed, JobState.RETRYABLE, error="first")
        await enlist(world, "other")
        await finish(world, (await claim(world, "other"))[claimed.id], JobState.AVAILABLE, refund=True)
        await finish(world, (await claim(world, "other"))[claimed.id], JobState.DISCARDED, error="Zweiter 🎬")
        kept = await job(world, claimed.id)
        assert told(kept.errors) == [(1, "first", "worker"), (2, "Zweiter 🎬", "other")]

    async def test_the_latest_errors_are_kept(self, world: World) -> None:
        (claimed,) = await running(world, Planned(job=Errand(), max_attempts=100))
        for number in range(1, MAX_ERRORS + 3):
            await finish(world, claimed, JobState.RETRYABLE, error=str(number))
            claimed = (await claim(world))[claimed.id]
        kept = await job(world, claimed.id)
        assert [failure.error for failure in kept.errors] == [str(number) for number in range(3, MAX_ERRORS + 3)]

    async def test_many_runs_end_in_one_go(self, world: World) -> None:
        done, failed, snoozed, lost = await running(world, *[Errand()] * 4)
        assert await finish(world, lost, JobState.DISCARDED)
        counted = await world.job_store.finish(
            [
                ended(done),
                ended(failed, JobState.RETRYABLE, delay=timedelta(hours=1), error="no flour"),
                ended(snoozed, JobState.SCHEDULED, delay=timedelta(hours=2), refund=True),
                ended(lost),
            ]
        )
        assert counted == {done.key, failed.key, snoozed.key}
        assert [await state(world, one.id) for one in (done, failed, snoozed, lost)] == [
            JobState.COMPLETED,
            JobState.RETRYABLE,
            JobState.SCHEDULED,
            JobState.DISCARDED,
        ]
        assert await world.job_store.finish([]) == frozenset()

    @pytest.mark.parametrize("to", sorted(set(JobState) - {JobState.RUNNING}))
    async def test_finishing_twice_changes_nothing_more(self, world: World, to: JobState) -> None:
        (claimed,) = await running(world, Errand())
        assert await finish(world, claimed, to, delay=HOUR, error="once")
        once = await job(world, claimed.id)
        await finish(world, claimed, to, delay=HOUR, error="once")
        await finish(world, claimed, JobState.DISCARDED, error="twice")
        assert await job(world, claimed.id) == once

    @pytest.mark.parametrize("to", [JobState.RETRYABLE, JobState.SCHEDULED, JobState.AVAILABLE])
    async def test_a_run_that_somebody_wanted_cancelled_never_goes_back_in_line(
        self, world: World, to: JobState
    ) -> None:
        (claimed,) = await running(world, Errand())
        await ask_to_cancel(world, claimed.id)
        before = await world.now()
        assert await finish(world, claimed, to, delay=HOUR, error="no flour")
        kept = await job(world, claimed.id)
        assert kept.state is JobState.CANCELLED
        assert kept.finalized_at is not None
        assert before <= kept.finalized_at <= await world.now()
        assert told(kept.errors) == [(1, "no flour", "worker")]

    @pytest.mark.parametrize("over", [JobState.COMPLETED, JobState.DISCARDED])
    async def test_a_run_that_ends_for_good_ends_so_whatever_was_wanted(self, world: World, over: JobState) -> None:
        (claimed,) = await running(world, Errand())
        await ask_to_cancel(world, claimed.id)
        assert await finish(world, claimed, over)
        assert await state(world, claimed.id) is over

    async def test_cancellations_are_told_to_the_worker_that_holds_the_run(self, world: World) -> None:
        wanted, unwanted = await running(world, Errand(), Errand())
        (others,) = await running(world, Errand(), worker_id="other")
        await ask_to_cancel(world, unwanted.id)
        await ask_to_cancel(world, others.id)
        assert await world.job_store.cancel_requests("worker") == (unwanted.key,)
        assert await world.job_store.cancel_requests("other") == (others.key,)
        assert await world.job_store.cancel_requests("nobody") == ()
        await finish(world, unwanted, JobState.CANCELLED)
        assert await world.job_store.cancel_requests("worker") == ()
        assert await state(world, wanted.id) is JobState.RUNNING


class FencingContract(Contract):
    """Whoever lost a job changes nothing about it. Fixture: `world`."""

    @pytest.mark.parametrize("to", sorted(set(JobState) - {JobState.RUNNING}))
    async def test_a_run_that_lost_its_job_to_another_worker_ends_nothing(self, world: World, to: JobState) -> None:
        (stale,) = await running(world, Errand())
        await world.job_store.leave("worker")
        await enlist(world, "other")
        present = (await claim(world, "other"))[stale.id]
        before = await job(world, stale.id)
        assert not await finish(world, stale, to, error="late", delay=HOUR, refund=True)
        assert await job(world, stale.id) == before
        assert await finish(world, present)

    async def test_an_earlier_run_of_the_same_worker_in_the_same_attempt_ends_nothing(self, world: World) -> None:
        (stale,) = await running(world, Errand())
        assert await finish(world, stale, JobState.AVAILABLE, refund=True)
        present = (await claim(world))[stale.id]
        assert (present.attempt, stale.attempt) == (1, 1)
        assert not await finish(world, stale, JobState.DISCARDED)
        assert not await world.job_store.report(stale.key, Progress(current=1), [])
        assert await world.job_store.cancel_requests("worker") == ()
        await ask_to_cancel(world, stale.id)
        assert await world.job_store.cancel_requests("worker") == (present.key,)
        assert await finish(world, present)

    @pytest.mark.parametrize("elsewhere", sorted(set(JobState) - {JobState.RUNNING}))
    async def test_a_job_that_does_not_run_is_ended_by_nobody(self, world: World, elsewhere: JobState) -> None:
        job_id = await bring_into(world, elsewhere, Errand())
        before = await job(world, job_id)
        for run in (0, 1, 2):
            key = JobKey(id=job_id, run=run)
            assert await world.job_store.finish([Finish(key=key, state=JobState.DISCARDED)]) == frozenset()
            assert not await world.job_store.report(key, Progress(current=1), [])
        assert await job(world, job_id) == before

    async def test_of_many_who_finish_a_run_one_does(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        outcomes = await race(lambda: finish(world, claimed, JobState.RETRYABLE, delay=HOUR, error="no flour"))
        assert sorted(outcomes, key=bool) == [False] * (RACERS - 1) + [True]
        assert len((await job(world, claimed.id)).errors) == 1


class ProgressContract(Contract):
    """What long jobs report. Fixture: `world`."""

    async def test_progress_is_kept_and_replaced(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        first = Progress(phase="walk", current=3, total=7, message="Käse", cursor="c/d")
        assert await world.job_store.report(claimed.key, first, [])
        assert (await job(world, claimed.id)).progress == first
        assert await world.job_store.report(claimed.key, Progress(current=4), [])
        assert (await job(world, claimed.id)).progress == Progress(current=4)

    async def test_progress_of_an_attempt_is_given_to_the_next(self, world: World) -> None:
        (first,) = await running(world, Errand())
        progress = Progress(current=3, cursor="c/d")
        await world.job_store.report(first.key, progress, [])
        await finish(world, first, JobState.RETRYABLE, error="tired")
        assert (await claim(world))[first.id].progress == progress

    async def test_the_last_outcome_of_each_item_is_kept(self, world: World) -> None:
        claimed, other = await running(world, Errand(), Errand())
        first = [
            ItemOutcome(item="b", status=ItemStatus.FAILED, detail="burnt 🎬"),
            ItemOutcome(item="a", status=ItemStatus.SKIPPED),
            ItemOutcome(item="c", status=ItemStatus.FAILED, detail="gone"),
        ]
        before = await world.now()
        assert await world.job_store.report(claimed.key, Progress(), first)
        assert await world.job_store.report(
            claimed.key, Progress(), [ItemOutcome(item="c", status=ItemStatus.DONE), *first[:1]]
        )
        assert await world.job_store.report(other.key, Progress(), [ItemOutcome(item="a", status=ItemStatus.DONE)])
        items = await world.job_reader.items(claimed.id, limit=10, after=None)
        assert [(item.item, item.status, item.detail) for item in items] == [
            ("a", ItemStatus.SKIPPED, None),
            ("b", ItemStatus.FAILED, "burnt 🎬"),
            ("c", ItemStatus.DONE, None),
        ]
        assert all(before <= item.at for item in items)
        assert (await job(world, claimed.id)).items == {"done": 1, "failed": 1, "skipped": 1}

    async def test_an_item_that_is_told_twice_at_once_keeps_the_later(self, world: World) -> None:
        (claimed,) = await running(world, Errand())
        twice = [ItemOutcome(item="a", status=status) for status in (ItemStatus.FAILED, ItemStatus.DONE)]
        assert await world.job_store.report(claimed.key, Progress(), twice)
        assert (await job(world, claimed.id)).items == {"done": 1}

    async def test_who_lost_the_job_reports_nothing(self, world: World) -> None:
        (stale,) = await running(world, Errand())
        await world.job_store.leave("worker")
        outcome = ItemOutcome(item="a", status=ItemStatus.DONE)
        assert not await world.job_store.report(stale.key, Progress(current=1), [outcome])
        await enlist(world, "other")
        await claim(world, "other")
        assert not await world.job_store.report(stale.key, Progress(current=1), [outcome])
        kept = await job(world, stale.id)
        assert (kept.progress, kept.items) == (None, {})
