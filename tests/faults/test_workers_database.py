"""The database goes away under workers: stopped, or crashed, which empties its tables of leases (rulings R5)."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Final

import psycopg
import pytest

from revenge_adapters.postgres.embedded.cluster import Cluster
from revenge_adapters.postgres.recycled import postgres_server
from revenge_core.actor import Actor
from tests.faults.workshop import Ledger, Workshop, office
from tests.faults.workshop_kinds import Chair

pytestmark = pytest.mark.faults

SYSTEM: Final = Actor.system()
JOBS: Final = 60


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with postgres_server() as server:
        yield server._cluster


def crash(cluster: Cluster) -> None:
    """As a power cut does it to every process at once."""
    pid = cluster.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while cluster.pid() is not None:
        time.sleep(0.01)


@pytest.mark.parametrize("away", [0.0, 6.0], ids=["for a moment", "longer than a lease"])
@pytest.mark.parametrize("go", [Cluster.stop, crash], ids=["stopped", "crashed"])
async def test_workers_outlive_the_database_and_every_job_is_done_once(
    cluster: Cluster, go: Callable[[Cluster], None], away: float
) -> None:
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE workshop")
    books = Ledger(cluster.url(database="workshop"))
    async with office(books.url) as program:
        with Workshop(books.url) as one, Workshop(books.url) as other:
            await program.revenge.jobs.enqueue(SYSTEM, *(Chair(number=number, seconds=0.4) for number in range(JOBS)))
            await asyncio.to_thread(books.until, lambda: books.states().get("completed", 0) > 0)
            await asyncio.to_thread(go, cluster)
            await asyncio.sleep(away)
            await asyncio.to_thread(cluster.start)
            await asyncio.to_thread(books.until, lambda: books.states() == {"completed": JOBS})
            await asyncio.to_thread(
                books.until, lambda: books.ask("SELECT count(*) FROM revenge.job_workers") == [(2,)]
            )
            one.stop()
            other.stop()
    assert books.made() == dict.fromkeys(range(JOBS), 1)
    assert books.ask("SELECT count(*) FROM revenge.job_workers") == [(0,)]
