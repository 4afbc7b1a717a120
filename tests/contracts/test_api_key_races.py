"""Fifty on two servers make, rotate, narrow and revoke keys at once: what holds for one at a time holds for them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from revenge_core.actor import NOWHERE, Actor, ActorKind
from revenge_core.apikeys.entities import KeyChanges, KeyScope, MadeKey, NewKey
from revenge_core.apikeys.errors import KeyInvalid, KeyIsOver, KeyNameTaken, TooManyKeys
from revenge_core.apikeys.jobs import KeyMaintenance
from revenge_core.errors import Unauthenticated, VersionMismatch
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.testing.attempt import Attempt
from revenge_core.users.entities import NewUser, User
from tests.contracts.test_races import PASSWORD, RACERS, race

Servers = tuple[Revenge, Revenge]
Ask = Callable[[str], Awaitable[Any]]
READ = frozenset({KeyScope.READ})
LIVE = "SELECT count(*) FROM revenge.api_keys WHERE revoked_at IS NULL"


async def anna(server: Revenge) -> tuple[User, Actor]:
    user = (await server.accounts.register(NewUser(username="anna", email="anna@example.org"), PASSWORD)).user
    return user, Actor(kind=ActorKind.USER, user_id=user.id)


async def works(server: Revenge, secret: Secret) -> bool:
    try:
        await server.api_keys.authenticate(secret, NOWHERE)
    except KeyInvalid:
        return False
    return True


async def test_defect_of_fifty_who_make_keys_at_once_ten_get_one(servers: Servers, ask: Ask) -> None:
    """platform.md 3.3: keys were counted, then added, and nobody held the others back."""
    _, actor = await anna(servers[0])

    async def make(server: Revenge, number: int) -> str:
        await server.api_keys.create(actor, NewKey(name=f"key {number}", scopes=READ))
        return "made"

    assert await race(servers, make) == {"made": 10, TooManyKeys: RACERS - 10}
    assert await ask(LIVE) == 10
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'apikey.create'") == 10


async def test_of_fifty_who_want_one_name_one_gets_it(servers: Servers, ask: Ask) -> None:
    _, actor = await anna(servers[0])

    async def make(server: Revenge, number: int) -> str:
        name = "kodi" if number % 2 else "KODI"
        return (await server.api_keys.create(actor, NewKey(name=name, scopes=READ))).key.prefix[:3]

    assert await race(servers, make) == {"rv_": 1, KeyNameTaken: RACERS - 1}
    assert await ask(LIVE) == 1


async def test_fifty_rotations_are_one_chain_and_the_last_two_secrets_work(servers: Servers, ask: Ask) -> None:
    _, actor = await anna(servers[0])
    first = await servers[0].api_keys.create(actor, NewKey(name="kodi", scopes=READ))
    made: list[MadeKey] = []

    async def rotate(server: Revenge, _: int) -> str:
        made.append(await server.api_keys.rotate(actor, first.key.id))
        return "rotated"

    assert await race(servers, rotate) == {"rotated": RACERS}
    assert sorted(one.key.version for one in made) == list(range(1, RACERS + 1))
    good = [one.key.version for one in made if await works(servers[0], one.secret)]
    assert sorted(good) == [RACERS - 1, RACERS]
    assert not await works(servers[1], first.secret)
    assert await ask("SELECT count(*) FROM revenge.api_keys") == 1


async def test_of_fifty_changes_of_one_version_one_is_made(servers: Servers, ask: Ask) -> None:
    _, actor = await anna(servers[0])
    made = await servers[0].api_keys.create(actor, NewKey(name="kodi", scopes=READ))

    async def change(server: Revenge, number: int) -> str:
        await server.api_keys.change(actor, made.key.id, KeyChanges(name=f"key {number}"), version=0)
        return "changed"

    assert await race(servers, change) == {"changed": 1, VersionMismatch: RACERS - 1}
    assert await ask("SELECT version FROM revenge.api_keys") == 1


async def test_a_key_that_is_revoked_among_rotations_stays_revoked(servers: Servers, ask: Ask) -> None:
    _, actor = await anna(servers[0])
    first = await servers[0].api_keys.create(actor, NewKey(name="kodi", scopes=READ))
    secrets = [first.secret]

    async def rotate_or_revoke(server: Revenge, number: int) -> str:
        if number == RACERS // 2:
            await server.api_keys.revoke(actor, first.key.id)
            return "revoked"
        secrets.append((await server.api_keys.rotate(actor, first.key.id)).secret)
        return "rotated"

    outcomes = await race(servers, rotate_or_revoke)
    assert set(outcomes) <= {"revoked", "rotated", KeyIsOver}
    assert not any([await works(servers[0], secret) for secret in secrets])
    assert await ask(LIVE) == 0


async def test_nobody_gets_a_key_while_their_account_is_being_disabled(servers: Servers, ask: Ask) -> None:
    user, actor = await anna(servers[0])

    async def make_or_disable(server: Revenge, number: int) -> str:
        if number == RACERS // 2:
            await server.administration.disable(Actor.host(), user.id)
            return "disabled"
        await server.api_keys.create(actor, NewKey(name=f"key {number}", scopes=READ))
        return "made"

    outcomes = await race(servers, make_or_disable)
    assert set(outcomes) <= {"disabled", "made", Unauthenticated, TooManyKeys}
    assert outcomes["disabled"] == 1
    assert await ask("SELECT count(*) FROM revenge.users WHERE is_active") == 0


async def test_no_key_outlives_an_account_that_is_being_deleted(servers: Servers, ask: Ask) -> None:
    user, actor = await anna(servers[0])
    present = [
        await servers[0].api_keys.create(actor, NewKey(name=f"old {number}", scopes=READ)) for number in range(5)
    ]

    async def use_or_delete(server: Revenge, number: int) -> str:
        if number == RACERS // 2:
            await server.administration.delete(Actor.host(), user.id)
            return "deleted"
        if number % 3 == 0:
            await server.api_keys.rotate(actor, present[number % 5].key.id)
        elif number % 3 == 1:
            await server.api_keys.revoke(actor, present[number % 5].key.id)
        else:
            await server.api_keys.create(actor, NewKey(name=f"key {number}", scopes=READ))
        return "changed"

    outcomes = await race(servers, use_or_delete)
    assert set(outcomes) <= {"deleted", "changed", Unauthenticated, TooManyKeys, KeyIsOver}
    assert outcomes["deleted"] == 1
    assert await ask(LIVE) == 0
    await servers[1].administration.restore(Actor.host(), user.id)
    assert not any([await works(servers[0], made.secret) for made in present])


async def test_sightings_and_records_of_two_servers_add_up(servers: Servers, ask: Ask) -> None:
    _, actor = await anna(servers[0])
    made = [
        await servers[0].api_keys.create(actor, NewKey(name=f"key {number}", scopes=READ, recording=True))
        for number in range(5)
    ]

    async def use(server: Revenge, number: int) -> str:
        program = await server.api_keys.authenticate(made[number % 5].secret, NOWHERE)
        program.require_user()
        await server.api_keys.write_sightings()
        return "used"

    assert await race(servers, use) == {"used": RACERS}
    for server in servers:
        await server.api_keys.write_sightings()
    assert await ask("SELECT sum(uses)::int FROM revenge.api_key_uses") == RACERS
    assert await ask("SELECT count(*) FROM revenge.api_keys WHERE last_used_at IS NOT NULL") == 5


async def test_maintenance_on_two_servers_reminds_once(servers: Servers, ask: Ask) -> None:
    _, actor = await anna(servers[0])
    clock = servers[0].api_keys._clock
    for number in range(5):
        new = NewKey(name=f"key {number}", scopes=READ, expires_at=clock.now() + timedelta(days=8))
        await servers[0].api_keys.create(actor, new)
    clock.advance(days=2)  # type: ignore[attr-defined] # the clock of tests can

    async def maintain(server: Revenge, number: int) -> str:
        await server.api_keys.maintain(KeyMaintenance(), Attempt(number))
        return "done"

    assert await race(servers, maintain) == {"done": RACERS}
    assert await ask("SELECT count(*) FROM revenge.jobs WHERE kind = 'send_email'") == 5 + 1  # with the welcome
