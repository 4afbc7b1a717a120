"""The table of jobs: rows that came from elsewhere, batches that are copied in, and how claims find their way."""

import json
import random
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import errors, sql

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.bulk import COPY_FROM
from revenge_adapters.postgres.jobs.rows import PORTION
from revenge_adapters.postgres.jobs.store import Sql
from revenge_adapters.postgres.jobs.upkeep import ITEMS_AT_ONCE, PostgresJobUpkeep
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.postgres.sql import Query
from revenge_core.background import ItemOutcome, ItemStatus, JobState, Planned, Progress, Queue, Schedule
from revenge_core.jobs.entities import Finish, JobFilter, JobRules
from revenge_core.jobs.policy import next_tick
from revenge_core.jobs.service import RunningJob
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.errands import (
    Delivery,
    Errand,
    SoleErrand,
    ask_to_cancel,
    claim,
    enlist,
    enqueue,
    job,
    running,
    state,
)
from revenge_core.testing.contracts.world import World
from tests.contracts.postgres_world import SEALER, announced_in, postgres_world

ODD: Final = "tab\there, line\nend\r\n, back\\slash \\N \\\\x, \"quotes\" 'and' {braces}, Zoë 🎬"
ENDLESS: Final = "[" * 2000 + "]" * 2000
GREAT: Final = "1" + "0" * 5000
too_deep = pytest.mark.skipif(sys.version_info >= (3, 13), reason="can be read: its stack is deeper than PostgreSQL's")
UNREADABLE: Final = [pytest.param(ENDLESS, id="endless", marks=too_deep), pytest.param(GREAT, id="great")]
PLENTY: Final = 20_000


@pytest.fixture
def world(revenge_postgres: RecycledDatabase, database: Database) -> World:
    return postgres_world(database, announced_in(revenge_postgres.url))


@pytest.fixture
def elsewhere(revenge_postgres: RecycledDatabase) -> Iterator[psycopg.Connection[Any]]:
    """Somebody with psql, who has the application's rights."""
    with psycopg.connect(revenge_postgres.url, autocommit=True) as connection:
        yield connection


async def test_a_plain_insert_is_a_job(world: World, elsewhere: psycopg.Connection[Any]) -> None:
    elsewhere.execute("""INSERT INTO revenge.jobs (kind, args) VALUES ('errand', '{"what": "milk"}')""")
    await enlist(world, "worker")
    (claimed,) = (await claim(world)).values()
    assert (claimed.kind, claimed.queue, claimed.priority, claimed.max_attempts) == ("errand", "default", 3, 25)
    assert (claimed.timeout, claimed.metadata, claimed.progress) == (60.0, {}, None)
    assert json.loads(bytes(claimed.args)) == {"what": "milk"}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("attempted_at", "infinity"),
        ("cancel_requested_at", "-infinity"),
        ("created_at", "-infinity"),
        ("max_attempts", "0"),
        ("metadata", "[]"),
        ("priority", "5"),
        ("progress", "[]"),
        ("scheduled_at", "infinity"),
        ("scheduled_at", "0044-03-15 BC"),
        ("state", "sleeping"),
        ("tags", "{a,NULL}"),
        ("timeout", "NaN"),
        ("timeout", "0"),
        ("timeout", "1e13"),
        ("unique_key", "\\x00"),
        ("unique_states", "{available,running}"),
    ],
)
def test_what_no_worker_could_use_is_kept_out(elsewhere: psycopg.Connection[Any], column: str, value: str) -> None:
    insert = sql.SQL("INSERT INTO revenge.jobs (kind, {}) VALUES ('errand', %s)").format(sql.Identifier(column))
    with pytest.raises(errors.CheckViolation):
        elsewhere.execute(insert, (value,))


@pytest.mark.parametrize("value", UNREADABLE)
async def test_a_job_that_cannot_be_read_holds_up_no_other(
    world: World, elsewhere: psycopg.Connection[Any], value: str
) -> None:
    await enlist(world, "worker")
    (before,) = await enqueue(world, Errand())
    row = elsewhere.execute(
        "INSERT INTO revenge.jobs (kind, queue, metadata) VALUES ('errand', 'high', %s) RETURNING id",
        (f'{{"odd": {value}}}',),
    ).fetchone()
    assert row is not None
    (after,) = await enqueue(world, Errand())
    assert (await claim(world)).keys() == {before, after}
    (spoiled,) = await world.job_reader.newest(JobFilter(ids=row), limit=1, before=None)
    assert spoiled.state is JobState.DISCARDED


@pytest.mark.parametrize(("column", "greatest"), [("attempt", 2**15 - 1), ("run", 2**31 - 1)])
async def test_numbers_that_cannot_grow_hold_up_no_claim(
    world: World, elsewhere: psycopg.Connection[Any], column: str, greatest: int
) -> None:
    insert = sql.SQL("INSERT INTO revenge.jobs (kind, {}) VALUES ('errand', %s)").format(sql.Identifier(column))
    elsewhere.execute(insert, (greatest,))
    await enlist(world, "worker")
    await enqueue(world, Errand())
    claimed = (await claim(world)).values()
    assert len(claimed) == 2
    keys = {one.key for one in claimed}
    assert await world.job_store.finish([Finish(key=key, state=JobState.COMPLETED) for key in keys]) == keys


@pytest.mark.parametrize(
    "progress",
    [
        '{"current": "half"}',
        '{"current": 1e9000}',
        f'{{"current": {ENDLESS}}}',
        pytest.param(f'{{"deep": {ENDLESS}}}', id="endless", marks=too_deep),
    ],
)
async def test_progress_that_cannot_be_read_is_left_out_of_lists(
    world: World, elsewhere: psycopg.Connection[Any], progress: str
) -> None:
    elsewhere.execute("INSERT INTO revenge.jobs (kind, progress) VALUES ('errand', %s)", (progress,))
    (other,) = await enqueue(world, Errand())
    found = await world.job_reader.newest(JobFilter(), limit=10, before=None)
    assert [one.progress for one in found] == [None, None]
    assert other in {one.id for one in found}


async def test_of_a_job_what_can_be_read_is_shown(world: World, elsewhere: psycopg.Connection[Any]) -> None:
    row = elsewhere.execute(
        "INSERT INTO revenge.jobs (kind, metadata, errors) VALUES ('errand', %s, %s) RETURNING id",
        (
            f'{{"great": 1{"0" * 5000}}}',
            f'[7, null, {{"error": 5}}, {ENDLESS}, {{"attempt": 1, "at": "2026-01-01T00:00:00Z", "error": "spilt"}}]',
        ),
    ).fetchone()
    assert row is not None
    shown = await job(world, row[0])
    assert shown.metadata == {}
    assert [one.error for one in shown.errors] == ["spilt"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("every", "NaN"),
        ("every", "infinity"),
        ("max_attempts", "0"),
        ("next_run_at", "infinity"),
        ("priority", "9"),
        ("timeout", "-1"),
        ("unique_key", "\\x00"),
    ],
)
async def test_a_schedule_that_would_hold_up_the_ticks_of_others_is_kept_out(
    world: World, elsewhere: psycopg.Connection[Any], column: str, value: str
) -> None:
    await world.job_upkeep.declare([Schedule(name="errands", job=Errand(), every=timedelta(days=1))])
    with pytest.raises(errors.CheckViolation):
        elsewhere.execute(sql.SQL("UPDATE revenge.job_schedules SET {} = %s").format(sql.Identifier(column)), (value,))


async def test_somebody_leads_though_the_clock_was_put_back(world: World) -> None:
    lease = timedelta(hours=1)
    assert await world.job_upkeep.lead("gone", lease)
    await world.pass_time(-24 * 3600)
    assert await world.job_upkeep.lead("there", lease)
    assert not await world.job_upkeep.lead("late", lease)


async def test_schedules_tick_on_though_the_clock_was_put_back(world: World) -> None:
    daily = Schedule(name="errands", job=Errand(), every=timedelta(days=1), offset=timedelta(hours=3))
    await world.job_upkeep.declare([daily])
    await world.pass_time(-5 * 86_400)
    await world.job_upkeep.declare([daily])
    (kept,) = await world.job_reader.schedules()
    assert kept.next_run_at == next_tick(daily.every, daily.offset, kept.next_run_at - daily.every)
    await world.pass_time(86_400)
    await world.job_upkeep.declare([daily])
    assert len(await world.job_upkeep.tick()) == 1


async def test_a_nested_payload_without_end_is_its_own_jobs_trouble(
    world: World, elsewhere: psycopg.Connection[Any]
) -> None:
    await enlist(world, "worker")
    elsewhere.execute("INSERT INTO revenge.jobs (kind, args) VALUES ('errand', %s)", (ENDLESS,))
    await enqueue(world, Errand())
    assert len(await claim(world)) == 2


async def test_what_is_copied_in_comes_out_as_it_was(world: World) -> None:
    at = await world.now() + timedelta(hours=1)
    special = Planned(
        job=Errand(what=ODD, times=3),
        at=at,
        queue=Queue.LOW,
        priority=1,
        max_attempts=7,
        tags=(ODD, "NULL", "", "{}")[:2],
        metadata={"odd": ODD, "null": None},
    )
    ids = await enqueue(world, special, Delivery(key=Secret("under the mat")), *[Errand()] * COPY_FROM)
    assert ids == sorted(ids)
    copied = await job(world, ids[0])
    assert json.loads(bytes(copied.args or b"")) == {"what": ODD, "times": 3}
    assert (copied.queue, copied.priority, copied.max_attempts) == ("low", 1, 7)
    assert (copied.state, copied.scheduled_at) == (JobState.SCHEDULED, at)
    assert (copied.tags, copied.metadata) == ((ODD, "NULL"), {"odd": ODD, "null": None})
    sealed = await job(world, ids[1])
    assert (sealed.state, sealed.timeout, sealed.metadata) == (JobState.AVAILABLE, None, {})
    opened = SEALER.unseal(json.loads(bytes(sealed.args or b""))["key"]["sealed"], "job delivery")
    assert opened == Secret("under the mat")
    rest = await job(world, ids[-1])
    assert (rest.state, rest.timeout, rest.tags) == (JobState.AVAILABLE, 60.0, ())
    assert rest.created_at == rest.scheduled_at == sealed.scheduled_at


async def test_more_jobs_than_one_statement_writes_are_all_added(
    world: World, elsewhere: psycopg.Connection[Any]
) -> None:
    ids = await enqueue(world, *[Errand()] * (PORTION + 1))
    assert len(set(ids)) == PORTION + 1
    assert elsewhere.execute("SELECT count(*) FROM revenge.jobs").fetchone() == (PORTION + 1,)


def plan_of(elsewhere: psycopg.Connection[Any], queues: str, limits: str) -> list[dict[str, Any]]:
    """Every node of the plan by which these are claimed, with what it met."""
    query = b"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) " + Sql.claim.text
    given = {"worker_id": "worker", "queues": queues, "limits": limits, "kinds": None}
    row = elsewhere.execute(query, given).fetchone()
    assert row is not None
    nodes: list[dict[str, Any]] = [row[0][0]["Plan"]]
    found: list[dict[str, Any]] = []
    while nodes:
        node = nodes.pop()
        found.append(node)
        nodes += node.get("Plans", [])
    return found


async def test_a_claim_walks_the_index_of_each_queue_and_stops_at_the_limit(
    world: World, elsewhere: psycopg.Connection[Any]
) -> None:
    await enqueue(world, *[Planned(job=Errand(), queue=queue) for queue in Queue for _ in range(PLENTY // 5)])
    plan = plan_of(elsewhere, "{bulk,critical,default,high,low}", "{3,20,10,15,5}")
    (fetch,) = [node for node in plan if node.get("Index Name") == "jobs_fetch"]
    assert (fetch["Node Type"], fetch["Actual Loops"]) == ("Index Scan", 5)
    # The number of rows is the mean of the loops.
    assert round(fetch["Actual Rows"] * fetch["Actual Loops"]) in range(51, 57)
    assert {node["Node Type"] for node in plan}.isdisjoint({"Seq Scan", "Bitmap Heap Scan", "Hash Join"})


async def test_a_plan_for_a_few_rows_does_not_outlive_them(revenge_postgres: RecycledDatabase) -> None:
    single = Database(revenge_postgres.url, max_size=1)
    await single.open()
    world = postgres_world(single, announced_in(revenge_postgres.url))

    async def use() -> None:
        claimed = list((await claim(world)).values())
        ends = [Finish(key=one.key, state=JobState.COMPLETED) for one in claimed]
        await world.job_store.finish(ends[:1])
        await world.job_store.finish([replace(end, state=JobState.RETRYABLE) for end in ends[1:]])
        await enqueue(world, SoleErrand())
        await ask_to_cancel(world, claimed[0].id)
        await world.job_upkeep.promote()
        await world.job_upkeep.clean(JobRules())
        await world.job_store.cancel_requests("worker")

    await enqueue(world, *[Errand()] * 20)
    with psycopg.connect(revenge_postgres.owner_url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE revenge.jobs")
    for _ in range(8):
        await use()
    await enqueue(world, *[Errand()] * PLENTY)
    before = await rows_read_by_scans(single)
    await use()
    assert await rows_read_by_scans(single) == before
    await single.close()


async def rows_read_by_scans(database: Database) -> int:
    """How many rows of jobs were read by going through all of them."""
    await database.one(Query[str]("flush", "SELECT pg_stat_force_next_flush()::text", str))
    read = Query[int]("read", "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'jobs'", int)
    return await database.one(read) or 0


async def test_a_young_server_rescues_nothing(world: World, database: Database) -> None:
    (claimed,) = await running(world, Errand())
    await world.pass_time(2 * 86_400)
    careful = PostgresJobUpkeep(database, world.wake_ups, SEALER)
    assert await careful.rescue(JobRules(lease=timedelta(days=1))) == ()
    assert await state(world, claimed.id) is JobState.RUNNING
    hasty = PostgresJobUpkeep(database, world.wake_ups, SEALER, warm_up=timedelta(0))
    assert await hasty.rescue(JobRules(lease=timedelta(days=1))) == (claimed.id,)


async def test_a_job_with_a_great_many_items_is_cleaned_too(world: World, elsewhere: psycopg.Connection[Any]) -> None:
    (claimed,) = await running(world, Errand())
    await world.job_store.finish([Finish(key=claimed.key, state=JobState.COMPLETED)])
    elsewhere.execute(
        "INSERT INTO revenge.job_items (job_id, item, status) SELECT %s, n, 'done' FROM generate_series(1, %s) AS n",
        (claimed.id, 2 * ITEMS_AT_ONCE + 1),
    )
    await world.pass_time(2 * 86_400)
    assert await world.job_upkeep.clean(JobRules()) == 1
    assert elsewhere.execute("SELECT count(*) FROM revenge.job_items").fetchone() == (0,)


async def test_items_may_have_names_of_any_length(world: World) -> None:
    (claimed,) = await running(world, Errand())
    chance = random.Random(3)
    long = "".join(chr(chance.randrange(0x10000, 0x20000)) for _ in range(4096))
    names = [long, f"{long}.", long[:600]]
    await RunningJob(claimed, world.job_store).report(
        Progress(), [ItemOutcome(item=name, status=ItemStatus.DONE) for name in names]
    )
    kept = {item.item for item in await world.job_reader.items(claimed.id, limit=9, after=None)}
    assert len(kept) == 3
    assert {name[:583] for name in kept} == {long[:583]}
