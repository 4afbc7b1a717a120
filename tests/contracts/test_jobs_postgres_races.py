"""Many who want the same jobs at the same moment, on two pools of connections; and who must not wait for whom."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest
from msgspec.structs import replace

from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.jobs import bulk
from revenge_adapters.postgres.jobs.bulk import COPY_FROM
from revenge_adapters.postgres.recycled import APPLICATION, RecycledDatabase
from revenge_core.background import JobState, Missed, Planned, Queue, Schedule, Unique
from revenge_core.errors import DatabaseUnavailable
from revenge_core.jobs.entities import Finish, JobFilter, JobKey
from revenge_core.jobs.policy import unique_key
from revenge_core.testing.contracts.errands import (
    RULES,
    Errand,
    SoleErrand,
    claim,
    ended,
    enlist,
    enqueue,
    running,
    state,
)
from revenge_core.testing.contracts.job_admin import REFUSED, discarded, retry
from revenge_core.testing.contracts.world import World, let_others_run
from tests.contracts.postgres_world import announced_in, postgres_world

Worlds = tuple[World, World]
DAY: Final = timedelta(days=1)


@pytest.fixture
async def worlds(revenge_postgres: RecycledDatabase) -> AsyncIterator[Worlds]:
    """Two processes, so to speak: one database, and for each a pool of its own."""
    async with AsyncExitStack() as stack:
        pools = [Database(revenge_postgres.url, max_size=10) for _ in range(2)]
        for pool in pools:
            await pool.open()
            stack.push_async_callback(pool.close)
        first, second = (postgres_world(pool, announced_in(revenge_postgres.url)) for pool in pools)
        yield first, second


@pytest.fixture
async def open_transaction(revenge_postgres: RecycledDatabase) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Somebody who took locks and does not commit."""
    async with await psycopg.AsyncConnection.connect(revenge_postgres.url) as connection:
        yield connection
        await connection.rollback()


class Mishap(Exception):  # noqa: N818 -- it stands for whatever goes wrong
    pass


async def all_at_once(racers: int, attempt: Callable[[int], Coroutine[Any, Any, Any]]) -> list[Any]:
    """What came of attempts that all begin at once."""
    start = asyncio.Event()

    async def run(number: int) -> object:
        await start.wait()
        return await attempt(number)

    tasks = [asyncio.create_task(run(number)) for number in range(racers)]
    start.set()
    return await asyncio.gather(*tasks)


async def test_of_many_claimers_each_job_has_one(worlds: Worlds) -> None:
    await enlist(worlds[0], *[f"worker-{number}" for number in range(20)])
    ids = await enqueue(worlds[0], *[Planned(job=Errand(), queue=queue) for queue in Queue for _ in range(120)])

    async def work(number: int) -> list[JobKey]:
        done: list[JobKey] = []
        store = worlds[number % 2].job_store
        while claimed := await store.claim(f"worker-{number}", {queue.value: 3 for queue in Queue}):
            ends = [Finish(key=one.key, state=JobState.COMPLETED) for one in claimed]
            assert await store.finish(ends) == {one.key for one in claimed}
            done += [one.key for one in claimed]
        return done

    done = Counter(key for keys in await all_at_once(20, work) for key in keys)
    assert done == Counter(JobKey(id=job_id, run=1) for job_id in ids)
    assert await worlds[0].job_reader.count(JobFilter(states=(JobState.COMPLETED,))) == len(ids)


async def test_of_fifty_who_enqueue_a_unique_job_one_adds_it(worlds: Worlds) -> None:
    async def add(number: int) -> tuple[int, bool]:
        async with worlds[number % 2].uow.begin() as tx:
            enqueued = await tx.jobs.enqueue(SoleErrand())
        return enqueued.id, enqueued.duplicate

    answers = await all_at_once(50, add)
    assert Counter(duplicate for _, duplicate in answers) == {False: 1, True: 49}
    assert len({job_id for job_id, _ in answers}) == 1


async def test_a_tick_has_one_job_though_five_schedulers_look(worlds: Worlds) -> None:
    names = [f"schedule-{number}" for number in range(10)]
    schedules = [Schedule(name=name, job=Errand(), every=DAY, missed=Missed.ONCE) for name in names]
    await worlds[0].job_upkeep.declare(schedules)
    for rounds in range(1, 4):
        await worlds[0].pass_time(DAY.total_seconds())
        await worlds[0].job_upkeep.declare(schedules)
        ids = [one for ids in await all_at_once(5, lambda n: worlds[n % 2].job_upkeep.tick()) for one in ids]
        # Whoever comes second passes over what the first is at; a later look finds what nobody saw to.
        ids += await worlds[0].job_upkeep.tick()
        assert len(ids) == len(set(ids)) == 10
        assert await worlds[0].job_reader.count(JobFilter()) == 10 * rounds


async def test_batches_with_the_same_unique_jobs_in_any_order_never_wait_for_each_other(worlds: Worlds) -> None:
    chance = random.Random(7)
    for turn in range(5):
        jobs = [SoleErrand(what=f"{turn}-{number}") for number in range(40)]
        orders = [chance.sample(jobs, len(jobs)) for _ in range(8)]

        async def add(number: int, orders: list[list[SoleErrand]] = orders) -> list[bool]:
            async with worlds[number % 2].uow.begin() as tx:
                return [one.duplicate for one in await tx.jobs.enqueue_many(orders[number])]

        added = [duplicate for answers in await all_at_once(8, add) for duplicate in answers]
        assert Counter(added) == {False: 40, True: 7 * 40}


async def test_who_finishes_rescues_and_gives_back_the_same_jobs_never_waits_for_ever(worlds: Worlds) -> None:
    await enlist(worlds[0], "worker")
    await enqueue(worlds[0], *[Errand() for _ in range(40)])
    for _ in range(5):
        claimed = list((await claim(worlds[0])).values())
        random.Random(1).shuffle(claimed)
        await worlds[0].pass_time(RULES.lease.total_seconds() + 60)

        async def one_of_them(number: int, claimed: list[Any] = claimed) -> None:
            world = worlds[number % 2]
            match number % 4:
                case 0:
                    await world.job_store.leave("worker")
                case 1:
                    await world.job_upkeep.rescue(RULES)
                case _:
                    await world.job_store.finish([Finish(key=one.key, state=JobState.AVAILABLE) for one in claimed])

        await all_at_once(12, one_of_them)
        await enlist(worlds[0], "worker")
    assert await worlds[0].job_reader.count(JobFilter(states=(JobState.RUNNING,))) == 0


async def test_jobs_are_there_if_and_only_if_their_transaction_committed(
    worlds: Worlds, revenge_postgres: RecycledDatabase
) -> None:
    chance = random.Random(11)
    committed: set[str] = set()
    unknown: set[str] = set()

    async def enqueue_or_fail(number: int) -> None:
        for turn in range(20):
            name = f"{number}-{turn}"
            fails = chance.random() < 0.4
            try:
                async with worlds[number % 2].uow.begin() as tx:
                    await tx.jobs.enqueue(Errand(what=name))
                    await asyncio.sleep(0.01 * chance.random())
                    await tx.jobs.enqueue_many([Errand(what=name)] * chance.choice([1, 1, 1, COPY_FROM]))
                    if fails:
                        raise Mishap
                    unknown.add(name)  # the line may break while the database commits
                unknown.discard(name)
                committed.add(name)
            except (Mishap, DatabaseUnavailable):
                await asyncio.sleep(0.01)

    async def kill_connections(until: asyncio.Event) -> None:
        async with await psycopg.AsyncConnection.connect(revenge_postgres.superuser_url, autocommit=True) as superuser:
            while not until.is_set():
                await asyncio.sleep(0.05)
                await superuser.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND usename = %s ORDER BY random() LIMIT 2",
                    (APPLICATION,),
                )

    over = asyncio.Event()
    killer = asyncio.create_task(kill_connections(over))
    await all_at_once(10, enqueue_or_fail)
    over.set()
    await killer
    async with await psycopg.AsyncConnection.connect(revenge_postgres.superuser_url) as superuser:
        rows = await superuser.execute("SELECT DISTINCT args ->> 'what' FROM revenge.jobs")
        there = {name async for (name,) in rows}
        halves = await superuser.execute("SELECT args ->> 'what' FROM revenge.jobs GROUP BY 1 HAVING count(*) = 1")
        assert await halves.fetchall() == []
    assert committed <= there <= committed | unknown
    assert len(committed) > 50


@pytest.mark.parametrize(
    "held",
    [
        "SELECT FROM revenge.jobs FOR UPDATE",
        "UPDATE revenge.jobs SET state = 'completed', finalized_at = now() WHERE state = 'running'",
        "UPDATE revenge.jobs SET metadata = '{\"noted\": true}'",
        "INSERT INTO revenge.job_queues VALUES ('high', now())",
        "SELECT FROM revenge.job_schedules FOR UPDATE",
        "SELECT FROM revenge.job_workers FOR UPDATE",
        "INSERT INTO revenge.jobs (kind) VALUES ('errand')",
    ],
)
async def test_enqueuing_waits_for_nobody(
    worlds: Worlds, open_transaction: psycopg.AsyncConnection[Any], held: str
) -> None:
    (world, _) = worlds
    await world.job_upkeep.declare([Schedule(name="errands", job=Errand(), every=DAY)])
    await enlist(world, "worker")
    await enqueue(world, Errand(), Errand())
    await world.job_store.claim("worker", {"high": 1})
    await open_transaction.execute(held.encode())
    added = await enqueue(world, Errand(), SoleErrand(), *[Errand() for _ in range(1_100)])
    assert await state(world, added[0]) is JobState.AVAILABLE
    async with world.uow.begin() as tx:
        await tx.jobs.enqueue(Errand())


async def test_claiming_passes_over_jobs_that_somebody_else_is_changing(
    worlds: Worlds, open_transaction: psycopg.AsyncConnection[Any]
) -> None:
    (world, _) = worlds
    await enlist(world, "worker")
    held, free = await enqueue(world, Errand(), Errand())
    await open_transaction.execute("UPDATE revenge.jobs SET priority = 1 WHERE id = %s", (held,))
    assert (await claim(world)).keys() == {free}
    await open_transaction.rollback()
    assert (await claim(world)).keys() == {held}


async def test_a_job_that_somebody_has_locked_holds_up_the_end_of_no_other(
    worlds: Worlds, open_transaction: psycopg.AsyncConnection[Any]
) -> None:
    (world, _) = worlds
    done, failed, held = [ended(one) for one in await running(world, *[Errand()] * 3)]
    failed = replace(failed, state=JobState.DISCARDED, error="spilt")
    await open_transaction.execute("SELECT FROM revenge.jobs WHERE id = %s FOR UPDATE", (held.key.id,))
    for end in (done, failed):
        with pytest.raises(DatabaseUnavailable, match="1 of the jobs locked"):
            await world.job_store.finish([held, end])
    assert await state(world, done.key.id) is JobState.COMPLETED
    assert await state(world, failed.key.id) is JobState.DISCARDED
    assert await state(world, held.key.id) is JobState.RUNNING
    await open_transaction.rollback()
    assert await world.job_store.finish([done, held]) == {held.key}


async def test_a_batch_begins_anew_before_it_adds_anything_out_of_order(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, second), look = worlds, bulk.standing_for
    now = await first.now()
    errands = [SoleErrand(what=what) for what in ("oil", "wine")]
    early, late = sorted(errands, key=lambda one: unique_key(one, Unique(), Queue.DEFAULT, now))
    (standing,) = await running(first, early)
    holds_one = asyncio.Event()
    rivals: list[asyncio.Task[None]] = []

    async def one_after_the_other() -> None:
        async with second.uow.begin() as tx:
            await tx.jobs.enqueue(early)
            holds_one.set()
            await tx.jobs.enqueue(late)

    async def finished_meanwhile(transaction: Transaction, keys: Iterable[bytes]) -> dict[bytes, int]:
        if not rivals:
            await first.job_store.finish([ended(standing)])
            rivals.append(asyncio.create_task(one_after_the_other()))
            await holds_one.wait()
        return await look(transaction, keys)

    monkeypatch.setattr(bulk, "standing_for", finished_meanwhile)
    async with first.uow.begin() as tx:
        enqueued = await tx.jobs.enqueue_many([early, late])
    await rivals[0]
    assert [one.duplicate for one in enqueued] == [True, True]


async def test_a_retry_takes_the_keys_of_unique_jobs_in_the_order_of_those_who_enqueue_them(
    worlds: Worlds, open_transaction: psycopg.AsyncConnection[Any]
) -> None:
    (first, second), now = worlds, await worlds[0].now()
    errands = [SoleErrand(what=what) for what in ("oil", "wine", "salt")]
    early, between, late = sorted(errands, key=lambda one: unique_key(one, Unique(), Queue.DEFAULT, now))
    old = await discarded(first, late, between, early)
    await open_transaction.set_autocommit(True)

    async def somebody_waits() -> None:
        waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while not await (await open_transaction.execute(waiting)).fetchone():
            await let_others_run()

    async with first.uow.begin() as tx:
        await tx.jobs.enqueue(early)
        retried = asyncio.create_task(retry(second, *reversed(old)))
        await asyncio.wait_for(somebody_waits(), 10)
        added = await tx.jobs.enqueue_many([late, between])
    assert [one.duplicate for one in added] == [False, False]
    assert await retried == [REFUSED, REFUSED, REFUSED]


async def test_retries_and_batches_of_the_same_unique_jobs_never_wait_for_each_other(worlds: Worlds) -> None:
    chance = random.Random(7)
    jobs = [SoleErrand(what=str(number)) for number in range(40)]
    old = await discarded(worlds[0], *jobs)

    async def one_of_them(number: int) -> None:
        if number % 2:
            await retry(worlds[number % 4 // 2], *chance.sample(old, len(old)))
        else:
            async with worlds[number % 4 // 2].uow.begin() as tx:
                await tx.jobs.enqueue_many(chance.sample(jobs, len(jobs)))

    for _ in range(5):
        await all_at_once(8, one_of_them)
        assert await worlds[0].job_reader.count(JobFilter(states=(JobState.AVAILABLE,))) == len(jobs)
        await enlist(worlds[0], "worker")
        taken = (await claim(worlds[0])).values()
        await worlds[0].job_store.finish([Finish(key=one.key, state=JobState.DISCARDED) for one in taken])


async def test_a_beat_and_a_rescue_at_the_same_moment_agree(worlds: Worlds) -> None:
    for _ in range(20):
        await enlist(worlds[0], "worker")
        await enqueue(worlds[0], Errand())
        (claimed,) = (await claim(worlds[0])).values()
        await worlds[0].pass_time(RULES.lease.total_seconds() + 60)
        beat, rescued = await asyncio.gather(
            worlds[0].job_store.beat("worker"), worlds[1].job_upkeep.rescue(RULES), return_exceptions=True
        )
        assert (beat, rescued) in {(True, ()), (False, (claimed.id,))}
        await worlds[0].job_store.leave("worker")
        for left in (await claim(worlds[0], "sweeper")).values():
            await worlds[0].job_store.finish([Finish(key=left.key, state=JobState.COMPLETED)])
