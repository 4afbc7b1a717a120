"""`open_revenge`: from settings to a running Revenge and back to nothing."""

import asyncio
import base64
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from revenge_adapters import open_revenge
from revenge_adapters.postgres.embedded import EmbeddedPostgresError, EmbeddedServer
from revenge_adapters.postgres.migrate import MigrationStatus, status
from revenge_adapters.postgres.migrations import shipped
from revenge_adapters.wiring import schema
from revenge_adapters.wiring.errors import BackupFailed, DatabaseTooOld
from revenge_adapters.wiring.place import Peer
from revenge_adapters.wiring.schema import migrate_now, migration_status
from revenge_adapters.wiring.secrets_file import master_key_file
from revenge_adapters.wiring.settings import Auth, Database, Settings
from revenge_core.actor import Actor
from revenge_core.auth.errors import MasterSecretMismatch
from revenge_core.errors import DatabaseUnavailable
from revenge_core.health.entities import Status
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.sessions.errors import SessionEnded
from revenge_core.users.entities import NewUser
from tests.wiring.conftest import CHEAP, servers

Make = Callable[..., Settings]

PASSWORD = Secret("a quiet evening")
ADA = NewUser(username="ada", email="ada@example.org")


async def access_token(revenge: Revenge) -> str:
    return (await revenge.auth.login("ada", PASSWORD)).tokens.access_token.reveal()


def other_tasks() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


async def test_what_was_done_is_there_after_opening_again(given_settings: Make) -> None:
    settings = given_settings()
    async with open_revenge(settings) as revenge:
        await revenge.accounts.register(ADA, PASSWORD)
        token = await access_token(revenge)
    async with open_revenge(settings) as revenge:
        actor = await revenge.auth.authenticate(token)
        assert (await revenge.users.me(actor)).username == "ada"
        assert (await revenge.health.readiness(actor)).status is Status.HEALTHY


async def test_nothing_is_left_behind_on_the_hosts_loop(given_settings: Make) -> None:
    before = other_tasks()
    async with open_revenge(given_settings()):
        assert other_tasks() > before
    assert other_tasks() == before


async def test_what_the_host_raises_passes_through_and_everything_is_stopped(given_settings: Make) -> None:
    before = other_tasks()
    with pytest.raises(ZeroDivisionError):
        async with open_revenge(given_settings()):
            raise ZeroDivisionError
    assert other_tasks() == before


async def test_two_servers_on_one_database_see_each_others_revocations(given_settings: Make) -> None:
    async with open_revenge(given_settings()) as here, open_revenge(given_settings()) as there:
        await here.accounts.register(ADA, PASSWORD)
        token = await access_token(here)
        actor = await there.auth.authenticate(token)
        await here.auth.logout(actor)
        async with asyncio.timeout(10):
            while True:
                try:
                    await there.auth.authenticate(token)
                except SessionEnded:
                    break
                await asyncio.sleep(0.01)


def key_id(token: str) -> str:
    header = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"])


async def test_a_new_signing_key_is_used_by_every_server_and_signs_nobody_out(given_settings: Make) -> None:
    async with open_revenge(given_settings()) as one, open_revenge(given_settings()) as other:
        await one.accounts.register(ADA, PASSWORD)
        old = await access_token(other)
        await one.auth.rotate_signing_key(Actor.host())
        new = await access_token(one)
        assert key_id(new) != key_id(old)
        async with asyncio.timeout(10):
            while key_id(await access_token(other)) != key_id(new):  # noqa: ASYNC110 (the other server tells nobody)
                await asyncio.sleep(0.02)
        for server in (one, other):
            for token in (old, new):
                await server.auth.authenticate(token)


async def test_last_activity_is_written_when_the_server_stops(given_settings: Make) -> None:
    settings = given_settings()
    async with open_revenge(settings) as revenge:
        await revenge.accounts.register(ADA, PASSWORD)
        signed_in = await revenge.auth.login("ada", PASSWORD)
        # as if the last use had been long ago
        revenge.sessions._noted[signed_in.session.id] = signed_in.session.created_at.replace(year=2000)
        actor = await revenge.auth.authenticate(signed_in.tokens.access_token.reveal())
    async with open_revenge(settings) as revenge:
        assert (await revenge.sessions.current(actor)).last_activity_at > signed_in.session.last_activity_at


async def test_another_master_secret_is_refused_and_both_places_are_named(given_settings: Make, tmp_path: Path) -> None:
    async with open_revenge(given_settings(auth=Auth(jwt_secret=Secret("a" * 32)))):
        pass
    before = other_tasks()
    with pytest.raises(MasterSecretMismatch) as caught:
        async with open_revenge(given_settings()):
            pass
    assert str(tmp_path / "secrets" / "master.key") in caught.value.detail
    assert "revenge_test" in caught.value.detail
    assert other_tasks() == before


async def test_a_lost_master_secret_is_named_and_no_fresh_one_hides_the_loss(given_settings: Make) -> None:
    settings = given_settings()
    async with open_revenge(settings):
        pass
    file = master_key_file(settings.data_dir)
    file.unlink()
    with pytest.raises(MasterSecretMismatch, match=r"is missing, and the signing keys in .* Put it back"):
        async with open_revenge(settings):
            pass
    assert not file.exists()


async def test_a_database_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    url = Secret("postgresql://me:hunter22@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailable) as caught:
        async with open_revenge(Settings(data_dir=tmp_path, database=Database(url=url))):
            pass
    assert "127.0.0.1:1/nothing" in caught.value.detail
    assert "hunter22" not in caught.value.detail


def an_old_one(_url: Secret) -> Peer:
    return Peer(major=14, user="me")


async def test_a_database_that_is_too_old_is_refused(given_settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "meet", an_old_one)
    with pytest.raises(DatabaseTooOld, match="PostgreSQL 14; Revenge needs 15"):
        async with open_revenge(given_settings()):
            pass


# With a database of our own


def own(place: Path) -> Settings:
    return Settings(data_dir=place / "data", passwords=CHEAP)


async def test_with_nothing_configured_there_is_a_database_and_it_stops_with_us(place: Path) -> None:
    async with open_revenge(own(place)) as revenge:
        assert await revenge.accounts.issue_bootstrap_token() is not None
        assert (await revenge.health.readiness(Actor.system())).details["database"] == "healthy"
        assert servers(place)
    assert servers(place) == []
    assert (place / "data" / "secrets" / "master.key").stat().st_mode & 0o777 == 0o600
    assert not (place / "data" / "backups").exists()


async def test_who_gives_up_while_opening_leaves_no_server_behind(place: Path) -> None:
    async def enter() -> None:
        async with open_revenge(own(place)):
            await asyncio.sleep(60)

    for delay in (0.0, 0.05, 0.3, 0.6):
        opening = asyncio.create_task(enter())
        await asyncio.sleep(delay)
        opening.cancel()
        await asyncio.wait([opening])
        assert opening.cancelled()
        assert servers(place) == []
    async with open_revenge(own(place)) as revenge:
        await revenge.accounts.register(ADA, PASSWORD)


def one_is_pending(url: str) -> MigrationStatus:
    return MigrationStatus(applied=status(url).applied, pending=shipped()[-1:], refusal=None)


def test_a_database_with_something_in_it_is_backed_up_before_it_is_migrated(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = own(place)
    assert migration_status(settings).applied == ()
    assert not (place / "data").exists()
    applied = migrate_now(settings)
    assert migration_status(settings).pending == ()
    assert not (place / "data" / "backups").exists()

    monkeypatch.setattr(schema, "status", one_is_pending)
    assert migrate_now(settings) == ()
    assert [path.suffix for path in (place / "data" / "backups").iterdir()] == [".dump"]
    assert len(applied) >= 1


def test_a_failed_backup_leaves_the_database_as_it_was(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(_self: EmbeddedServer, _label: str) -> Path:
        raise EmbeddedPostgresError("No room.", next_step="Make some.")

    def never(*_: object, **__: object) -> None:
        raise AssertionError("migrated without a backup")

    settings = own(place)
    migrate_now(settings)
    monkeypatch.setattr(EmbeddedServer, "dump", no_room)
    monkeypatch.setattr(schema, "migrate", never)
    monkeypatch.setattr(schema, "status", one_is_pending)
    with pytest.raises(BackupFailed, match="No room"):
        migrate_now(settings)


# When the database of our own goes away (rulings R31)


GIVEN_UP = 20.0
"""Seconds. Ruled are 2, which a busy test machine cannot promise; `nox -s bench` measures them."""


async def until_it_works(revenge: Revenge, token: str) -> float:
    began = time.monotonic()
    async with asyncio.timeout(GIVEN_UP):
        while True:
            try:
                actor = await revenge.auth.authenticate(token)
                await revenge.sessions.list(actor)
                await revenge.auth.login("ada", PASSWORD)
            except DatabaseUnavailable:
                await asyncio.sleep(0.02)
            else:
                return time.monotonic() - began


@pytest.mark.faults
async def test_a_killed_database_is_brought_back(place: Path) -> None:
    async with open_revenge(own(place)) as revenge:
        await revenge.accounts.register(ADA, PASSWORD)
        token = await access_token(revenge)
        for _ in range(3):
            for server in servers(place):
                with suppress(psutil.NoSuchProcess):
                    server.kill()
            assert await until_it_works(revenge, token) < GIVEN_UP
    assert servers(place) == []


@pytest.mark.faults
async def test_who_joined_goes_on_when_the_process_that_started_the_database_is_killed(place: Path) -> None:
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD_OPEN, str(place / "data"), stdout=asyncio.subprocess.PIPE
    )
    assert first.stdout is not None
    assert await first.stdout.readline() == b"open\n"
    async with open_revenge(own(place)) as revenge:
        await revenge.accounts.register(ADA, PASSWORD)
        token = await access_token(revenge)
        first.kill()
        await first.wait()
        assert await until_it_works(revenge, token) < GIVEN_UP
    assert servers(place) == []


HOLD_OPEN = """
import asyncio, sys
from pathlib import Path
from revenge_adapters import Settings, open_revenge

async def main():
    async with open_revenge(Settings(data_dir=Path(sys.argv[1]))):
        print("open", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""
