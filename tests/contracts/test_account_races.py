"""Fifty on two servers get, change and end accounts at once: what holds for one at a time holds for them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from revenge_core.accounts.entities import AccountChanges, Invited, NewInvitation
from revenge_core.accounts.errors import AccountNotDeleted
from revenge_core.accounts.jobs import Purge
from revenge_core.actor import Actor, ActorKind
from revenge_core.ids import UserId
from revenge_core.permissions import ALL_PERMISSIONS
from revenge_core.rbac.errors import LastAdmin
from revenge_core.revenge import Revenge
from revenge_core.testing.attempt import Attempt
from revenge_core.users.entities import NewUser, User
from revenge_core.users.errors import TokenInvalid, UsernameTaken, UserNotFound
from tests.contracts.test_races import PASSWORD, RACERS, race

Servers = tuple[Revenge, Revenge]
Ask = Callable[[str], Awaitable[Any]]
Removal = Callable[[Revenge, Actor, UserId], Awaitable[object]]

ENABLED_ADMINS: Final = """
    SELECT count(*) FROM revenge.users JOIN revenge.user_roles ON user_id = id
     WHERE role = 'admin' AND is_active AND deleted_at IS NULL
"""


async def demote(server: Revenge, actor: Actor, user_id: UserId) -> None:
    await server.administration.change(actor, user_id, AccountChanges(roles=frozenset({"user"})))


async def leave(server: Revenge, actor: Actor, _: UserId) -> None:
    await server.accounts.delete_me(actor)


REMOVALS: Final[dict[str, Removal]] = {
    "delete": lambda server, actor, user_id: server.administration.delete(actor, user_id),
    "demote": demote,
    "disable": lambda server, actor, user_id: server.administration.disable(actor, user_id),
    "leave": leave,
}
"""Every way to have one admin fewer."""


def signed_in(user: User, server: Revenge) -> Actor:
    """Somebody who came in as an admin before all this began."""
    until = server.accounts._clock.now() + timedelta(hours=1)
    return Actor(kind=ActorKind.USER, user_id=user.id, permissions=ALL_PERMISSIONS, proven_until=until)


async def two_admins(server: Revenge) -> list[User]:
    made = [NewUser(username=name, email=f"{name}@example.org") for name in ("anna", "berta")]
    return [await server.accounts.create_admin(Actor.host(), new, PASSWORD) for new in made]


async def invite(server: Revenge, uses: int) -> Invited:
    return await server.invitations.create(Actor.host(), NewInvitation(uses=uses))


async def test_an_invitation_makes_as_many_accounts_as_it_has_uses(servers: Servers, ask: Ask) -> None:
    invited = await invite(servers[0], 7)

    async def register(server: Revenge, number: int) -> bool:
        new = NewUser(username=f"user-{number}", email=f"{number}@example.org")
        await server.accounts.register(new, PASSWORD, invitation=invited.token)
        return True

    assert await race(servers, register) == {True: 7, TokenInvalid: RACERS - 7}
    assert await ask("SELECT count(*) FROM revenge.users") == 7
    assert await ask("SELECT used FROM revenge.invitations") == 7


async def test_whoever_is_refused_uses_nothing_of_an_invitation(servers: Servers, ask: Ask) -> None:
    invited = await invite(servers[0], RACERS)

    async def register(server: Revenge, number: int) -> bool:
        new = NewUser(username=f"user-{number % 10}", email=f"{number}@example.org")
        await server.accounts.register(new, PASSWORD, invitation=invited.token)
        return True

    assert await race(servers, register) == {True: 10, UsernameTaken: RACERS - 10}
    assert await ask("SELECT used FROM revenge.invitations") == 10


async def test_an_invitation_that_is_taken_back_meanwhile_lets_in_whom_it_counts(servers: Servers, ask: Ask) -> None:
    invited = await invite(servers[0], RACERS)

    async def register(server: Revenge, number: int) -> bool:
        if number == RACERS // 3:
            await server.invitations.revoke(Actor.host(), invited.invitation.id)
            return False
        new = NewUser(username=f"user-{number}", email=f"{number}@example.org")
        await server.accounts.register(new, PASSWORD, invitation=invited.token)
        return True

    outcomes = await race(servers, register)
    assert outcomes[False] == 1
    assert outcomes.keys() <= {True, False, TokenInvalid}
    assert await ask("SELECT used FROM revenge.invitations") == outcomes[True]
    assert await ask("SELECT count(*) FROM revenge.users") == outcomes[True]


@pytest.mark.parametrize("way", REMOVALS)
async def test_whoever_made_an_invitation_goes_while_others_come_and_nobody_waits_in_a_circle(
    servers: Servers, ask: Ask, way: str
) -> None:
    _, maker = await two_admins(servers[0])
    actor = signed_in(maker, servers[0])
    invited = await servers[0].invitations.create(actor, NewInvitation(uses=RACERS))
    remover = actor if way == "leave" else Actor.host()

    async def register(server: Revenge, number: int) -> bool:
        if number == RACERS // 3:
            await REMOVALS[way](server, remover, maker.id)
            return False
        new = NewUser(username=f"user-{number}", email=f"{number}@example.org")
        await server.accounts.register(new, PASSWORD, invitation=invited.token)
        return True

    outcomes = await race(servers, register)
    assert outcomes[False] == 1
    assert outcomes.keys() <= {True, False, TokenInvalid}
    assert await ask("SELECT used FROM revenge.invitations") == outcomes[True]
    late = NewUser(username="late", email="late@example.org")
    with pytest.raises(TokenInvalid):
        await servers[1].accounts.register(late, PASSWORD, invitation=invited.token)


@pytest.mark.parametrize("way", REMOVALS)
async def test_of_two_admins_who_remove_each_other_one_stays(servers: Servers, ask: Ask, way: str) -> None:
    admins = await two_admins(servers[0])
    actors = [signed_in(admin, servers[0]) for admin in admins]

    async def remove(server: Revenge, number: int) -> bool:
        one, other = number // 2 % 2, 1 - number // 2 % 2
        await REMOVALS[way](server, actors[one], admins[other].id)
        return True

    outcomes = await race(servers, remove)
    assert outcomes[True] >= 1
    assert outcomes[LastAdmin] >= 1
    assert await ask(ENABLED_ADMINS) == 1


async def test_whatever_way_is_taken_to_remove_them_one_admin_stays(servers: Servers, ask: Ask) -> None:
    admins = await two_admins(servers[0])
    actors = [signed_in(admin, servers[0]) for admin in admins]
    ways = list(REMOVALS.values())

    async def remove(server: Revenge, number: int) -> bool:
        one, other = number // 2 % 2, 1 - number // 2 % 2
        await ways[number // 4 % len(ways)](server, actors[one], admins[other].id)
        return True

    outcomes = await race(servers, remove)
    assert outcomes[LastAdmin] >= 1
    assert await ask(ENABLED_ADMINS) == 1


async def test_an_account_comes_back_whole_or_is_erased_whole(servers: Servers, ask: Ask) -> None:
    made = await servers[0].accounts.register(NewUser(username="anna", email="anna@example.org"), PASSWORD)
    await servers[0].administration.delete(Actor.host(), made.user.id)
    servers[0].accounts._clock.advance(days=31)  # type: ignore[attr-defined]  # a clock for tests

    async def restore_or_erase(server: Revenge, number: int) -> str:
        if number % 2:
            await server.accounts.purge(Purge(), Attempt())
            return "erased"
        await server.administration.restore(Actor.host(), made.user.id)
        return "restored"

    outcomes = await race(servers, restore_or_erase)
    assert outcomes.pop("erased") == RACERS // 2
    restored = outcomes["restored"]
    others = {"restored": 1, AccountNotDeleted: RACERS // 2 - 1} if restored else {UserNotFound: RACERS // 2}
    assert +outcomes == others
    assert await ask("SELECT count(*) FROM revenge.users WHERE deleted_at IS NULL") == restored
    assert await ask("SELECT count(*) FROM revenge.credentials") == restored
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'user.purge'") == 1 - restored
