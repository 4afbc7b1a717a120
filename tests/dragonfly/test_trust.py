"""Somebody writes to Dragonfly who should not: what he makes up counts for nothing, and what he repeats for little."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Final

import msgspec
import pytest

from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.dragonfly.streams import FIELD, Dispatch, Done, Keys
from revenge_adapters.dragonfly.wakeups import RedisWakeUps
from revenge_adapters.listeners import EVERYTHING
from revenge_core.background import Job, JobContext, JobState, Queue, Snooze
from revenge_core.entity import Entity
from revenge_core.jobs.entities import Finish, JobKey, Signal, SignalKind
from revenge_core.secrets import Secret
from tests.dragonfly.outpost import KEYS, Outpost, Parcel, Tally, emptied

THEIRS: Final = Envelopes(Secret("what somebody else's machines have in common"))
WAITING: Final = KEYS.queue(Queue.BULK, Parcel.spec.priority)
SECONDS_TO_BE_TAKEN_IN: Final = 1.5
"""Relays and workers look every second."""


def made_up(place: str, message: Entity) -> list[bytes]:
    """As who knows everything but our master secret would write it."""
    return [msgspec.json.encode(message), THEIRS.seal(place, message)]


async def waiting(client: RedisClient) -> list[bytes]:
    """Jobs that are out and not taken, as whoever reads Dragonfly sees them."""
    return [fields[FIELD.encode()] for _, fields in await client.do("XRANGE", WAITING, "-", "+")]


async def test_a_made_up_end_ends_nothing(outpost: Outpost, caplog: pytest.LogCaptureFixture) -> None:
    tally = Tally()
    tally.gate.clear()
    with caplog.at_level(logging.WARNING, "revenge.streams"):
        async with outpost.client() as client, outpost.relay(), outpost.worker(tally):
            (job_id,) = await outpost.enqueue(1)
            await tally.until(lambda tally: tally.inside == 1)
            end = Finish(key=JobKey(id=job_id, run=1), state=JobState.COMPLETED)
            for forged in made_up(KEYS.done, Done(finishes=(end,))) * 2:
                await client.do("XADD", KEYS.done, "*", FIELD, forged)
            await emptied(client, KEYS.done)
            assert await outpost.states() == [JobState.RUNNING]
            tally.gate.set()
            await outpost.yard.counted(JobState.COMPLETED, 1)
    assert [record.getMessage().split(")")[0] for record in caplog.records] == ["a message in Dragonfly (Done"]


async def test_a_made_up_job_is_not_run(outpost: Outpost) -> None:
    tally = Tally()
    (job_id,) = await outpost.enqueue(1)
    (claimed,) = await outpost.yard.store.claim("relay", {"bulk": 1})
    async with outpost.client() as client, outpost.worker(tally):
        for forged in made_up(WAITING, Dispatch(relay="relay", job=claimed)):
            await client.do("XADD", WAITING, "*", FIELD, forged)
        elsewhere = outpost.envelopes.seal(KEYS.queue(Queue.BULK, 1), Dispatch(relay="relay", job=claimed))
        await client.do("XADD", WAITING, "*", FIELD, elsewhere)
        await emptied(client, WAITING)
        assert tally.given == []
        ours = outpost.envelopes.seal(WAITING, Dispatch(relay="relay", job=claimed))
        await client.do("XADD", WAITING, "*", FIELD, ours)
        await tally.until(lambda tally: tally.given == [job_id])


async def test_a_job_that_is_repeated_is_not_run_again_by_who_ran_it(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.client() as client, outpost.relay(), outpost.worker(tally, places=1):
        first, second = await outpost.enqueue(2)
        await tally.until(lambda tally: tally.given == [first])
        recorded = (await waiting(client))[-1]
        tally.gate.set()
        await outpost.yard.counted(JobState.COMPLETED, 2)
        await client.do("XADD", WAITING, "*", FIELD, recorded)
        await emptied(client, WAITING)
        (third,) = await outpost.enqueue(1)
        await outpost.yard.counted(JobState.COMPLETED, 3)
    assert tally.given == [first, second, third]


async def test_an_end_that_is_repeated_does_not_end_the_next_run(outpost: Outpost) -> None:
    began: list[int] = []
    again, gate = asyncio.Event(), asyncio.Event()

    async def handler(_job: Job, ctx: JobContext) -> None:
        began.append(ctx.id)
        if len(began) == 1:
            raise Snooze(timedelta(0))
        again.set()
        await gate.wait()

    async with outpost.client() as client, outpost.relay(), outpost.worker(handler):
        (job_id,) = await outpost.enqueue(1)
        async with asyncio.timeout(20):
            await again.wait()
        end = Finish(key=JobKey(id=job_id, run=1), state=JobState.COMPLETED)
        await client.do("XADD", KEYS.done, "*", FIELD, outpost.envelopes.seal(KEYS.done, Done(finishes=(end,))))
        await emptied(client, KEYS.done)
        assert await outpost.states() == [JobState.RUNNING]
        gate.set()
        await outpost.yard.counted(JobState.COMPLETED, 1)


async def test_announcements_that_are_repeated_bring_no_more_jobs_than_there_are_places_for(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.client() as client, outpost.relay(), outpost.worker(tally, "afar", places=3):
        place = KEYS.worker("afar")
        idle = await client.do("GET", place)
        await outpost.enqueue(50)
        for _ in range(100):
            await client.do_all([("SET", place, idle, "PX", 60_000), ("XTRIM", WAITING, "MAXLEN", 0)])
            outpost.yard.wake_ups.send([Signal(kind=SignalKind.AVAILABLE, key=Queue.BULK)])
            await asyncio.sleep(0.01)
        assert await outpost.yard.count(JobState.RUNNING) <= 6


async def test_an_announcement_of_another_workers_is_not_believed(outpost: Outpost) -> None:
    async with outpost.client() as client, outpost.relay(), outpost.worker(Tally(), "afar", places=3):
        said = await client.do("GET", KEYS.worker("afar"))
        for number in range(5):
            await client.do("SADD", KEYS.workers, f"invented {number}")
            await client.do("SET", KEYS.worker(f"invented {number}"), said)
        await client.do("SADD", KEYS.workers, b"\xff\xfe")
        queues = "SELECT queues::text FROM revenge.job_workers"
        await asyncio.sleep(SECONDS_TO_BE_TAKEN_IN)
        assert await outpost.asked(queues) == ['{"bulk": 3}']


async def test_two_installations_on_one_server_know_nothing_of_each_other(outpost: Outpost) -> None:
    ours, theirs = Tally(), Tally()
    neighbours = replace(outpost, envelopes=THEIRS)
    async with outpost.client() as client, outpost.relay(), outpost.worker(ours), neighbours.worker(theirs):
        ids = await outpost.enqueue(20)
        await outpost.yard.counted(JobState.COMPLETED, 20)
        assert await client.do("SMEMBERS", KEYS.workers) == {b"afar"}
        assert await client.do("SMEMBERS", Keys(THEIRS).workers) == {b"afar"}
    assert (sorted(ours.given), theirs.given) == (ids, [])


async def test_signals_stay_within_an_installation(outpost: Outpost) -> None:
    bulk, last = (Signal(kind=SignalKind.CANCEL, key=key) for key in ("bulk", "last"))
    async with outpost.client() as client:
        ours, more, theirs = (RedisWakeUps(client, of) for of in (outpost.envelopes, outpost.envelopes, THEIRS))
        for one in (ours, more, theirs):
            await one.start()
        try:
            async with asyncio.timeout(20), more.listen() as heard:
                assert [await anext(heard) for _ in EVERYTHING] == [*EVERYTHING]
                theirs.send([bulk])
                await client.do("PUBLISH", outpost.envelopes.name("jobs"), THEIRS.seal("anywhere", last))
                ours.send([last])
                assert await anext(heard) == last
        finally:
            for one in (ours, more, theirs):
                await one.close()


async def test_who_reads_dragonfly_does_not_see_what_a_job_is_about(outpost: Outpost) -> None:
    tally = Tally()
    tally.gate.clear()
    async with outpost.client() as client, outpost.relay(), outpost.worker(tally, places=1):
        await outpost.yard.enqueue(*[Parcel(what="a surprise") for _ in range(3)])
        await tally.until(lambda tally: tally.inside == 1)
        async with asyncio.timeout(20):
            while not (seen := await waiting(client)):  # noqa: ASYNC110 -- the server tells nobody
                await asyncio.sleep(0.02)
        assert not [one for one in seen if b"surprise" in one or b"parcel" in one]
