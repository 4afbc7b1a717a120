"""How a run ends, for everything that a handler may do."""

import asyncio
import logging
from datetime import timedelta
from typing import cast

import pytest

from revenge_adapters.postgres.sql import Query
from revenge_core.background import (
    CancelJob,
    DiscardJob,
    Job,
    JobContext,
    JobState,
    Planned,
    Progress,
    RetryAfter,
    Snooze,
)
from revenge_core.jobs.policy import MAX_ATTEMPTS
from tests.taskiq.yard import Errand, Hasty, Stranger, Yard, nothing, raising

MINUTE = timedelta(minutes=1)


async def test_a_job_whose_handler_returns_is_completed(yard: Yard) -> None:
    done: list[tuple[str, int, int]] = []

    async def handler(job: Errand, ctx: JobContext) -> None:
        done.append((job.what, ctx.id, ctx.attempt))

    yard.handlers.add(Errand, handler)
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand(what="milk"))
        found = await yard.found_in(job_id, JobState.COMPLETED)
    assert done == [("milk", job_id, 1)]
    assert (found.attempt, found.errors) == (1, [])


async def test_a_job_whose_handler_raises_is_tried_again_later_and_says_why(yard: Yard) -> None:
    yard.handlers.add(Errand, raising(ConnectionError("the shop is closed")))
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand())
        found = await yard.found_in(job_id, JobState.RETRYABLE)
    assert timedelta(0) < found.wait < timedelta(seconds=2)
    (error,) = found.errors
    assert error["error"] == "ConnectionError: the shop is closed"
    assert "in handler" in error["trace"]
    assert (error["attempt"], error["worker"]) == (1, "worker")


async def test_after_its_last_attempt_a_job_is_discarded(yard: Yard) -> None:
    yard.handlers.add(Errand, raising(ConnectionError()))
    async with yard.working():
        (job_id,) = await yard.enqueue(Planned(job=Errand(), max_attempts=1))
        assert (await yard.found_in(job_id, JobState.DISCARDED)).attempt == 1


@pytest.mark.parametrize(
    ("said", "state", "attempt", "wait"),
    [
        (Snooze(MINUTE), JobState.SCHEDULED, 0, MINUTE),
        (RetryAfter(MINUTE, "try tomorrow"), JobState.RETRYABLE, 1, MINUTE),
        (CancelJob("nobody is hungry"), JobState.CANCELLED, 1, None),
        (DiscardJob("there is no such shop"), JobState.DISCARDED, 1, None),
    ],
)
async def test_a_handler_may_say_how_its_job_ends(
    yard: Yard, said: Exception, state: JobState, attempt: int, wait: timedelta | None
) -> None:
    yard.handlers.add(Errand, raising(said))
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand())
        found = await yard.found_in(job_id, state)
    assert found.attempt == attempt
    if wait is not None:
        assert wait - timedelta(seconds=20) < found.wait <= wait


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (Snooze(timedelta.max), JobState.SCHEDULED),
        (Snooze(timedelta.min), JobState.COMPLETED),
        (RetryAfter(timedelta.max, "when pigs fly"), JobState.RETRYABLE),
        (RetryAfter(cast(timedelta, "soon"), "no time at all"), JobState.RETRYABLE),
    ],
)
async def test_no_delay_that_a_handler_may_ask_for_breaks_anything(
    yard: Yard, said: Exception, state: JobState
) -> None:
    answers = iter([said])

    async def handler(_job: Job, _ctx: JobContext) -> None:
        for answer in answers:
            raise answer

    yard.handlers.add(Errand, handler)
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand())
        await yard.found_in(job_id, state)


async def test_an_attempt_that_takes_too_long_is_cancelled_and_counts(yard: Yard) -> None:
    cleaned_up = asyncio.Event()

    async def handler(_job: Job, _ctx: JobContext) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)  # a clean-up may wait
            cleaned_up.set()

    yard.handlers.add(Hasty, handler)
    async with yard.working():
        (job_id,) = await yard.enqueue(Hasty())
        found = await yard.found_in(job_id, JobState.RETRYABLE)
    assert cleaned_up.is_set()
    assert found.attempt == 1
    assert found.errors[0]["error"] == "TimedOut: it took longer than 0.03 s"


async def test_a_timeout_of_the_handlers_own_is_its_error_and_not_the_jobs(yard: Yard) -> None:
    async def handler(_job: Job, _ctx: JobContext) -> None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)

    yard.handlers.add(Errand, handler)
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand())
        assert (await yard.found_in(job_id, JobState.RETRYABLE)).errors[0]["error"] == "TimeoutError"


async def test_a_handler_may_still_say_how_its_job_ends_when_the_time_is_over(yard: Yard) -> None:
    async def handler(_job: Job, _ctx: JobContext) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise DiscardJob("too slow for ever") from None

    yard.handlers.add(Hasty, handler)
    async with yard.working():
        (job_id,) = await yard.enqueue(Hasty())
        assert (await yard.found_in(job_id, JobState.DISCARDED)).errors[0]["error"] == "DiscardJob: too slow for ever"


async def test_jobs_of_an_unknown_kind_wait_for_a_program_that_knows_it_and_hold_up_nobody(yard: Yard) -> None:
    yard.handlers.add(Errand, nothing)
    async with yard.working():
        *strangers, errand = await yard.enqueue(*([Planned(job=Stranger(), priority=1)] * 200), Errand())
        await yard.found_in(errand, JobState.COMPLETED)
        waiting = [await yard.found_in(stranger, JobState.AVAILABLE) for stranger in strangers]
    assert {(one.attempt, len(one.errors)) for one in waiting} == {(0, 0)}
    yard.handlers.add(Stranger, nothing)
    async with yard.working():
        for stranger in strangers:
            await yard.found_in(stranger, JobState.COMPLETED)


async def test_a_job_whose_arguments_do_not_fit_is_kept_and_tried_again(yard: Yard) -> None:
    yard.handlers.add(Errand, nothing)
    (job_id,) = await yard.enqueue(Errand())
    await yard.database.run(Query("spoil", """UPDATE revenge.jobs SET args = '{"what": 5}'""", type(None)))
    async with yard.working():
        found = await yard.found_in(job_id, JobState.RETRYABLE)
    assert found.errors[0]["error"].startswith("job_payload_invalid: ")


async def test_effects_and_completion_commit_together(yard: Yard) -> None:
    async def handler(job: Errand, ctx: JobContext) -> None:
        async with yard.uow.begin() as tx:
            if job.what == "first":
                await tx.jobs.enqueue(Errand(what="next"))
            await ctx.complete(tx)

    yard.handlers.add(Errand, handler)
    async with yard.working():
        await yard.enqueue(Errand(what="first"))
        await yard.counted(JobState.COMPLETED, 2)


async def test_what_goes_wrong_after_completing_in_a_transaction_changes_nothing(yard: Yard) -> None:
    raised = asyncio.Event()

    async def handler(_job: Job, ctx: JobContext) -> None:
        async with yard.uow.begin() as tx:
            await ctx.complete(tx)
        raised.set()
        raise ConnectionError

    yard.handlers.add(Errand, handler)
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand())
        await asyncio.wait_for(raised.wait(), 20)
    found = await yard.find(job_id)
    assert (found.state, found.errors) == (JobState.COMPLETED, [])


async def test_progress_is_kept_and_given_to_the_next_attempt(yard: Yard) -> None:
    seen: list[Progress | None] = []

    async def handler(_job: Job, ctx: JobContext) -> None:
        seen.append(ctx.progress)
        await ctx.report(Progress(current=len(seen), cursor="b"))
        if len(seen) == 1:
            raise RetryAfter(timedelta(0), "once more")

    yard.handlers.add(Errand, handler)
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand())
        await yard.found_in(job_id, JobState.COMPLETED)
    assert seen == [None, Progress(current=1, cursor="b")]


@pytest.mark.parametrize("text", ["nothing \x00 more", "half a \ud800 character", "x" * 100_000])
async def test_an_error_that_no_database_takes_as_it_is_ends_the_run_all_the_same(yard: Yard, text: str) -> None:
    yard.handlers.add(Errand, raising(ValueError(text)))
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand())
        assert (await yard.found_in(job_id, JobState.RETRYABLE)).errors


async def test_a_handler_that_ends_its_process_only_ends_its_run(yard: Yard) -> None:
    yard.handlers.add(Errand, raising(SystemExit(3)))
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand())
        assert (await yard.found_in(job_id, JobState.RETRYABLE)).errors[0]["error"] == "SystemExit: 3"


async def test_attempts_beyond_any_reason_do_not_break_the_pause_before_the_next(yard: Yard) -> None:
    yard.handlers.add(Errand, raising(ConnectionError()))
    (job_id,) = await yard.enqueue(Planned(job=Errand(), max_attempts=MAX_ATTEMPTS))
    await yard.database.run(Query("age", "UPDATE revenge.jobs SET attempt = 900", type(None)))
    async with yard.working():
        assert (await yard.found_in(job_id, JobState.RETRYABLE)).wait < timedelta(days=8)


async def test_neither_arguments_nor_errors_get_into_the_log(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    yard.handlers.add(Errand, raising(ValueError("the word is open sesame")))
    async with yard.working():
        (job_id,) = await yard.enqueue(Errand(what="open sesame"))
        await yard.found_in(job_id, JobState.RETRYABLE)
    text = "\n".join(map(logging.Formatter().format, caplog.records))
    assert f"job {job_id} (errand) failed in attempt 1 of 3 with ValueError" in text
    assert "open sesame" not in text
