"""Making, changing and deleting roles."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import Actor
from revenge_core.errors import Forbidden, ReauthRequired, RevengeError, Unauthenticated, VersionMismatch
from revenge_core.feed import ROLES_CHANGED
from revenge_core.ids import GroupId
from revenge_core.permissions import ALL_PERMISSIONS, Permission
from revenge_core.rbac.entities import CountedRole, GrantSource, Group, NewRole, Role, RoleChanges
from revenge_core.rbac.errors import (
    RoleBuiltIn,
    RoleCycle,
    RoleExists,
    RoleInUse,
    RoleInvalid,
    RoleNotFound,
    RolesFull,
    RoleTooPowerful,
)
from revenge_core.rbac.policy import ROLES_MAX
from revenge_core.testing.builders import NOW, a_grant, an_id, an_invitation
from tests.core.admins import admin, helper, told
from tests.core.people import act, entries, join, last_entry, register

Deed = Callable[[Sandbox, Actor], Awaitable[object]]

DEEDS: dict[str, Deed] = {
    "create": lambda box, actor: box.revenge.roles.create(actor, NewRole(name="second")),
    "change": lambda box, actor: box.revenge.roles.change(actor, "curator", RoleChanges(description="other")),
    "replace_permissions": lambda box, actor: box.revenge.roles.replace_permissions(actor, "curator", ()),
    "delete": lambda box, actor: box.revenge.roles.delete(actor, "curator"),
    "add_policy": lambda box, actor: box.revenge.roles.add_policy(actor, "curator", "movies:get"),
    "remove_policy": lambda box, actor: box.revenge.roles.remove_policy(actor, "curator", "movies:list"),
}
"""All that is done to roles."""
RIGHTS = {
    "create": Permission.ROLES_CREATE,
    "change": Permission.ROLES_UPDATE,
    "replace_permissions": Permission.ROLES_UPDATE,
    "delete": Permission.ROLES_DELETE,
    "add_policy": Permission.ROLES_UPDATE,
    "remove_policy": Permission.ROLES_UPDATE,
}


async def make(box: Sandbox, name: str = "curator", *permissions: str, parents: tuple[str, ...] = ()) -> CountedRole:
    new = NewRole(name=name, description="Looks after films", permissions=permissions, parents=parents)
    return await box.revenge.roles.create(Actor.host(), new)


def pointers(error: RevengeError) -> list[str]:
    return [problem.pointer for problem in error.problems]


# Who may


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize("deed", DEEDS)
async def test_what_is_done_to_roles_takes_the_right_to(box: Sandbox, deed: str) -> None:
    await make(box, "curator", "movies:list")
    with pytest.raises(Unauthenticated):
        await DEEDS[deed](box, Actor.anonymous())
    actor = await helper(box)
    with pytest.raises(Forbidden, match=RIGHTS[deed]):
        await DEEDS[deed](box, actor)
    await DEEDS[deed](box, replace(actor, permissions=actor.permissions | {RIGHTS[deed]}))
    assert box.changes[-1] == ROLES_CHANGED


@pytest.mark.asvs("7.5.1")
@pytest.mark.parametrize("deed", DEEDS)
async def test_what_is_done_to_roles_takes_a_recent_proof(box: Sandbox, deed: str) -> None:
    await make(box, "curator", "movies:list")
    root = await admin(box)
    box.clock.advance(minutes=11)
    before = box.rows
    with pytest.raises(ReauthRequired):
        await DEEDS[deed](box, root)
    assert box.rows == before


@pytest.mark.asvs("8.2.2", "8.3.1")
@pytest.mark.parametrize("deed", [deed for deed in DEEDS if deed != "create"])
async def test_nobody_changes_a_role_that_may_do_what_they_may_not(box: Sandbox, deed: str) -> None:
    await make(box, "curator", "movies:list", "jobs:cancel")
    actor = await helper(box, RIGHTS[deed])
    before = box.rows
    with pytest.raises(RoleTooPowerful):
        await DEEDS[deed](box, actor)
    assert box.rows == before


async def test_nobody_makes_a_role_do_what_they_may_not(box: Sandbox) -> None:
    await make(box, "strong", "jobs:*")
    await make(box, "weak", "movies:list")
    actor = await helper(box, Permission.ROLES_CREATE, Permission.ROLES_UPDATE)
    roles, before = box.revenge.roles, box.rows
    for attempt in (
        roles.create(actor, NewRole(name="mine", permissions=("*:list",))),
        roles.create(actor, NewRole(name="mine", parents=("strong",))),
        roles.change(actor, "weak", RoleChanges(parents=("strong",))),
        roles.replace_permissions(actor, "weak", ("jobs:get",)),
        roles.add_policy(actor, "weak", "jobs:get"),
    ):
        with pytest.raises(RoleTooPowerful):
            await attempt
    assert box.rows == before


async def test_whoever_changes_a_role_covers_what_it_inherits_too(box: Sandbox) -> None:
    await make(box, "strong", "jobs:*")
    await make(box, "heir", "movies:list", parents=("strong",))
    actor = await helper(box, Permission.ROLES_UPDATE)
    with pytest.raises(RoleTooPowerful):
        await box.revenge.roles.change(actor, "heir", RoleChanges(parents=()))


# Making


async def test_platform_2_5_a_role_without_permissions_is_there_and_its_description_stays(box: Sandbox) -> None:
    made = await make(box)
    assert made == CountedRole(role=Role(name="curator", description="Looks after films"), user_count=0)
    assert await box.revenge.rbac.get(Actor.host(), "curator") == made
    assert [one.role.name for one in await box.revenge.rbac.list(Actor.host())] == sorted(
        ["admin", "curator", "guest", "moderator", "user"]
    )


async def test_a_role_is_audited_with_all_that_it_may_do(box: Sandbox) -> None:
    root = await admin(box)
    new = NewRole(name="curator", permissions=("movies:*", "requests:list"), parents=("user", "guest"))
    await box.revenge.roles.create(root, new)
    entry = last_entry(box)
    assert (entry.action, entry.actor_id) == (Action.ROLE_CREATE, root.user_id)
    assert (entry.resource_type, entry.resource_key) == ("role", "curator")
    assert told(box) == {
        "description": FieldChange(after=""),
        "parents": FieldChange(after="guest, user"),
        "permissions": FieldChange(after="movies:*, requests:list"),
    }


async def test_a_role_counts_at_once_with_its_wildcards_and_what_it_inherits(box: Sandbox) -> None:
    await make(box, "curator", "movies:*", "*:sync", parents=("guest",))
    held = await box.revenge.rbac.permissions_of(frozenset({"curator"}))
    assert {Permission.MOVIES_DELETE, Permission.INTEGRATIONS_SYNC, Permission.PLAYBACK_STREAM} <= held
    assert Permission.JOBS_LIST not in held


@pytest.mark.parametrize(
    "name", ["", "x" * 65, "a b", "a:b", "a/b", "ä", ".", "..", "-a", "_a", "a\n", "a\x00", "rôle"]
)
async def test_names_that_a_role_cannot_have(box: Sandbox, name: str) -> None:
    with pytest.raises(RoleInvalid) as refused:
        await make(box, name)
    assert pointers(refused.value) == ["/name"]


@pytest.mark.parametrize("name", ["a", "7", "x" * 64, "Film.Club_2-b"])
async def test_names_that_a_role_can_have(box: Sandbox, name: str) -> None:
    assert (await make(box, name)).role.name == name


async def test_everything_that_is_wrong_is_told_at_once(box: Sandbox) -> None:
    new = NewRole(
        name="a b",
        description="x" * 257,
        permissions=("movies:list", "movies:fly", "", "x" * 10_000),
        parents=("nobody", "user", "admin", "a b"),
    )
    with pytest.raises(RoleInvalid) as refused:
        await box.revenge.roles.create(Actor.host(), new)
    wrong = [
        "/description",
        "/name",
        "/parents/0",
        "/parents/2",
        "/parents/3",
        *(f"/permissions/{n}" for n in (1, 2, 3)),
    ]
    assert sorted(pointers(refused.value)) == sorted(wrong)


async def test_a_role_has_its_limits(box: Sandbox) -> None:
    new = NewRole(name="big", permissions=("movies:list",) * 201, parents=("user",) * 21, description="\x07")
    with pytest.raises(RoleInvalid) as refused:
        await box.revenge.roles.create(Actor.host(), new)
    assert sorted(pointers(refused.value)) == ["/description", "/parents", "/permissions"]


@pytest.mark.parametrize("name", ["curator", "Curator", "CURATOR", "admin", "Admin"])
async def test_there_is_one_role_of_a_name_in_whatever_letters(box: Sandbox, name: str) -> None:
    await make(box)
    with pytest.raises(RoleExists):
        await make(box, name)


async def test_there_are_only_so_many_roles(box: Sandbox) -> None:
    box.rows.roles.update({f"r{n}": Role(name=f"r{n}") for n in range(ROLES_MAX - len(box.rows.roles))})
    with pytest.raises(RolesFull):
        await make(box)
    await box.revenge.roles.delete(Actor.host(), "r1")
    await make(box)


# Changing


async def test_a_changed_role_is_another_version_of_it(box: Sandbox) -> None:
    await make(box, "curator", "movies:list")
    changed = await box.revenge.roles.change(Actor.host(), "curator", RoleChanges(parents=("user",)), version=0)
    assert (changed.role.version, changed.role.parents) == (1, frozenset({"user"}))
    assert changed.role.permissions == {"movies:list"}
    assert changed.role.description == "Looks after films"
    assert told(box) == {"parents": FieldChange(before="", after="user")}
    with pytest.raises(VersionMismatch):
        await box.revenge.roles.change(Actor.host(), "curator", RoleChanges(parents=()), version=0)
    with pytest.raises(VersionMismatch):
        await box.revenge.roles.replace_permissions(Actor.host(), "curator", (), version=0)
    with pytest.raises(VersionMismatch):
        await box.revenge.roles.delete(Actor.host(), "curator", version=0)
    await box.revenge.roles.delete(Actor.host(), "curator", version=1)


async def test_a_change_that_changes_nothing_leaves_no_trace(box: Sandbox) -> None:
    await make(box, "curator", "movies:list")
    rows, changes = box.rows, list(box.changes)
    same = RoleChanges(description="Looks after films", parents=())
    await box.revenge.roles.change(Actor.host(), "curator", same)
    await box.revenge.roles.replace_permissions(Actor.host(), "curator", ("movies:list", "movies:list"))
    await box.revenge.roles.add_policy(Actor.host(), "curator", "movies:list")
    assert (box.rows, box.changes) == (rows, changes)


async def test_platform_2_5_replacing_permissions_is_one_step_and_told_whole(box: Sandbox) -> None:
    await make(box, "curator", "movies:list", "movies:get")
    root = await admin(box)
    changed = await box.revenge.roles.replace_permissions(root, "curator", ("movies:get", "*:sync"))
    assert changed.role.permissions == {"movies:get", "*:sync"}
    (entry,) = entries(box, Action.ROLE_PERMISSIONS_CHANGE)
    assert entry.actor_id == root.user_id
    assert entry.changes == {"permissions": FieldChange(before="movies:get, movies:list", after="*:sync, movies:get")}
    with pytest.raises(RoleInvalid) as refused:
        await box.revenge.roles.replace_permissions(root, "curator", ("movies:list", "movies:fly"))
    assert pointers(refused.value) == ["/permissions/1"]
    assert (await box.revenge.rbac.get(root, "curator")).role == changed.role


async def test_platform_2_5_a_role_whose_permissions_are_all_taken_is_still_there(box: Sandbox) -> None:
    await make(box, "curator", "movies:list")
    await box.revenge.roles.replace_permissions(Actor.host(), "curator", ())
    left = (await box.revenge.rbac.get(Actor.host(), "curator")).role
    assert (left.permissions, left.description) == (frozenset(), "Looks after films")


async def test_no_circle_closes_however_long(box: Sandbox) -> None:
    await make(box, "a")
    await make(box, "b", parents=("a",))
    await make(box, "c", parents=("b", "guest"))
    rows = box.rows
    with pytest.raises(RoleCycle, match="a → c → b → a"):
        await box.revenge.roles.change(Actor.host(), "a", RoleChanges(parents=("c",)))
    with pytest.raises(RoleInvalid):
        await box.revenge.roles.change(Actor.host(), "a", RoleChanges(parents=("a",)))
    with pytest.raises(RoleCycle):
        await box.revenge.roles.change(Actor.host(), "guest", RoleChanges(parents=("c",)))
    assert box.rows == rows


@pytest.mark.parametrize("name", ["nobody", "Curator", "", "x" * 5000, "a\x00b", "\ud800"])
async def test_a_role_that_is_not_there_is_not_found(box: Sandbox, name: str) -> None:
    await make(box)
    roles, rbac, host = box.revenge.roles, box.revenge.rbac, Actor.host()
    for attempt in (
        roles.change(host, name, RoleChanges()),
        roles.replace_permissions(host, name, ()),
        roles.delete(host, name),
        rbac.get(host, name),
        rbac.holders(host, name),
    ):
        with pytest.raises(RoleNotFound):
            await attempt


# What is built in


async def test_platform_2_5_the_role_admin_is_never_changed(box: Sandbox) -> None:
    roles, host, rows = box.revenge.roles, Actor.host(), box.rows
    for attempt in (
        roles.change(host, "admin", RoleChanges(description="x")),
        roles.replace_permissions(host, "admin", ("*:*", "movies:list")),
        roles.add_policy(host, "role:admin", "movies:list"),
        roles.remove_policy(host, "admin", "*:*"),
        roles.delete(host, "admin"),
    ):
        with pytest.raises(RoleBuiltIn):
            await attempt
    assert box.rows == rows


@pytest.mark.parametrize("name", ["guest", "moderator", "user"])
async def test_platform_2_5_built_in_roles_are_changed_but_never_emptied_or_deleted(box: Sandbox, name: str) -> None:
    roles, host = box.revenge.roles, Actor.host()
    await roles.replace_permissions(host, name, ("movies:list",))
    for attempt in (
        roles.delete(host, name),
        roles.replace_permissions(host, name, ()),
        roles.remove_policy(host, name, "movies:list"),
    ):
        with pytest.raises(RoleBuiltIn):
            await attempt
    assert (await box.revenge.rbac.get(host, name)).role.permissions == {"movies:list"}


# Deleting


async def test_a_role_that_nobody_has_is_deleted_with_invitations_that_are_over(box: Sandbox) -> None:
    await make(box, "curator", "movies:list")
    for over in ({"used": 1}, {"revoked_at": NOW}, {"expires_at": box.clock.now()}):
        invitation = an_invitation(role="curator", **over)
        box.rows.invitations[invitation.id] = invitation
    await box.revenge.roles.delete(Actor.host(), "curator")
    assert "curator" not in box.rows.roles
    assert not box.rows.invitations
    assert told(box) == {
        "description": FieldChange(before="Looks after films"),
        "parents": FieldChange(before=""),
        "permissions": FieldChange(before="movies:list"),
    }


@pytest.mark.parametrize("use", ["account", "deleted account", "group", "heir", "invitation"])
async def test_a_role_in_use_is_not_deleted(box: Sandbox, use: str) -> None:
    await make(box, "curator")
    ada = await register(box)
    if "account" in use:
        grant = a_grant(ada.id, "curator")
        box.rows.grants[ada.id, "curator", grant.source] = grant
    if use == "deleted account":
        await box.revenge.administration.delete(Actor.host(), ada.id)
    if use == "group":
        group = Group(
            id=GroupId(an_id()), name="g", name_key="g", roles=frozenset({"curator"}), created_at=NOW, updated_at=NOW
        )
        box.rows.groups[group.id] = group
    if use == "heir":
        await make(box, "heir", parents=("curator",))
    if use == "invitation":
        invitation = an_invitation(role="curator", expires_at=box.clock.now().replace(year=2100))
        box.rows.invitations[invitation.id] = invitation
    with pytest.raises(RoleInUse, match=r"1\)"):
        await box.revenge.roles.delete(Actor.host(), "curator")
    assert "curator" in box.rows.roles


# Looking


async def test_what_may_be_looked_at_takes_the_right_to(box: Sandbox) -> None:
    rbac, member = box.revenge.rbac, await act(box, await join(box))
    for attempt in (rbac.list(member), rbac.get(member, "user"), rbac.policies(member), rbac.permissions(member)):
        with pytest.raises(Forbidden):
            await attempt
    with pytest.raises(Forbidden, match="users:list"):
        await rbac.holders(replace(member, permissions=frozenset({Permission.ROLES_GET})), "user")
    with pytest.raises(Forbidden, match="roles:get"):
        await rbac.holders(replace(member, permissions=frozenset({Permission.USERS_LIST})), "user")


async def test_platform_2_4_permissions_that_are_listed_are_those_that_there_are(box: Sandbox) -> None:
    listed = await box.revenge.rbac.permissions(Actor.host())
    assert frozenset(listed) == ALL_PERMISSIONS
    assert list(listed) == sorted(listed)


async def test_policies_say_where_they_come_from(box: Sandbox) -> None:
    await make(box, "curator", "movies:list")
    await box.revenge.roles.add_policy(Actor.host(), "guest", "jobs:list")
    found = {(one.role, one.permission): one.source for one in await box.revenge.rbac.policies(Actor.host())}
    assert found["admin", "*:*"] is found["guest", "movies:get"] is GrantSource.BUILT_IN
    assert found["curator", "movies:list"] is found["guest", "jobs:list"] is GrantSource.MANUAL
    assert list(found) == sorted(found)
