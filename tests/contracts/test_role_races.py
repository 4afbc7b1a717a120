"""Fifty on two servers make, change, delete and hand out roles at once: what holds for one at a time holds for them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from revenge_core.accounts.entities import NewInvitation
from revenge_core.accounts.errors import InvitationInvalid
from revenge_core.actor import Actor
from revenge_core.errors import VersionMismatch
from revenge_core.ids import UserId
from revenge_core.permissions import ALL_PERMISSIONS
from revenge_core.rbac.entities import NewGroup, NewRole, RoleChanges
from revenge_core.rbac.errors import (
    GroupInvalid,
    LastAdmin,
    PolicyNotFound,
    RoleCycle,
    RoleExists,
    RoleInUse,
    RoleInvalid,
    RoleNotFound,
    RoleNotHeld,
    RoleUnknown,
)
from revenge_core.revenge import Revenge
from revenge_core.users.entities import NewUser
from tests.contracts.test_account_races import ENABLED_ADMINS, demote, signed_in, two_admins
from tests.contracts.test_races import PASSWORD, RACERS, race

Servers = tuple[Revenge, Revenge]
Ask = Callable[[str], Awaitable[Any]]
HOST: Final = Actor.host()


async def member(server: Revenge, name: str = "carl") -> UserId:
    return (await server.accounts.register(NewUser(username=name, email=f"{name}@example.org"), PASSWORD)).user.id


async def test_of_many_who_make_a_role_in_whatever_letters_one_does(servers: Servers, ask: Ask) -> None:
    async def create(server: Revenge, number: int) -> bool:
        await server.roles.create(HOST, NewRole(name="Curator" if number % 4 < 2 else "curator"))
        return True

    assert await race(servers, create) == {True: 1, RoleExists: RACERS - 1}
    assert await ask("SELECT count(*) FROM revenge.roles WHERE NOT built_in") == 1
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'role.create'") == 1


async def test_roles_that_want_to_inherit_from_each_other_close_no_circle(servers: Servers) -> None:
    names = [f"role-{number}" for number in range(5)]
    for name in names:
        await servers[0].roles.create(HOST, NewRole(name=name))

    async def inherit(server: Revenge, number: int) -> bool:
        one, other = number % 5, (number // 5 + number) % 5
        await server.roles.change(HOST, names[one], RoleChanges(parents=(names[other],)))
        return True

    outcomes = await race(servers, inherit)
    assert outcomes.keys() <= {True, RoleCycle, RoleInvalid}
    assert outcomes[True] >= 1
    await servers[1].rbac.index()  # it refuses to compile a circle


async def test_of_many_who_change_a_role_that_they_saw_one_does(servers: Servers, ask: Ask) -> None:
    await servers[0].roles.create(HOST, NewRole(name="curator"))

    async def change(server: Revenge, number: int) -> bool:
        permissions = ("movies:list",) if number % 4 < 2 else ("movies:get", "movies:update")
        await server.roles.replace_permissions(HOST, "curator", permissions, version=0)
        return True

    assert await race(servers, change) == {True: 1, VersionMismatch: RACERS - 1}
    assert await ask("SELECT version FROM revenge.roles WHERE name = 'curator'") == 1
    assert await ask("SELECT count(*) FROM revenge.role_permissions WHERE role = 'curator'") in {1, 2}


async def test_policies_that_come_and_go_at_once_are_all_counted(servers: Servers, ask: Ask) -> None:
    await servers[0].roles.create(HOST, NewRole(name="curator"))
    permissions = sorted(ALL_PERMISSIONS)[: RACERS // 2]

    async def turn(server: Revenge, number: int) -> bool:
        permission = permissions[number // 2]
        if number % 2:
            await server.roles.remove_policy(HOST, "curator", permission)
            return False
        await server.roles.add_policy(HOST, "curator", permission)
        return True

    outcomes = await race(servers, turn)
    assert outcomes[True] == RACERS // 2
    assert outcomes[False] + outcomes[PolicyNotFound] == RACERS // 2
    left = await ask("SELECT count(*) FROM revenge.role_permissions WHERE role = 'curator'")
    assert left == outcomes[True] - outcomes[False]
    assert await ask("SELECT version FROM revenge.roles WHERE name = 'curator'") == outcomes[True] + outcomes[False]


async def test_a_role_is_deleted_or_given_and_nobody_waits_in_a_circle(servers: Servers, ask: Ask) -> None:
    await servers[0].roles.create(HOST, NewRole(name="curator"))
    carl = await member(servers[0])

    async def act(server: Revenge, number: int) -> str:
        match number % 3:
            case 0:
                await server.roles.delete(HOST, "curator")
                return "deleted"
            case 1:
                await server.grants.assign(HOST, carl, "curator")
                return "given"
            case _:
                await server.grants.withdraw(HOST, carl, "curator")
                return "taken"

    outcomes = await race(servers, act)
    assert outcomes.keys() <= {"deleted", "given", "taken", RoleInUse, RoleNotFound, RoleNotHeld, RoleUnknown}
    assert outcomes["deleted"] <= 1
    is_there = await ask("SELECT count(*) FROM revenge.roles WHERE name = 'curator'")
    assert is_there == 1 - outcomes["deleted"]
    assert await ask("SELECT count(*) FROM revenge.user_roles WHERE role = 'curator'") <= is_there


async def test_a_role_is_deleted_or_invited_to(servers: Servers, ask: Ask) -> None:
    await servers[0].roles.create(HOST, NewRole(name="curator"))

    async def act(server: Revenge, number: int) -> str:
        if number % 2:
            await server.roles.delete(HOST, "curator")
            return "deleted"
        await server.invitations.create(HOST, NewInvitation(role="curator"))
        return "invited"

    outcomes = await race(servers, act)
    assert outcomes.keys() <= {"deleted", "invited", RoleInUse, RoleNotFound, InvitationInvalid}
    assert (outcomes["deleted"], outcomes["invited"] > 0) in {(0, True), (1, False)}
    assert await ask("SELECT count(*) FROM revenge.invitations") == outcomes["invited"]


async def test_a_role_is_deleted_or_carried_by_groups(servers: Servers, ask: Ask) -> None:
    await servers[0].roles.create(HOST, NewRole(name="curator"))

    async def act(server: Revenge, number: int) -> str:
        if number % 2:
            await server.roles.delete(HOST, "curator")
            return "deleted"
        await server.groups.create(HOST, NewGroup(name=f"group {number}", roles=frozenset({"curator"})))
        return "carried"

    outcomes = await race(servers, act)
    assert outcomes.keys() <= {"deleted", "carried", RoleInUse, RoleNotFound, GroupInvalid}
    assert (outcomes["deleted"], outcomes["carried"] > 0) in {(0, True), (1, False)}
    assert await ask("SELECT count(*) FROM revenge.group_roles") == outcomes["carried"]


async def test_a_role_that_many_give_is_given_once(servers: Servers, ask: Ask) -> None:
    carl = await member(servers[0])

    async def assign(server: Revenge, _: int) -> frozenset[str]:
        return await server.grants.assign(HOST, carl, "moderator")

    assert await race(servers, assign) == {frozenset({"moderator", "user"}): RACERS}
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'user.role_assign'") == 1

    async def withdraw(server: Revenge, _: int) -> bool:
        await server.grants.withdraw(HOST, carl, "moderator")
        return True

    assert await race(servers, withdraw) == {True: 1, RoleNotHeld: RACERS - 1}


async def test_of_admins_who_take_the_role_from_each_other_one_stays(servers: Servers, ask: Ask) -> None:
    admins = await two_admins(servers[0])
    actors = [signed_in(admin, servers[0]) for admin in admins]

    async def remove(server: Revenge, number: int) -> bool:
        one = number // 2 % 2
        if number % 3:
            await server.grants.withdraw(actors[one], admins[1 - one].id, "admin")
        else:
            await demote(server, actors[one], admins[1 - one].id)
        return True

    outcomes = await race(servers, remove)
    assert outcomes.keys() <= {True, LastAdmin, RoleNotHeld}
    assert await ask(ENABLED_ADMINS) == 1
