"""Groups: who may make and fill them, and what being in one means."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.actor import Actor
from revenge_core.errors import Forbidden, Invalid, ReauthRequired, Unauthenticated, VersionMismatch
from revenge_core.feed import Change
from revenge_core.ids import GroupId, UserId
from revenge_core.permissions import ALL_PERMISSIONS, Permission
from revenge_core.rbac.entities import GrantSource, Group, GroupChanges, NewGroup
from revenge_core.rbac.errors import (
    GroupInvalid,
    GroupNameTaken,
    GroupNotFound,
    LastAdmin,
    MemberNotFound,
    OwnAdmin,
    RoleTooPowerful,
)
from revenge_core.testing.builders import a_membership
from revenge_core.users.errors import UserNotFound
from tests.core.admins import admin, helper, told
from tests.core.people import PASSWORD, act, entries, join, last_entry, new_user, register, sign_in

HOST = Actor.host()
Deed = Callable[[Sandbox, Actor, GroupId, UserId], Awaitable[object]]


async def rename(box: Sandbox, actor: Actor, group_id: GroupId, _: UserId) -> None:
    await box.revenge.groups.change(actor, group_id, GroupChanges(name="Renamed"))


async def strip(box: Sandbox, actor: Actor, group_id: GroupId, _: UserId) -> None:
    await box.revenge.groups.change(actor, group_id, GroupChanges(roles=frozenset()))


async def delete(box: Sandbox, actor: Actor, group_id: GroupId, _: UserId) -> None:
    await box.revenge.groups.delete(actor, group_id)


async def add_member(box: Sandbox, actor: Actor, group_id: GroupId, user_id: UserId) -> None:
    await box.revenge.groups.add_member(actor, group_id, user_id)


async def remove_member(box: Sandbox, actor: Actor, group_id: GroupId, user_id: UserId) -> None:
    await box.revenge.groups.remove_member(actor, group_id, user_id)


DEEDS: dict[str, Deed] = {
    "add_member": add_member,
    "delete": delete,
    "remove_member": remove_member,
    "rename": rename,
    "strip": strip,
}
RIGHTS = {
    "add_member": Permission.GROUPS_UPDATE,
    "delete": Permission.GROUPS_DELETE,
    "remove_member": Permission.GROUPS_UPDATE,
    "rename": Permission.GROUPS_UPDATE,
    "strip": Permission.GROUPS_UPDATE,
}


async def a_filled_group(box: Sandbox, *roles: str) -> tuple[Group, UserId]:
    """A group with a member."""
    ada = await register(box)
    group = await box.revenge.groups.create(HOST, NewGroup(name="Films", roles=frozenset(roles)))
    await box.revenge.groups.add_member(HOST, group.id, ada.id)
    return group, ada.id


async def test_whoever_is_in_a_group_may_do_what_it_carries_until_they_are_not(box: Sandbox) -> None:
    signed_in = await join(box)
    group = await box.revenge.groups.create(HOST, NewGroup(name="Films", roles=frozenset({"moderator"})))
    assert Permission.LIBRARIES_SCAN not in (await act(box, signed_in)).permissions
    await box.revenge.groups.add_member(HOST, group.id, signed_in.user.id)
    actor = await act(box, signed_in)
    assert actor.roles == {"user", "moderator"}
    assert Permission.LIBRARIES_SCAN in actor.permissions
    await box.revenge.groups.remove_member(HOST, group.id, signed_in.user.id)
    assert (await act(box, signed_in)).roles == {"user"}


@pytest.mark.parametrize("name", ["", " Films", "Films ", "Fi\nlms", "Fi\u200blms", "x" * 65, "\ud800"])
async def test_a_name_that_nobody_can_tell_apart_is_refused(box: Sandbox, name: str) -> None:
    with pytest.raises(GroupInvalid) as refused:
        await box.revenge.groups.create(HOST, NewGroup(name=name))
    assert [one.pointer for one in refused.value.problems] == ["/name"]


async def test_all_that_is_wrong_with_a_group_is_named_at_once(box: Sandbox) -> None:
    new = NewGroup(name="", description="x" * 257, roles=frozenset({"user", "nothing", "like-it"}))
    with pytest.raises(GroupInvalid) as refused:
        await box.revenge.groups.create(HOST, new)
    assert [one.pointer for one in refused.value.problems] == ["/name", "/description", "/roles"]
    assert "like-it, nothing" in refused.value.problems[-1].detail
    many = frozenset(f"role-{number}" for number in range(101))
    with pytest.raises(GroupInvalid, match="not valid"):
        await box.revenge.groups.create(HOST, NewGroup(name="Films", description="a\tb", roles=many))
    assert not box.rows.groups


@pytest.mark.asvs("2.2.1")
@pytest.mark.parametrize("name", ["films", "FILMS", "\uff26ilms"])
async def test_no_two_groups_have_names_that_compare_alike(box: Sandbox, name: str) -> None:
    await box.revenge.groups.create(HOST, NewGroup(name="Films"))
    music = await box.revenge.groups.create(HOST, NewGroup(name="Music"))
    with pytest.raises(GroupNameTaken):
        await box.revenge.groups.create(HOST, NewGroup(name=name))
    with pytest.raises(GroupNameTaken):
        await box.revenge.groups.change(HOST, music.id, GroupChanges(name=name))


async def test_what_is_not_said_of_a_change_stays_and_nothing_new_is_no_change(box: Sandbox) -> None:
    group = await box.revenge.groups.create(
        HOST, NewGroup(name="Films", description="Cinema", roles=frozenset({"guest"}))
    )
    box.clock.advance(minutes=5)
    before = len(box.rows.activity)
    assert await box.revenge.groups.change(HOST, group.id, GroupChanges(name="Films")) == group
    assert len(box.rows.activity) == before
    after = await box.revenge.groups.change(HOST, group.id, GroupChanges(roles=frozenset({"user"})), version=0)
    expected = replace(group, roles=frozenset({"user"}), version=1, updated_at=box.clock.now())
    assert after == expected == await box.revenge.groups.get(HOST, group.id)
    described = await box.revenge.groups.change(HOST, group.id, GroupChanges(name="Film", description=""))
    assert (described.name_key, described.description, described.version) == ("film", "", 2)


async def test_whoever_looked_at_another_version_changes_nothing(box: Sandbox) -> None:
    group, _ = await a_filled_group(box, "guest")
    with pytest.raises(VersionMismatch):
        await box.revenge.groups.change(HOST, group.id, GroupChanges(name="Other"), version=1)
    with pytest.raises(VersionMismatch):
        await box.revenge.groups.delete(HOST, group.id, version=1)
    await box.revenge.groups.delete(HOST, group.id, version=0)
    assert not box.rows.groups
    assert not box.rows.members


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize("deed", DEEDS)
async def test_what_is_done_to_a_group_takes_the_right_to(box: Sandbox, deed: str) -> None:
    group, ada = await a_filled_group(box)
    with pytest.raises(Unauthenticated):
        await DEEDS[deed](box, Actor.anonymous(), group.id, ada)
    actor = await helper(box)
    with pytest.raises(Forbidden, match=RIGHTS[deed]):
        await DEEDS[deed](box, actor, group.id, ada)
    await DEEDS[deed](box, replace(actor, permissions=actor.permissions | {RIGHTS[deed]}), group.id, ada)


@pytest.mark.asvs("8.2.1")
async def test_looking_at_groups_and_making_them_takes_the_right_to(box: Sandbox) -> None:
    group, _ = await a_filled_group(box)
    actor = await helper(box)
    with pytest.raises(Forbidden, match="groups:list"):
        await box.revenge.groups.list(actor)
    for looking in (box.revenge.groups.get, box.revenge.groups.members):
        with pytest.raises(Forbidden, match="groups:get"):
            await looking(actor, group.id)
    with pytest.raises(Forbidden, match="groups:create"):
        await box.revenge.groups.create(actor, NewGroup(name="Music"))


@pytest.mark.asvs("8.3.1")
@pytest.mark.parametrize("deed", DEEDS)
async def test_nobody_touches_a_group_that_carries_what_they_may_not(box: Sandbox, deed: str) -> None:
    await admin(box)
    group, ada = await a_filled_group(box, "moderator")
    actor = await helper(box, RIGHTS[deed], Permission.ROLES_ASSIGN)
    before = box.rows
    with pytest.raises(RoleTooPowerful):
        await DEEDS[deed](box, actor, group.id, ada)
    assert box.rows == before


@pytest.mark.parametrize("deed", DEEDS)
async def test_to_hand_out_roles_through_a_group_takes_the_right_to_hand_out_roles(box: Sandbox, deed: str) -> None:
    group, ada = await a_filled_group(box, "guest")
    actor = await helper(box, RIGHTS[deed])
    with pytest.raises(Forbidden, match="roles:assign"):
        await DEEDS[deed](box, actor, group.id, ada)
    entitled = replace(actor, permissions=actor.permissions | {Permission.ROLES_ASSIGN})
    await DEEDS[deed](box, entitled, group.id, ada)


@pytest.mark.asvs("8.3.1")
async def test_nobody_lets_a_group_carry_what_they_may_not(box: Sandbox) -> None:
    group, _ = await a_filled_group(box, "guest")
    actor = await helper(box, Permission.GROUPS_UPDATE, Permission.GROUPS_CREATE, Permission.ROLES_ASSIGN)
    with pytest.raises(RoleTooPowerful):
        await box.revenge.groups.change(actor, group.id, GroupChanges(roles=frozenset({"guest", "moderator"})))
    with pytest.raises(RoleTooPowerful):
        await box.revenge.groups.create(actor, NewGroup(name="Bosses", roles=frozenset({"admin"})))
    made = await box.revenge.groups.create(actor, NewGroup(name="Guests", roles=frozenset({"guest", "user"})))
    assert made.roles == {"guest", "user"}


@pytest.mark.asvs("8.3.1")
@pytest.mark.parametrize("deed", ["add_member", "remove_member"])
async def test_nobody_moves_whoever_may_do_more_than_they(box: Sandbox, deed: str) -> None:
    group, _ = await a_filled_group(box)
    boss = await box.revenge.accounts.create_admin(HOST, new_user("boss"), PASSWORD)
    await box.revenge.groups.add_member(HOST, group.id, boss.id)
    actor = await helper(box, Permission.GROUPS_UPDATE)
    with pytest.raises(RoleTooPowerful):
        await DEEDS[deed](box, actor, group.id, boss.id)


@pytest.mark.asvs("7.5.1")
@pytest.mark.parametrize("roles", [(), ("guest",)])
@pytest.mark.parametrize("deed", DEEDS)
async def test_what_is_done_to_groups_takes_a_recent_proof(box: Sandbox, deed: str, roles: tuple[str, ...]) -> None:
    group, ada = await a_filled_group(box, *roles)
    await admin(box)
    signed_in = await sign_in(box, "root")
    box.clock.advance(minutes=11)
    actor = await act(box, signed_in)
    with pytest.raises(ReauthRequired):
        await DEEDS[deed](box, actor, group.id, ada)
    with pytest.raises(ReauthRequired):
        await box.revenge.groups.create(actor, NewGroup(name="Music", roles=frozenset(roles)))


@pytest.mark.parametrize("deed", DEEDS)
async def test_nothing_is_done_to_a_group_that_there_is_not(box: Sandbox, deed: str) -> None:
    ada = await register(box)
    with pytest.raises(GroupNotFound):
        await DEEDS[deed](box, HOST, GroupId(box.ids.new()), ada.id)


@pytest.mark.parametrize("deed", ["add_member", "remove_member"])
async def test_nobody_is_moved_who_is_not_there(box: Sandbox, deed: str) -> None:
    group, ada = await a_filled_group(box)
    with pytest.raises(UserNotFound):
        await DEEDS[deed](box, HOST, group.id, UserId(box.ids.new()))
    await box.revenge.administration.delete(HOST, ada)
    with pytest.raises(UserNotFound):
        await DEEDS[deed](box, HOST, group.id, ada)


async def test_whoever_is_in_no_group_cannot_be_taken_out_of_it(box: Sandbox) -> None:
    group, ada = await a_filled_group(box)
    await box.revenge.groups.remove_member(HOST, group.id, ada)
    with pytest.raises(MemberNotFound):
        await box.revenge.groups.remove_member(HOST, group.id, ada)


async def test_an_administrator_takes_somebody_out_whoever_put_them_there(box: Sandbox) -> None:
    group, ada = await a_filled_group(box, "guest")
    for source in (GrantSource.OIDC, GrantSource.DECLARATIVE):
        box.rows.members[group.id, ada, source] = a_membership(group.id, ada, source=source)
    page = await box.revenge.groups.members(HOST, group.id)
    assert [one.source for one in page.members[0].memberships] == ["declarative", "manual", "oidc"]
    await box.revenge.groups.remove_member(HOST, group.id, ada)
    assert (await box.revenge.groups.members(HOST, group.id)).total == 0


async def test_pages_have_bounds(box: Sandbox) -> None:
    group, ada = await a_filled_group(box)
    assert (await box.revenge.groups.list(HOST, limit=1)).groups == (group,)
    assert (await box.revenge.groups.list(HOST, offset=1)).groups == ()
    assert [one.user_id for one in (await box.revenge.groups.members(HOST, group.id, limit=1)).members] == [ada]
    for limit, offset in ((0, 0), (201, 0), (1, -1), (1, 1_000_001)):
        with pytest.raises(Invalid):
            await box.revenge.groups.list(HOST, limit=limit, offset=offset)
        with pytest.raises(Invalid):
            await box.revenge.groups.members(HOST, group.id, limit=limit, offset=offset)
    with pytest.raises(GroupNotFound):
        await box.revenge.groups.members(HOST, GroupId(box.ids.new()))


@pytest.mark.asvs("16.3.2")
async def test_every_deed_is_told_with_what_it_changed(box: Sandbox) -> None:
    root, ada = await admin(box), await register(box)
    group = await box.revenge.groups.create(root, NewGroup(name="Films", roles=frozenset({"user", "guest"})))
    resource = Resource(type="group", id=group.id, key="Films")
    assert told(box) == {"name": FieldChange(after="Films"), "roles": FieldChange(after="guest, user")} | {
        "description": FieldChange(after="")
    }
    await box.revenge.groups.add_member(root, group.id, ada.id)
    assert told(box) == {"member": FieldChange(after=str(ada.id)), "source": FieldChange(after="manual")}
    await box.revenge.groups.add_member(root, group.id, ada.id)
    await box.revenge.groups.remove_member(root, group.id, ada.id)
    assert told(box) == {"member": FieldChange(before=str(ada.id))}
    await box.revenge.groups.change(root, group.id, GroupChanges(description="Cinema", roles=frozenset({"user"})))
    assert told(box) == {
        "description": FieldChange(before="", after="Cinema"),
        "roles": FieldChange(before="guest, user", after="user"),
    }
    await box.revenge.groups.delete(root, group.id)
    assert told(box)["name"] == FieldChange(before="Films")
    actions = [
        Action.GROUP_CREATE,
        Action.GROUP_MEMBER_ADD,
        Action.GROUP_MEMBER_REMOVE,
        Action.GROUP_UPDATE,
        Action.GROUP_DELETE,
    ]
    for action in actions:
        (entry,) = entries(box, action)
        assert (entry.resource_type, entry.resource_id, entry.resource_key) == ("group", resource.id, resource.key)
        assert entry.actor_id == root.user_id
    assert last_entry(box).action is Action.GROUP_DELETE


async def test_everybody_hears_of_whom_and_what_it_concerns(box: Sandbox) -> None:
    group, ada = await a_filled_group(box, "guest")
    assert box.changes[-1] == Change.of_user(ada)
    await box.revenge.groups.change(HOST, group.id, GroupChanges(roles=frozenset()))
    assert box.changes[-1] == Change.of_group(group.id)
    await box.revenge.groups.remove_member(HOST, group.id, ada)
    assert box.changes[-1] == Change.of_user(ada)
    await box.revenge.groups.delete(HOST, group.id)
    assert box.changes[-1] == Change.of_group(group.id)


async def the_only_admin_through_a_group(box: Sandbox) -> tuple[Group, UserId]:
    group = await box.revenge.groups.create(HOST, NewGroup(name="Bosses", roles=frozenset({"admin"})))
    ada = await register(box)
    await box.revenge.groups.add_member(HOST, group.id, ada.id)
    return group, ada.id


@pytest.mark.parametrize("deed", ["delete", "remove_member", "strip"])
async def test_the_last_admin_stays_one_whatever_is_done_to_their_group(box: Sandbox, deed: str) -> None:
    group, ada = await the_only_admin_through_a_group(box)
    before = box.rows
    with pytest.raises(LastAdmin):
        await DEEDS[deed](box, HOST, group.id, ada)
    assert box.rows == before
    await box.revenge.accounts.create_admin(HOST, new_user("root"), PASSWORD)
    await DEEDS[deed](box, HOST, group.id, ada)


async def test_the_last_admin_cannot_leave_the_server_either(box: Sandbox) -> None:
    _, ada = await the_only_admin_through_a_group(box)
    with pytest.raises(LastAdmin):
        await box.revenge.administration.disable(HOST, ada)
    until = box.clock.now() + timedelta(minutes=1)
    own = replace(await helper(box), user_id=ada, permissions=ALL_PERMISSIONS, proven_until=until)
    with pytest.raises(LastAdmin):
        await box.revenge.accounts.delete_me(own)


async def test_a_group_whose_members_are_admins_anyway_may_go(box: Sandbox) -> None:
    group = await box.revenge.groups.create(HOST, NewGroup(name="Bosses", roles=frozenset({"admin"})))
    root = await admin(box)
    assert root.user_id is not None
    await box.revenge.groups.add_member(root, group.id, root.user_id)
    await box.revenge.groups.remove_member(root, group.id, root.user_id)
    await box.revenge.groups.delete(root, group.id)
    assert not box.rows.groups


async def test_where_nobody_administers_yet_groups_come_and_go(box: Sandbox) -> None:
    group, ada = await a_filled_group(box, "guest")
    await box.revenge.groups.remove_member(HOST, group.id, ada)
    await box.revenge.groups.delete(HOST, group.id)


@pytest.mark.parametrize("deed", ["delete", "remove_member", "strip"])
async def test_nobody_takes_admin_from_themselves(box: Sandbox, deed: str) -> None:
    group, ada = await the_only_admin_through_a_group(box)
    await box.revenge.accounts.create_admin(HOST, new_user("root"), PASSWORD)
    own = await act(box, await sign_in(box, "ada"))
    with pytest.raises(OwnAdmin):
        await DEEDS[deed](box, own, group.id, ada)


async def test_whoever_looked_at_an_account_before_it_came_into_a_group_saw_another_version(box: Sandbox) -> None:
    ada = await register(box)
    group = await box.revenge.groups.create(HOST, NewGroup(name="Films", roles=frozenset({"guest"})))
    await box.revenge.groups.add_member(HOST, group.id, ada.id)
    assert box.rows.users[ada.id].version == ada.version + 1
    with pytest.raises(VersionMismatch):
        await box.revenge.administration.disable(HOST, ada.id, version=ada.version)
    await box.revenge.groups.remove_member(HOST, group.id, ada.id)
    assert box.rows.users[ada.id].version == ada.version + 2
