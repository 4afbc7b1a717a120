"""What a downstream project tests: its own program on the doubles, on PostgreSQL, and an adapter of its own."""

from pathlib import Path

import pytest
from film_club import Club, Pbkdf2Hasher

from revenge_adapters import Sandbox, Settings, open_revenge
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring.settings import Database
from revenge_core import RevengeError, Secret
from revenge_core.auth.ports import PasswordHasher
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


async def test_the_club_runs_on_postgresql_too(revenge_postgres: RecycledDatabase, tmp_path: Path) -> None:
    database = Database(url=Secret(revenge_postgres.url), owner_url=Secret(revenge_postgres.owner_url))
    async with open_revenge(Settings(data_dir=tmp_path, database=database)) as revenge:
        club = Club(revenge)
        await club.come_tonight(await club.join("ada", PASSWORD))
        assert club.tonight == ["ada"]


class TestPbkdf2Hasher(PasswordHasherContract):
    @pytest.fixture
    def hasher(self) -> PasswordHasher:
        return Pbkdf2Hasher()
