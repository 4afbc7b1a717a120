"""What administrators see of rows that came from elsewhere."""

import psycopg
import pytest

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_core.background import JobState, Queue
from revenge_core.jobs.entities import JobAct, JobFilter
from revenge_core.testing.contracts.job_admin import DONE, act
from revenge_core.testing.contracts.world import World
from tests.contracts.postgres_world import announced_in, postgres_world


@pytest.fixture
def world(revenge_postgres: RecycledDatabase, database: Database) -> World:
    return postgres_world(database, announced_in(revenge_postgres.url))


@pytest.fixture
def foreign(revenge_postgres: RecycledDatabase) -> int:
    """A job of a kind and in a queue that nobody here knows, at its last possible attempt."""
    with psycopg.connect(revenge_postgres.url, autocommit=True) as connection:
        row = connection.execute(
            """
            INSERT INTO revenge.jobs (kind, queue, state, args, attempt, max_attempts, finalized_at, tags, timeout)
            VALUES ('video_encode', 'gpu', 'discarded', '[1]', 32767, 32767, now(), '{a,"b,c"}', NULL) RETURNING id
            """
        ).fetchone()
        assert row is not None
        return int(row[0])


async def test_a_job_of_another_program_is_listed_counted_and_shown(world: World, foreign: int) -> None:
    (listed,) = await world.job_reader.newest(JobFilter(queues=("gpu",)), limit=5, before=None)
    assert (listed.id, listed.kind, listed.tags) == (foreign, "video_encode", ("a", "b,c"))
    detail = await world.job_reader.by_id(foreign, args=True)
    assert detail is not None
    assert (bytes(detail.args or b""), detail.timeout) == (b"[1]", None)
    assert await world.job_reader.counts() == {"gpu": {JobState.DISCARDED: 1}}


async def test_a_queue_that_is_not_one_of_ours_is_listed_while_jobs_wait_in_it(world: World, foreign: int) -> None:
    ours = sorted(queue.value for queue in Queue)
    assert [queue.name for queue in await world.job_reader.queues()] == ours
    (result,) = await act(world, JobAct.RETRY, foreign)
    assert result.result is DONE
    queues = {queue.name: queue for queue in await world.job_reader.queues()}
    assert sorted(queues) == sorted([*ours, "gpu"])
    assert queues["gpu"].counts == {JobState.AVAILABLE: 1}


async def test_a_job_at_the_last_attempt_that_can_be_counted_is_retried_all_the_same(
    world: World, foreign: int
) -> None:
    await act(world, JobAct.RETRY, foreign)
    kept = await world.job_reader.by_id(foreign, args=False)
    assert kept is not None
    assert (kept.state, kept.attempt, kept.max_attempts) == (JobState.AVAILABLE, 32767, 32767)
