"""Fifty on two servers change groups and who is in them at once: what holds for one at a time holds for them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from revenge_core.actor import Actor
from revenge_core.errors import VersionMismatch
from revenge_core.ids import GroupId, UserId
from revenge_core.rbac.entities import Group, GroupChanges, NewGroup, NewRole
from revenge_core.rbac.errors import (
    GroupInvalid,
    GroupNameTaken,
    GroupNotFound,
    LastAdmin,
    MemberNotFound,
    RoleInUse,
    RoleNotFound,
)
from revenge_core.revenge import Revenge
from revenge_core.users.entities import NewUser
from tests.contracts.test_account_races import REMOVALS, signed_in, two_admins
from tests.contracts.test_races import PASSWORD, RACERS, race

Servers = tuple[Revenge, Revenge]
Ask = Callable[[str], Awaitable[Any]]
Removal = Callable[[Revenge, GroupId, UserId], Awaitable[object]]

HOST: Final = Actor.host()
ENABLED_ADMINS: Final = """
    SELECT count(DISTINCT users.id) FROM revenge.users JOIN revenge.held_roles ON user_id = id
     WHERE role = 'admin' AND is_active AND deleted_at IS NULL
"""
WAYS: Final[dict[str, Removal]] = {
    "delete": lambda server, group_id, _: server.groups.delete(HOST, group_id),
    "leave": lambda server, group_id, user_id: server.groups.remove_member(HOST, group_id, user_id),
    "strip": lambda server, group_id, _: server.groups.change(HOST, group_id, GroupChanges(roles=frozenset())),
}
"""Every way for groups to make admins fewer."""


async def person(server: Revenge, name: str) -> UserId:
    new = NewUser(username=name, email=f"{name}@example.org")
    return (await server.accounts.register(new, PASSWORD)).user.id


async def admins_of_two_groups(server: Revenge) -> tuple[list[Group], list[UserId]]:
    """Two groups that carry admin, with one member each, and no other admin."""
    groups = [await server.groups.create(HOST, NewGroup(name=f"Bosses {n}", roles=frozenset({"admin"}))) for n in "12"]
    people = [await person(server, name) for name in ("anna", "berta")]
    for group, user_id in zip(groups, people, strict=True):
        await server.groups.add_member(HOST, group.id, user_id)
    return groups, people


@pytest.mark.parametrize("way", WAYS)
async def test_of_two_groups_of_admins_one_stays_whoever_takes_what_away_at_once(
    servers: Servers, ask: Ask, way: str
) -> None:
    groups, people = await admins_of_two_groups(servers[0])

    async def remove(server: Revenge, number: int) -> bool:
        side = number // 2 % 2
        await WAYS[way](server, groups[side].id, people[side])
        return True

    outcomes = await race(servers, remove)
    assert outcomes.keys() <= {True, LastAdmin, GroupNotFound, MemberNotFound}, outcomes
    assert outcomes[LastAdmin] >= 1
    assert await ask(ENABLED_ADMINS) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("removal", REMOVALS)
async def test_of_an_admin_by_group_and_one_by_grant_one_stays(
    servers: Servers, ask: Ask, way: str, removal: str
) -> None:
    admin, other = await two_admins(servers[0])
    group = await servers[0].groups.create(HOST, NewGroup(name="Bosses", roles=frozenset({"admin"})))
    member = await person(servers[0], "carla")
    await servers[0].groups.add_member(HOST, group.id, member)
    await servers[0].administration.delete(HOST, other.id)
    actor = signed_in(admin, servers[0]) if removal == "leave" else HOST

    async def remove(server: Revenge, number: int) -> bool:
        if number % 4 < 2:
            await WAYS[way](server, group.id, member)
        else:
            await REMOVALS[removal](server, actor, admin.id)
        return True

    outcomes = await race(servers, remove)
    assert outcomes[LastAdmin] >= 1, outcomes
    assert await ask(ENABLED_ADMINS) == 1


async def test_of_many_who_make_a_group_of_one_name_one_does(servers: Servers, ask: Ask) -> None:
    async def make(server: Revenge, number: int) -> bool:
        await server.groups.create(HOST, NewGroup(name="Films" if number % 3 else "FILMS"))
        return True

    assert await race(servers, make) == {True: 1, GroupNameTaken: RACERS - 1}
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'group.create'") == 1


async def test_of_many_who_change_the_version_that_they_saw_one_does(servers: Servers, ask: Ask) -> None:
    group = await servers[0].groups.create(HOST, NewGroup(name="Films"))

    async def change(server: Revenge, number: int) -> bool:
        await server.groups.change(HOST, group.id, GroupChanges(description=f"take {number}"), version=0)
        return True

    assert await race(servers, change) == {True: 1, VersionMismatch: RACERS - 1}
    assert await ask("SELECT version FROM revenge.groups") == 1


async def test_of_many_who_put_somebody_in_one_is_told_of_and_all_are_content(servers: Servers, ask: Ask) -> None:
    group = await servers[0].groups.create(HOST, NewGroup(name="Films", roles=frozenset({"guest"})))
    ada = await person(servers[0], "ada")

    async def add(server: Revenge, _: int) -> bool:
        await server.groups.add_member(HOST, group.id, ada)
        return True

    assert await race(servers, add) == {True: RACERS}
    assert await ask("SELECT count(*) FROM revenge.group_members") == 1
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'group.member_add'") == 1


async def test_a_group_goes_while_people_come_and_nobody_waits_in_a_circle(servers: Servers, ask: Ask) -> None:
    group = await servers[0].groups.create(HOST, NewGroup(name="Films", roles=frozenset({"guest"})))
    people = [await person(servers[0], f"user-{number}") for number in range(5)]

    async def move(server: Revenge, number: int) -> bool:
        user_id = people[number % len(people)]
        if number == RACERS // 2:
            await server.groups.delete(HOST, group.id)
        elif number % 3 == 0:
            roles = frozenset({"guest", "moderator"} if number % 2 else {"user"})
            await server.groups.change(HOST, group.id, GroupChanges(roles=roles))
        elif number % 3 == 1:
            await server.groups.add_member(HOST, group.id, user_id)
        else:
            await server.groups.remove_member(HOST, group.id, user_id)
        return True

    outcomes = await race(servers, move)
    assert outcomes.keys() <= {True, GroupNotFound, MemberNotFound}, outcomes
    assert await ask("SELECT count(*) FROM revenge.groups") == 0
    assert await ask("SELECT count(*) FROM revenge.group_members") == 0
    assert await ask("SELECT count(*) FROM revenge.group_roles") == 0


async def test_a_role_that_is_deleted_is_carried_by_no_group(servers: Servers, ask: Ask) -> None:
    await servers[0].roles.create(HOST, NewRole(name="watcher", permissions=("movies:get",)))

    async def move(server: Revenge, number: int) -> bool:
        if number == RACERS // 2:
            await server.roles.delete(HOST, "watcher")
        else:
            await server.groups.create(HOST, NewGroup(name=f"Group {number}", roles=frozenset({"watcher"})))
        return True

    outcomes = await race(servers, move)
    assert outcomes.keys() <= {True, RoleInUse, RoleNotFound, GroupInvalid}, outcomes
    kept = await ask("SELECT count(*) FROM revenge.roles WHERE name = 'watcher'")
    assert (await ask("SELECT count(*) FROM revenge.group_roles") > 0) == (kept == 1)
