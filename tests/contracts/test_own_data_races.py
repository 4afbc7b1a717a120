"""What somebody changes or asks for on two servers at once, on PostgreSQL."""

import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any, Final

from revenge_core.accounts.jobs import BuildExport
from revenge_core.actor import Actor
from revenge_core.errors import VersionMismatch
from revenge_core.revenge import Revenge
from revenge_core.testing.attempt import Attempt
from revenge_core.users.entities import NewUser, PreferenceChanges, Preferences, Theme, UserChanges
from tests.contracts.test_races import PASSWORD, RACERS, race

Ask = Callable[[str], Awaitable[Any]]

WISHES: Final = (
    PreferenceChanges(show_email=True),
    PreferenceChanges(theme=Theme.DARK),
    PreferenceChanges(display_language="de-CH"),
)


async def anna(revenge: Revenge) -> Actor:
    """Somebody who has just signed in."""
    await revenge.accounts.register(NewUser(username="anna", email="anna@example.org"), PASSWORD)
    signed_in = await revenge.auth.login("anna", PASSWORD)
    return await revenge.auth.authenticate(signed_in.tokens.access_token.reveal())


async def test_changes_of_different_preferences_all_survive(servers: tuple[Revenge, Revenge], ask: Ask) -> None:
    actor = await anna(servers[0])

    async def change(server: Revenge, number: int) -> bool:
        return (await server.preferences.change(actor, WISHES[number % len(WISHES)])).version <= len(WISHES)

    assert await race(servers, change) == {True: RACERS}
    expected = Preferences(
        user_id=actor.require_user(), show_email=True, theme=Theme.DARK, display_language="de-CH", version=len(WISHES)
    )
    assert [await server.preferences.mine(actor) for server in servers] == [expected] * 2
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'user.preferences_update'") == 3


async def test_of_those_who_saw_the_same_preferences_one_changes_them(
    servers: tuple[Revenge, Revenge], ask: Ask
) -> None:
    actor = await anna(servers[0])

    async def change(server: Revenge, number: int) -> str:
        changes = PreferenceChanges(display_language=f"en-x-{number:02}")
        return (await server.preferences.change(actor, changes, version=0)).display_language

    outcomes = await race(servers, change)
    assert outcomes.pop(VersionMismatch) == RACERS - 1
    assert list(outcomes.values()) == [1]
    assert await ask("SELECT version FROM revenge.user_preferences") == 1


async def test_of_those_who_saw_the_same_account_one_changes_it(servers: tuple[Revenge, Revenge]) -> None:
    actor = await anna(servers[0])
    version = (await servers[0].users.me(actor)).version

    async def change(server: Revenge, number: int) -> int:
        return (await server.users.update_me(actor, UserChanges(display_name=str(number)), version=version)).version

    assert await race(servers, change) == {VersionMismatch: RACERS - 1, version + 1: 1}


async def test_however_often_an_export_is_asked_for_one_is_made(servers: tuple[Revenge, Revenge], ask: Ask) -> None:
    actor = await anna(servers[0])

    async def export(server: Revenge, _: int) -> object:
        return (await server.exports.ask(actor)).id

    outcomes = await race(servers, export)
    assert list(outcomes.values()) == [RACERS], outcomes
    assert await ask("SELECT count(*) FROM revenge.jobs WHERE kind = 'accounts_export'") == 1


async def test_an_export_holds_what_the_database_holds(servers: tuple[Revenge, Revenge]) -> None:
    revenge, actor = servers[0], await anna(servers[0])
    await revenge.preferences.change(actor, PreferenceChanges(theme=Theme.DARK))
    for number in range(250):
        await revenge.users.update_me(actor, UserChanges(display_name=f"Anna {number}"))
    asked = await revenge.exports.ask(actor)
    await revenge.exports.build(BuildExport(export_id=asked.id), Attempt())
    async with revenge.exports.download(actor) as (file, pieces):
        content = b"".join([piece async for piece in pieces])
    assert file.size == len(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = {name: json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}
    assert found["account.json"]["preferences"]["theme"] == "dark"
    assert [session["id"] for session in found["sessions.json"]] == [str(actor.session_id)]
    names = [
        deed["changes"]["display_name"]["after"] for deed in found["activity.json"] if "display_name" in deed["changes"]
    ]
    assert names == [f"Anna {number}" for number in reversed(range(250))]
