"""Workers that are killed, frozen, stopped, or wrong about the time: no job is lost, none is twice in the books."""

import asyncio
import random
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import pytest

from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_core.actor import Actor
from revenge_core.background import Planned
from tests.faults.workshop import Ledger, Workshop, office
from tests.faults.workshop_kinds import Chair, Stool

pytestmark = pytest.mark.faults

LEASE_SECONDS: Final = 4
SYSTEM: Final = Actor.system()


@pytest.fixture
def books(revenge_postgres_fresh: RecycledDatabase) -> Ledger:
    return Ledger(revenge_postgres_fresh.owner_url)


async def test_a_job_of_a_killed_worker_is_done_by_another_and_its_effect_is_there_once(books: Ledger) -> None:
    async with office(books.url) as program:
        with Workshop(books.url) as first:
            await program.revenge.jobs.enqueue(SYSTEM, Chair(number=1, seconds=1))
            first.until("begun 1")
            first.kill()
            with Workshop(books.url) as second:
                second.until("made 1")
    assert books.made() == {1: 1}
    assert books.states() == {"completed": 1}
    ((attempt, errors),) = books.ask("SELECT attempt, errors FROM revenge.jobs WHERE kind = 'chair'")
    assert attempt == 2
    assert len(errors) == 1


async def test_a_frozen_worker_that_wakes_up_can_neither_complete_nor_overwrite(books: Ledger) -> None:
    async with office(books.url) as program:
        with Workshop(books.url) as frozen:
            await program.revenge.jobs.enqueue(SYSTEM, Chair(number=1, seconds=1))
            frozen.until("begun 1")
            frozen.send(signal.SIGSTOP)
            with Workshop(books.url) as other:
                other.until("made 1")
                before = books.ask("SELECT * FROM revenge.jobs WHERE kind = 'chair'")
                frozen.send(signal.SIGCONT)
                await program.revenge.jobs.enqueue(SYSTEM, *(Chair(number=number) for number in range(2, 40)))
                books.until(lambda: books.states() == {"completed": 39})
                # It lives on as a worker: known again, with a lease of its own.
                books.until(lambda: books.ask("SELECT count(*) FROM revenge.job_workers") == [(2,)])
    assert books.ask("SELECT * FROM revenge.jobs WHERE kind = 'chair' AND args ->> 'number' = '1'") == before
    assert books.made() == dict.fromkeys(range(1, 40), 1)


async def test_a_worker_told_to_stop_under_load_finishes_what_it_can_and_gives_back_the_rest(books: Ledger) -> None:
    async with office(books.url) as program:
        with Workshop(books.url, stop_timeout=1) as first:
            await program.revenge.jobs.enqueue(
                SYSTEM, *(Chair(number=number, seconds=0.2 if number % 4 else 60) for number in range(1, 60))
            )
            first.until("begun 4")
            began = time.monotonic()
            first.stop()
            assert time.monotonic() - began < LEASE_SECONDS + 6
            assert "closed" in first.lines
        ((running, counted),) = books.ask(
            "SELECT count(*) FILTER (WHERE state = 'running'), max(attempt) FILTER (WHERE state = 'available') "
            "FROM revenge.jobs WHERE kind = 'chair'"
        )
        assert running == 0
        assert counted == 0, "an interruption counts as no attempt"
        assert books.ask("SELECT count(*) FROM revenge.jobs WHERE errors <> '[]'") == [(0,)]
        assert books.ask("SELECT count(*) FROM revenge.job_workers") == [(0,)]
        made = books.made()
        assert set(made.values()) <= {1}
        assert len(made) == books.states().get("completed", 0)


async def test_without_notifications_everything_gets_done_all_the_same(books: Ledger) -> None:
    async with office(books.url, notifications=False) as program:
        with Workshop(books.url, notifications=False):
            soon = datetime.now(UTC) + timedelta(seconds=1)
            await program.revenge.jobs.enqueue(SYSTEM, Chair(number=1), Planned(job=Chair(number=2), at=soon))
            books.until(lambda: books.made() == {1: 1, 2: 1})
            (slow,) = await program.revenge.jobs.enqueue(SYSTEM, Chair(number=3, seconds=60))
            books.until(lambda: books.states().get("running") == 1)
            await program.revenge.jobs.cancel(SYSTEM, [slow.id])
            books.until(lambda: books.states() == {"completed": 2, "cancelled": 1}, seconds=10)


@pytest.mark.parametrize("hours", [-1.0, 1.0])
async def test_a_worker_whose_clock_is_an_hour_off_loses_no_lease_and_runs_nothing_early(
    books: Ledger, hours: float
) -> None:
    async with office(books.url) as program:
        with Workshop(books.url), Workshop(books.url, clock_hours=hours):
            later = datetime.now(UTC) + timedelta(minutes=30)
            jobs = [Chair(number=number, seconds=0.05) for number in range(100)]
            await program.revenge.jobs.enqueue(SYSTEM, *jobs, Planned(job=Chair(number=1000), at=later))
            books.until(lambda: books.states() == {"completed": 100, "scheduled": 1})
            await asyncio.sleep(LEASE_SECONDS + 2)
            assert books.ask("SELECT count(*) FROM revenge.job_workers") == [(2,)]
            assert books.states() == {"completed": 100, "scheduled": 1}
    assert books.made() == dict.fromkeys(range(100), 1)
    assert books.ask("SELECT count(*) FROM revenge.jobs WHERE errors <> '[]'") == [(0,)]


async def test_five_workers_run_a_schedule_once_per_tick(books: Ledger) -> None:
    first = Workshop(books.url, inventory=True)
    with first:
        others = [Workshop(books.url, inventory=True) for _ in range(4)]
        try:
            for one in others:
                one.until("open")
            books.until(lambda: books.states("inventory").get("completed", 0) >= 6)
        finally:
            for one in others:
                one.__exit__()
    ticks = [tick for (tick,) in books.ask("SELECT metadata ->> 'tick' FROM revenge.jobs WHERE kind = 'inventory'")]
    assert len(ticks) == len(set(ticks))


async def test_of_ten_thousand_transactions_with_kills_no_job_is_lost_and_none_comes_from_a_rollback(
    books: Ledger, scale: float
) -> None:
    transactions, kills = round(1000 * scale), round(3 * scale)
    chance = random.Random(7)
    committed: set[int] = set()
    undone: set[int] = set()
    workshops = [Workshop(books.url) for _ in range(2)]
    async with office(books.url) as program:
        for one in workshops:
            one.until("open")

        async def enqueue(numbers: range) -> None:
            for number in numbers:
                try:
                    async with program.adapters.uow().begin() as tx:
                        await tx.jobs.enqueue(Chair(number=number, seconds=chance.choice((0, 0, 0.01))))
                        await tx.jobs.enqueue(Stool(number=-number - 10))
                        if chance.random() < 0.5:
                            raise psycopg.DataError("changed my mind")
                except psycopg.DataError:
                    undone.add(number)
                else:
                    committed.add(number)

        async def keep_killing() -> None:
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(0.2, 0.8))
                place = chance.randrange(len(workshops))
                await asyncio.to_thread(workshops[place].kill)
                workshops[place].__exit__()
                workshops[place] = Workshop(books.url)

        tenth = transactions // 10
        try:
            await asyncio.gather(
                keep_killing(), *(enqueue(range(start, start + tenth)) for start in range(0, transactions, tenth))
            )
            done = {"completed": len(committed)}
            await asyncio.to_thread(
                books.until, lambda: books.states() == done and books.states("stool") == done, 60 + LEASE_SECONDS
            )
        finally:
            for one in workshops:
                one.__exit__()
    assert len(committed) + len(undone) == transactions
    made = books.made()
    assert {number for number in made if number >= 0} == committed
    assert {number for number, times in made.items() if number >= 0 and times != 1} == set()
    assert {-number - 10 for number in made if number < 0} == committed, "at least once"
