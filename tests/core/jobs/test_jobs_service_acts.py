"""Administrators change jobs, queues and schedules: what is done, what is refused, what the audit log says of it."""

from collections.abc import Sequence
from typing import Final

import msgspec
import pytest

from revenge_adapters import Sandbox
from revenge_adapters.memory.activity import MemoryActivityLog
from revenge_core.activity.entities import Action, Entry
from revenge_core.actor import Actor
from revenge_core.background import FINISHED, JobState, Planned, Queue
from revenge_core.errors import DatabaseUnavailable
from revenge_core.jobs import (
    BulkItem,
    ItemResult,
    JobAct,
    JobFilter,
    JobFilterInvalid,
    JobNotFound,
    JobStateConflict,
    QueueNotFound,
    ScheduleInfo,
    ScheduleNotFound,
    require_done,
)
from revenge_core.testing.contracts.errands import Errand, SoleErrand
from tests.core.people import admin, entries
from tests.errands import a_schedule, change, enqueue, one_in, put

HOST: Final = Actor.host()
ACTIONS: Final = {
    JobAct.CANCEL: Action.JOB_CANCEL,
    JobAct.DELETE: Action.JOB_DELETE,
    JobAct.RETRY: Action.JOB_RETRY,
}


async def do(box: Sandbox, what: JobAct, which: Sequence[int] | JobFilter, actor: Actor = HOST) -> tuple[BulkItem, ...]:
    jobs = box.revenge.jobs
    return await {JobAct.CANCEL: jobs.cancel, JobAct.DELETE: jobs.delete, JobAct.RETRY: jobs.retry}[what](actor, which)


async def one_in_each(box: Sandbox) -> dict[JobState, int]:
    return {state: await one_in(box, state) for state in JobState}


def done(results: Sequence[BulkItem]) -> list[int]:
    return [one.id for one in results if one.result is ItemResult.DONE]


async def schedule(box: Sandbox, name: str) -> ScheduleInfo:
    return next(one for one in await box.revenge.jobs.schedules(HOST) if one.name == name)


def told(entry: Entry) -> dict[str, object]:
    return {name: change.after for name, change in entry.changes.items()}


# By id


@pytest.mark.parametrize("what", JobAct)
async def test_what_is_done_to_one_job_is_in_the_audit_log_under_its_id(box: Sandbox, what: JobAct) -> None:
    actor = await admin(box)
    job_id = await one_in(box, JobState.RETRYABLE)
    require_done(await do(box, what, [job_id], actor))
    (entry,) = entries(box, ACTIONS[what])
    assert (entry.actor_id, entry.resource_type, entry.resource_key) == (actor.user_id, "job", str(job_id))
    assert told(entry) == {"count": 1, "jobs": str(job_id)}


@pytest.mark.parametrize("what", JobAct)
async def test_what_is_done_to_several_is_one_entry_that_names_them_all(box: Sandbox, what: JobAct) -> None:
    ids = [await one_in(box, JobState.RETRYABLE) for _ in range(6)]
    await do(box, what, [ids[5], ids[0], ids[1], ids[2], 4711])
    (entry,) = entries(box, ACTIONS[what])
    assert (entry.resource_type, entry.resource_key) == ("job", None)
    assert told(entry) == {"count": 4, "jobs": "1-3, 6"}


@pytest.mark.parametrize("what", JobAct)
async def test_where_nothing_is_done_nothing_is_told(box: Sandbox, what: JobAct) -> None:
    refused = await one_in(box, JobState.COMPLETED if what is JobAct.CANCEL else JobState.RUNNING)
    results = await do(box, what, [refused, 4711])
    assert [one.result for one in results] == [ItemResult.REFUSED, ItemResult.NOT_FOUND]
    assert await do(box, what, []) == ()
    assert entries(box, ACTIONS[what]) == []


@pytest.mark.parametrize("what", JobAct)
async def test_an_act_without_its_audit_entry_does_not_happen(
    box: Sandbox, what: JobAct, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await one_in(box, JobState.SCHEDULED)

    async def fail(*_: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(MemoryActivityLog, "add", fail)
    with pytest.raises(DatabaseUnavailable):
        await do(box, what, [job_id])
    assert box.rows.jobs[job_id].state is JobState.SCHEDULED


@pytest.mark.parametrize("what", JobAct)
async def test_one_call_changes_a_thousand_jobs_at_most(box: Sandbox, what: JobAct) -> None:
    ids = await enqueue(box, *[Errand()] * 1001)
    with pytest.raises(JobFilterInvalid) as refused:
        await do(box, what, ids)
    assert [problem.pointer for problem in refused.value.problems] == ["/ids"]
    assert len(await do(box, what, ids[1:])) == 1000


@pytest.mark.parametrize("job_id", [0, -1, 2**63])
async def test_what_is_no_id_is_refused(box: Sandbox, job_id: int) -> None:
    (waiting,) = await enqueue(box)
    with pytest.raises(JobFilterInvalid) as refused:
        await box.revenge.jobs.delete(HOST, [waiting, job_id])
    assert [problem.pointer for problem in refused.value.problems] == ["/ids"]
    assert waiting in box.rows.jobs


def test_the_result_of_one_becomes_an_error_or_nothing() -> None:
    require_done([BulkItem(id=1, result=ItemResult.DONE)])
    with pytest.raises(JobNotFound):
        require_done([BulkItem(id=1, result=ItemResult.NOT_FOUND)])
    with pytest.raises(JobStateConflict, match="It is running"):
        require_done([BulkItem(id=1, result=ItemResult.REFUSED, detail="It is running")])


# By filter


@pytest.mark.parametrize("what", JobAct)
async def test_a_filter_that_asks_for_nothing_is_refused(box: Sandbox, what: JobAct) -> None:
    await one_in_each(box)
    before = dict(box.rows.jobs)
    with pytest.raises(JobFilterInvalid):
        await do(box, what, JobFilter())
    assert box.rows.jobs == before


@pytest.mark.parametrize(
    ("what", "reached"),
    [
        (JobAct.CANCEL, {JobState.AVAILABLE, JobState.RETRYABLE, JobState.RUNNING, JobState.SCHEDULED}),
        (JobAct.DELETE, FINISHED),
        (JobAct.RETRY, {JobState.DISCARDED, JobState.RETRYABLE}),
    ],
)
async def test_a_filter_without_states_does_nothing_twice_and_loses_nothing(
    box: Sandbox, what: JobAct, reached: set[JobState]
) -> None:
    jobs = await one_in_each(box)
    results = await do(box, what, JobFilter(kinds=("errand",)))
    assert set(done(results)) == {jobs[state] for state in reached}
    assert len(results) == len(reached)


@pytest.mark.parametrize(
    ("what", "impossible"),
    [
        (JobAct.CANCEL, FINISHED),
        (JobAct.DELETE, {JobState.RUNNING}),
        (JobAct.RETRY, {JobState.AVAILABLE, JobState.RUNNING}),
    ],
)
async def test_a_filter_with_states_reaches_all_of_them_in_which_it_can_be_done(
    box: Sandbox, what: JobAct, impossible: set[JobState]
) -> None:
    jobs = await one_in_each(box)
    assert await do(box, what, JobFilter(states=tuple(impossible))) == ()
    results = await do(box, what, JobFilter(states=tuple(JobState)))
    assert set(done(results)) == {job_id for state, job_id in jobs.items() if state not in impossible}


@pytest.mark.parametrize("what", JobAct)
async def test_a_filter_takes_the_newest_thousand_and_calling_again_comes_to_an_end(box: Sandbox, what: JobAct) -> None:
    ids = await enqueue(box, *[Errand()] * 1003)
    for job_id in ids:
        put(box, job_id, JobState.SCHEDULED)
    wanted = JobFilter(kinds=("errand",), states=(JobState.SCHEDULED, JobState.RUNNING))
    assert done(await do(box, what, wanted)) == sorted(ids, reverse=True)[:1000]
    assert done(await do(box, what, wanted)) == ids[2::-1]
    assert await do(box, what, wanted) == ()


async def test_calling_again_comes_to_an_end_while_cancelled_jobs_still_run(box: Sandbox) -> None:
    job_id = await one_in(box, JobState.RUNNING)
    assert done(await do(box, JobAct.CANCEL, JobFilter(kinds=("errand",)))) == [job_id]
    assert await do(box, JobAct.CANCEL, JobFilter(kinds=("errand",))) == ()


async def test_the_audit_log_tells_by_which_filter_jobs_were_chosen(box: Sandbox) -> None:
    await enqueue(box, Planned(job=Errand(), tags=("home", "Zoë")), Planned(job=Errand(), queue=Queue.LOW))
    wanted = JobFilter(queues=("high",), tags=("Zoë",), created_before=box.clock.advance(seconds=1))
    assert len(await do(box, JobAct.CANCEL, wanted)) == 1
    (entry,) = entries(box, Action.JOB_CANCEL)
    chosen = entry.changes["filter"].after
    assert isinstance(chosen, str)
    assert msgspec.json.decode(chosen) == {
        "queues": ["high"],
        "tags": ["Zoë"],
        "created_before": "2026-01-01T12:00:01Z",
    }


async def test_a_retried_job_waits_again_with_an_attempt_to_go(box: Sandbox) -> None:
    job_id = await one_in(box, JobState.DISCARDED, attempt=5, max_attempts=5)
    await do(box, JobAct.RETRY, [job_id])
    job = await box.revenge.jobs.get(HOST, job_id)
    assert (job.state, job.attempt, job.max_attempts, job.finalized_at) == (JobState.AVAILABLE, 5, 6, None)


async def test_a_unique_job_is_not_retried_beside_the_one_in_its_place(box: Sandbox) -> None:
    (old,) = await enqueue(box, SoleErrand())
    put(box, old, JobState.DISCARDED)
    (new,) = await enqueue(box, SoleErrand())
    with pytest.raises(JobStateConflict, match=f"Job {new} is the same"):
        require_done(await do(box, JobAct.RETRY, [old]))


# Queues


async def test_a_queue_is_paused_and_goes_on_and_both_are_told_once(box: Sandbox) -> None:
    actor = await admin(box)
    paused = await box.revenge.jobs.pause_queue(actor, "low", paused=True)
    assert (paused.name, paused.paused_at) == ("low", box.clock.now())
    box.clock.advance(seconds=5)
    assert await box.revenge.jobs.pause_queue(actor, "low", paused=True) == paused
    assert (await box.revenge.jobs.pause_queue(actor, "low", paused=False)).paused_at is None
    await box.revenge.jobs.pause_queue(actor, "low", paused=False)
    (pause,), (resume,) = entries(box, Action.QUEUE_PAUSE), entries(box, Action.QUEUE_RESUME)
    for entry in (pause, resume):
        assert (entry.actor_id, entry.resource_type, entry.resource_key) == (actor.user_id, "queue", "low")


@pytest.mark.parametrize("name", ["", "Low", "lower", "low\x00", "x" * 10_000])
async def test_a_queue_that_there_is_not_cannot_be_paused(box: Sandbox, name: str) -> None:
    with pytest.raises(QueueNotFound, match="bulk, critical, default, high, low"):
        await box.revenge.jobs.pause_queue(HOST, name, paused=True)
    assert box.rows.paused_queues == {}


# Schedules


async def test_a_schedule_is_paused_and_goes_on_and_both_are_told_once(box: Sandbox) -> None:
    await a_schedule(box)
    for _ in range(2):
        assert (await box.revenge.jobs.pause_schedule(HOST, "shopping", paused=True)).paused_at == box.clock.now()
    for _ in range(2):
        assert (await box.revenge.jobs.pause_schedule(HOST, "shopping", paused=False)).paused_at is None
    (pause,), (resume,) = entries(box, Action.SCHEDULE_PAUSE), entries(box, Action.SCHEDULE_RESUME)
    for entry in (pause, resume):
        assert (entry.resource_type, entry.resource_key) == ("schedule", "shopping")


async def test_a_schedules_job_is_run_now_and_that_is_told_with_the_job(box: Sandbox) -> None:
    await a_schedule(box)
    before = await schedule(box, "shopping")
    job = await box.revenge.jobs.run_schedule(HOST, "shopping")
    assert (job.kind, job.state) == ("errand", JobState.AVAILABLE)
    after = await schedule(box, "shopping")
    assert (after.last_job_id, after.next_run_at) == (job.id, before.next_run_at)
    (entry,) = entries(box, Action.SCHEDULE_RUN)
    assert (entry.resource_type, entry.resource_key, told(entry)) == ("schedule", "shopping", {"job": job.id})


@pytest.mark.parametrize("name", ["", "Shopping", "x" * 10_000])
async def test_a_schedule_that_there_is_not_cannot_be_changed_or_run(box: Sandbox, name: str) -> None:
    await a_schedule(box)
    jobs = box.revenge.jobs
    for use in (
        jobs.pause_schedule(HOST, name, paused=True),
        jobs.pause_schedule(HOST, name, paused=False),
        jobs.run_schedule(HOST, name),
    ):
        with pytest.raises(ScheduleNotFound):
            await use
    assert (box.rows.jobs, box.rows.activity) == ({}, {})


async def test_jobs_are_told_by_their_tags_however_their_rows_came_about(box: Sandbox) -> None:
    (job_id,) = await enqueue(box)
    change(box, job_id, tags=("imported",))
    assert done(await do(box, JobAct.DELETE, JobFilter(tags=("imported",), states=(JobState.AVAILABLE,)))) == [job_id]
