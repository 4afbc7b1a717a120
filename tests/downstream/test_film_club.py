"""What a downstream project tests: its own program on the doubles, on PostgreSQL, and an adapter of its own."""

from pathlib import Path

import pytest
from film_club import Club, Pbkdf2Hasher, Printer, PrintTicket

from revenge_adapters import Sandbox, Settings, open_revenge, sandbox
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring.settings import Database
from revenge_core import Actor, RevengeError, Secret
from revenge_core.auth.ports import PasswordHasher
from revenge_core.background import JobState
from revenge_core.jobs import JobFilter
from revenge_core.testing.contracts.passwords import PasswordHasherContract

PASSWORD = Secret("popcorn without salt")


async def test_a_member_takes_a_seat(revenge_sandbox: Sandbox) -> None:
    club = Club(revenge_sandbox.revenge)
    ada = await club.join("ada", PASSWORD)
    await club.come_tonight(ada)
    assert club.tonight == ["ada"]


async def test_who_was_signed_out_takes_no_seat(revenge_sandbox: Sandbox) -> None:
    club = Club(revenge_sandbox.revenge)
    ada = await club.join("ada", PASSWORD)
    answer = await revenge_sandbox.revenge.auth.login("ADA", PASSWORD)
    await revenge_sandbox.revenge.auth.logout(ada, everywhere=True)
    with pytest.raises(RevengeError) as refused:
        await revenge_sandbox.revenge.auth.authenticate(answer.tokens.access_token.reveal())
    assert refused.value.code == "session_ended"


async def test_a_ticket_is_printed_when_there_is_paper() -> None:
    printer = Printer()
    printer.paper = 0
    box = sandbox(jobs=printer.jobs)
    club = Club(box.revenge)
    await club.come_tonight(await club.join("ada", PASSWORD))
    assert box.jobs.enqueued(PrintTicket) == (PrintTicket(name="ada"),)
    states = {ran.kind: ran.state for ran in await box.jobs.run(raise_errors=True)}
    assert states == {"club_print_ticket": JobState.SCHEDULED, "send_email": JobState.COMPLETED}
    printer.paper = 1
    box.clock.advance(minutes=5)
    (ran,) = await box.jobs.run()
    assert (ran.kind, ran.attempt, ran.state) == ("club_print_ticket", 1, JobState.COMPLETED)
    assert printer.tickets == [f"{ran.id}: ada"]


async def test_the_floor_is_swept_every_night() -> None:
    printer = Printer()
    box = sandbox(jobs=printer.jobs)
    for nights in range(3):
        await box.jobs.run()
        assert printer.sweeps == nights
        box.clock.advance(days=1)


async def test_the_club_runs_on_postgresql_too(revenge_postgres: RecycledDatabase, tmp_path: Path) -> None:
    database = Database(url=Secret(revenge_postgres.url), owner_url=Secret(revenge_postgres.owner_url))
    async with open_revenge(Settings(data_dir=tmp_path, database=database)) as revenge:
        club = Club(revenge)
        await club.come_tonight(await club.join("ada", PASSWORD))
        assert club.tonight == ["ada"]
        (ticket,) = (await revenge.jobs.list(Actor.system(), JobFilter(kinds=("club_print_ticket",)))).items
        assert ticket.state is JobState.AVAILABLE


class TestPbkdf2Hasher(PasswordHasherContract):
    @pytest.fixture
    def hasher(self) -> PasswordHasher:
        return Pbkdf2Hasher()
