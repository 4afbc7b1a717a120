"""Jobs that run where there is no database: what is handed on, to whom, how much of it, and what comes back."""

import asyncio
from datetime import timedelta
from typing import ClassVar

import pytest

from revenge_adapters.dragonfly.streams import (
    FIELD,
    GROUP,
    Dispatch,
    Done,
    Reported,
)
from revenge_core.background import (
    CancelJob,
    DiscardJob,
    ItemOutcome,
    ItemStatus,
    Job,
    JobContext,
    JobSpec,
    JobState,
    Progress,
    Queue,
    Snooze,
)
from revenge_core.jobs.entities import JobKey
from revenge_core.secrets import Secret
from tests.dragonfly.outpost import KEYS, Letter, Outpost, Parcel, Tally, emptied
from tests.taskiq.yard import nothing, raising

WAITING = KEYS.queue(Queue.BULK, Parcel.spec.priority)
DONE = KEYS.done


async def test_every_job_runs_once_and_is_completed(outpost: Outpost) -> None:
    tally = Tally()
    async with outpost.relay(), outpost.worker(tally, "one"), outpost.worker(tally, "two"):
        ids = await outpost.enqueue(100)
        await outpost.yard.counted(JobState.COMPLETED, 100)
    assert sorted(tally.given) == ids


async def test_jobs_that_need_the_database_stay_with_those_who_have_it(outpost: Outpost) -> None:
    tally = Tally()
    async with outpost.relay(), outpost.worker(tally):
        (letter,) = await outpost.yard.enqueue(Letter())
        await outpost.enqueue(3)
        await outpost.yard.counted(JobState.COMPLETED, 3)
        assert (await outpost.yard.find(letter)).state is JobState.AVAILABLE
        outpost.yard.handlers.add(Letter, nothing)
        async with outpost.yard.working():
            await outpost.yard.found_in(letter, JobState.COMPLETED)
    assert letter not in tally.given


async def test_queues_that_are_not_streamed_are_left_alone(outpost: Outpost) -> None:
    tally = Tally()
    async with outpost.relay(), outpost.worker(tally):
        (other,) = await outpost.enqueue(1, queue=Queue.LOW)
        await outpost.enqueue(1)
        await outpost.yard.counted(JobState.COMPLETED, 1)
        assert (await outpost.yard.find(other)).state is JobState.AVAILABLE


async def test_kinds_that_not_every_worker_knows_are_not_handed_on(outpost: Outpost) -> None:
    outpost.kinds = (Parcel.spec.kind, Letter.spec.kind)
    async with outpost.relay(), outpost.worker(Tally()):
        (letter,) = await outpost.yard.enqueue(Letter())
        await outpost.enqueue(1)
        await outpost.yard.counted(JobState.COMPLETED, 1)
        assert (await outpost.yard.find(letter)).state is JobState.AVAILABLE


async def test_workers_with_a_database_take_what_is_left(outpost: Outpost) -> None:
    far, near = Tally(), Tally()
    far.gate.clear()
    outpost.yard.handlers.add(Parcel, near)
    async with outpost.relay(), outpost.worker(far, places=1):
        await outpost.enqueue(1)
        await far.until(lambda tally: tally.inside == 1)
        async with outpost.yard.working():
            await outpost.enqueue(20)
            await near.until(lambda tally: len(tally.given) >= 19)  # one more may be on its way to the other
            far.gate.set()
            await outpost.yard.counted(JobState.COMPLETED, 21)


async def test_no_more_than_twice_as_many_as_are_free_are_out(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.relay(), outpost.worker(tally, places=3):
        await outpost.enqueue(50)
        await tally.until(lambda tally: tally.inside == 3)
        await asyncio.sleep(1.5)  # the relay looks every second
        assert await outpost.yard.count(JobState.RUNNING) <= 6
        tally.gate.set()
        await outpost.yard.counted(JobState.COMPLETED, 50)


async def test_an_urgent_job_overtakes_all_but_what_is_out_already(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.relay(), outpost.worker(tally, places=1):
        await outpost.enqueue(10, priority=4)
        await tally.until(lambda tally: tally.inside == 1)
        (urgent,) = await outpost.enqueue(1, priority=1)
        tally.gate.set()
        await outpost.yard.counted(JobState.COMPLETED, 11)
    assert tally.given.index(urgent) <= 2


@pytest.mark.parametrize(
    ("error", "state", "attempt"),
    [
        (ValueError("no stamps"), JobState.RETRYABLE, 1),
        (DiscardJob("no such place"), JobState.DISCARDED, 1),
        (CancelJob("nobody wants it any more"), JobState.CANCELLED, 1),
        (Snooze(timedelta(hours=1)), JobState.SCHEDULED, 0),
    ],
)
async def test_how_a_run_ended_is_stored(outpost: Outpost, error: Exception, state: JobState, attempt: int) -> None:
    async with outpost.relay(), outpost.worker(raising(error)):
        (job_id,) = await outpost.enqueue(1)
        found = await outpost.yard.found_in(job_id, state)
    assert found.attempt == attempt
    if not isinstance(error, Snooze):
        assert str(error) in found.errors[0]["error"]


async def test_an_error_that_no_database_can_hold_is_left_out(outpost: Outpost) -> None:
    async with outpost.relay(), outpost.worker(raising(ValueError("\0"))):
        (job_id,) = await outpost.enqueue(1)
        assert (await outpost.yard.found_in(job_id, JobState.RETRYABLE)).attempt == 1


async def test_progress_is_kept_and_the_next_attempt_gets_it(outpost: Outpost) -> None:
    seen: list[Progress | None] = []

    async def handler(_job: Job, ctx: JobContext) -> None:
        seen.append(ctx.progress)
        if ctx.progress is None:
            halfway = Progress(current=1, total=2, cursor="door")
            await ctx.report(halfway, [ItemOutcome(item="door", status=ItemStatus.DONE)])
            raise Snooze(timedelta(0))

    async with outpost.relay(), outpost.worker(handler):
        (job_id,) = await outpost.enqueue(1)
        await outpost.yard.found_in(job_id, JobState.COMPLETED)
    assert seen == [None, Progress(current=1, total=2, cursor="door")]


async def test_a_job_that_runs_is_cancelled_where_it_runs(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.relay(), outpost.worker(tally):
        (job_id,) = await outpost.enqueue(1)
        await tally.until(lambda tally: tally.inside == 1)
        await outpost.yard.cancel(job_id)
        await outpost.yard.found_in(job_id, JobState.CANCELLED)
        await tally.until(lambda tally: tally.inside == 0)


async def test_a_job_that_waits_is_cancelled_and_never_runs(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.relay(), outpost.worker(tally, places=1):
        first, second = await outpost.enqueue(2)
        await outpost.yard.counted(JobState.RUNNING, 2)
        await tally.until(lambda tally: tally.inside == 1)
        await outpost.yard.cancel(second)
        await outpost.yard.found_in(second, JobState.CANCELLED)
        tally.gate.set()
        await outpost.yard.found_in(first, JobState.COMPLETED)
    assert tally.given == [first]


async def test_a_worker_that_stops_gives_back_what_it_runs(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.relay():
        async with outpost.worker(tally, places=1):
            (job_id,) = await outpost.enqueue(1)
            await tally.until(lambda tally: tally.inside == 1)
        found = await outpost.yard.found_in(job_id, JobState.AVAILABLE)
        assert (found.attempt, found.errors) == (0, [])


async def test_a_relay_that_stops_gives_back_what_waits_and_stores_what_runs(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.worker(tally, places=1):
        async with outpost.relay():
            first, second = await outpost.enqueue(2)
            await outpost.yard.counted(JobState.RUNNING, 2)
            await tally.until(lambda tally: tally.inside == 1)
            tally.gate.set()
        assert (await outpost.yard.find(first)).state is JobState.COMPLETED
        assert (await outpost.yard.find(second)).state in {JobState.AVAILABLE, JobState.COMPLETED}
        assert await outpost.yard.count(JobState.RUNNING) == 0
        assert await outpost.yard.workers() == ()


async def test_one_relay_hands_on_and_another_goes_on_when_it_leaves(outpost: Outpost) -> None:
    tally = Tally()
    async with outpost.worker(tally), outpost.client() as client:
        async with outpost.relay("one"):
            await outpost.enqueue(5)
            await outpost.yard.counted(JobState.COMPLETED, 5)
            async with outpost.relay("two"):
                assert await client.do("GET", KEYS.leader) == b"one"
                ids = await outpost.enqueue(5)
                await outpost.yard.counted(JobState.COMPLETED, 10)
                assert {(await outpost.yard.find(id)).attempted_by for id in ids} == {"one"}
        async with outpost.relay("two"):
            await outpost.enqueue(5)
            await outpost.yard.counted(JobState.COMPLETED, 15)
    assert len(tally.given) == len(set(tally.given)) == 15


async def test_places_of_stream_workers_are_those_of_the_relay(outpost: Outpost) -> None:
    queues = "SELECT queues::text FROM revenge.job_workers"
    async with outpost.relay("relay"), outpost.worker(Tally(), "one", places=3), outpost.worker(Tally(), "two"):
        async with asyncio.timeout(20):
            while await outpost.asked(queues) != ['{"bulk": 6}']:  # noqa: ASYNC110 -- the database tells nobody
                await asyncio.sleep(0.05)


async def test_nothing_is_left_behind(outpost: Outpost) -> None:
    async with outpost.client() as client:
        async with outpost.relay(), outpost.worker(Tally()):
            await outpost.enqueue(50)
            await outpost.yard.counted(JobState.COMPLETED, 50)
        assert set(await client.do("KEYS", "*")) <= {DONE.encode(), WAITING.encode()}
        await emptied(client, DONE, WAITING)


class Sealed(Job, kw_only=True):
    spec: ClassVar[JobSpec] = JobSpec(kind="parcel", queue=Queue.BULK, pure=True)

    what: Secret


async def test_secrets_are_sealed_on_their_way(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.client() as client, outpost.relay(), outpost.worker(tally, places=1):
        await outpost.enqueue(1)
        await tally.until(lambda tally: tally.inside == 1)
        await outpost.yard.enqueue(Sealed(what=Secret("the way to the vault")))
        tally.gate.set()
        await outpost.yard.counted(JobState.RUNNING, 0)
        raw = await client.do("XRANGE", WAITING, "-", "+")
    assert b"vault" not in repr(raw).encode()


ENDLESS = b'{"deep": ' + b"[" * 5000 + b"]" * 5000 + b"}"
GARBAGE = [b"", b"{", b"[]", b'{"relay": 7}', b"\xff\x00", pytest.param(ENDLESS, id="endless")]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_among_jobs_and_results_is_removed_and_holds_nobody_up(outpost: Outpost, garbage: bytes) -> None:
    tally = Tally()
    async with outpost.client() as client, outpost.relay(), outpost.worker(tally):
        await client.do("XADD", WAITING, "*", FIELD, garbage)
        await client.do("XADD", WAITING, "*", "something", garbage)
        await client.do("XADD", DONE, "*", FIELD, garbage)
        await client.do("XADD", DONE, "*", "something", garbage)
        await client.do("SADD", KEYS.workers, "stranger")
        await client.do("SET", KEYS.worker("stranger"), garbage)
        await outpost.enqueue(20)
        await outpost.yard.counted(JobState.COMPLETED, 20)
        await emptied(client, DONE, WAITING)
    assert len(tally.given) == 20


@pytest.mark.parametrize("key", [JobKey(id=1, run=1), JobKey(id=2**70, run=1)])
async def test_progress_that_no_database_takes_is_left_out_and_holds_nobody_up(outpost: Outpost, key: JobKey) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.client() as client, outpost.relay(), outpost.worker(tally):
        await outpost.enqueue(2)
        await tally.until(lambda tally: tally.inside == 2)
        odd = Done(reports=(Reported(key=key, progress=Progress(message="\0"), items=()),))
        await client.do("XADD", DONE, "*", FIELD, outpost.envelopes.seal(DONE, odd))
        tally.gate.set()
        await outpost.yard.counted(JobState.COMPLETED, 2)
        await emptied(client, DONE)


async def test_a_job_that_is_offered_twice_runs_once(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    await outpost.enqueue(1)
    (claimed,) = await outpost.yard.store.claim("relay", {"bulk": 1})
    async with outpost.client() as client, outpost.worker(tally):
        for _ in range(3):
            dispatch = outpost.envelopes.seal(WAITING, Dispatch(relay="relay", job=claimed))
            await client.do("XADD", WAITING, "*", FIELD, dispatch)
        await emptied(client, WAITING)
        assert tally.given == [claimed.id]


async def test_what_a_worker_took_and_never_deleted_is_cleared_away(outpost: Outpost) -> None:
    tally = Tally()
    async with outpost.client() as client:
        await client.do("XGROUP", "CREATE", WAITING, GROUP, "0", "MKSTREAM")
        for number in range(10):
            await client.do("XADD", WAITING, f"{number + 1}-1", FIELD, "{}")
        await client.do("XREADGROUP", "GROUP", GROUP, GROUP, "COUNT", 10, "NOACK", "STREAMS", WAITING, ">")
        async with outpost.relay(), outpost.worker(tally, places=1):
            await outpost.enqueue(3)
            await outpost.yard.counted(JobState.COMPLETED, 3)
            await emptied(client, WAITING)


async def test_what_has_waited_for_a_lease_is_not_begun(outpost: Outpost) -> None:
    tally = Tally()
    old, new = await outpost.enqueue(2)
    claimed = await outpost.yard.store.claim("relay", {"bulk": 2})
    stale, fresh = (outpost.envelopes.seal(WAITING, Dispatch(relay="relay", job=job)) for job in claimed)
    async with outpost.client() as client:
        await client.do("XADD", WAITING, "1-1", FIELD, stale)
        async with outpost.worker(tally):
            await emptied(client, WAITING)
            await client.do("XADD", WAITING, "*", FIELD, fresh)
            await tally.until(lambda tally: tally.given == [new])
    assert old not in tally.given
