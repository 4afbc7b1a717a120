"""Giving people roles, and taking them away."""

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import Actor
from revenge_core.errors import Forbidden, ReauthRequired, Unauthenticated
from revenge_core.feed import Change
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import GrantSource, NewRole
from revenge_core.rbac.errors import LastAdmin, OwnAdmin, RoleNotHeld, RoleTooPowerful, RoleUnknown
from revenge_core.rbac.service.powers import Reach
from revenge_core.testing.builders import a_grant, an_id
from revenge_core.users.errors import UserNotFound
from tests.core.admins import admin, helper, put_into_group, roles_of, told, user_of
from tests.core.people import act, join, last_entry, register

HOST = Actor.host()


async def test_a_role_is_given_and_taken_away(box: Sandbox) -> None:
    root, ada = await admin(box), await register(box)
    assert await box.revenge.grants.assign(root, ada.id, "moderator") == {"moderator", "user"}
    grant = box.rows.grants[ada.id, "moderator", GrantSource.MANUAL]
    assert (grant.granted_by, grant.granted_at) == (root.user_id, box.clock.now())
    assert box.changes[-1] == Change.of_user(ada.id)
    assert told(box) == {"role": FieldChange(after="moderator"), "source": FieldChange(after="manual")}
    entry = last_entry(box)
    assert (entry.action, entry.actor_id) == (Action.USER_ROLE_ASSIGN, root.user_id)  # the original forgot who
    assert (entry.resource_id, entry.resource_key) == (ada.id, "ada")
    await box.revenge.grants.withdraw(root, ada.id, "moderator")
    assert roles_of(box, ada) == {"user"}
    assert told(box) == {"role": FieldChange(before="moderator"), "source": FieldChange(before="manual")}
    assert last_entry(box).action is Action.USER_ROLE_WITHDRAW
    assert user_of(box, ada).version == ada.version + 2


async def test_platform_2_5_giving_again_changes_nothing_and_is_not_audited(box: Sandbox) -> None:
    ada = await register(box)
    await box.revenge.grants.assign(HOST, ada.id, "moderator")
    before = box.rows
    assert await box.revenge.grants.assign(HOST, ada.id, "moderator") == {"moderator", "user"}
    assert box.rows == before


@pytest.mark.parametrize("role", ["nobody", "Admin", "", "x" * 5000, "a\x00"])
async def test_platform_2_5_a_role_that_does_not_exist_is_not_given(box: Sandbox, role: str) -> None:
    ada = await register(box)
    with pytest.raises(RoleUnknown) as refused:
        await box.revenge.grants.assign(HOST, ada.id, role)
    assert [problem.pointer for problem in refused.value.problems] == ["/role"]
    with pytest.raises(RoleNotHeld):
        await box.revenge.grants.withdraw(HOST, ada.id, role)


async def test_platform_2_5_nobody_who_does_not_exist_is_given_a_role(box: Sandbox) -> None:
    gone = await register(box)
    await box.revenge.administration.delete(HOST, gone.id)
    for user_id in (UserId(an_id()), gone.id):
        for attempt in (box.revenge.grants.assign, box.revenge.grants.withdraw):
            with pytest.raises(UserNotFound):
                await attempt(HOST, user_id, "user")


async def test_what_was_not_given_is_not_taken(box: Sandbox) -> None:
    ada = await register(box)
    put_into_group(box, ada, "moderator")
    for role in ("guest", "moderator"):
        with pytest.raises(RoleNotHeld):
            await box.revenge.grants.withdraw(HOST, ada.id, role)


async def test_an_administrator_takes_what_any_source_gave(box: Sandbox) -> None:
    ada = await register(box)
    for source in (GrantSource.OIDC, GrantSource.INVITATION):
        box.rows.grants[ada.id, "guest", source] = a_grant(ada.id, "guest", source=source)
    await box.revenge.grants.withdraw(HOST, ada.id, "guest")
    assert roles_of(box, ada) == {"user"}
    assert told(box)["source"] == FieldChange(before="invitation, oidc")


# Who may


@pytest.mark.parametrize("deed", ["assign", "withdraw"])
async def test_giving_and_taking_takes_the_right_and_a_recent_proof(box: Sandbox, deed: str) -> None:
    ada = await register(box)
    attempt = getattr(box.revenge.grants, deed)
    with pytest.raises(Unauthenticated):
        await attempt(Actor.anonymous(), ada.id, "user")
    actor = await helper(box)
    with pytest.raises(Forbidden, match="roles:assign"):
        await attempt(actor, ada.id, "user")
    actor = replace(actor, permissions=actor.permissions | {Permission.ROLES_ASSIGN})
    await attempt(actor, ada.id, "user")
    box.clock.advance(minutes=11)
    with pytest.raises(ReauthRequired):
        await attempt(actor, ada.id, "user")


@pytest.mark.asvs("8.2.2", "8.3.1")
@pytest.mark.parametrize("deed", ["assign", "withdraw"])
async def test_nobody_gives_or_takes_what_they_lack(box: Sandbox, deed: str) -> None:
    ada = await register(box)
    await box.revenge.grants.assign(HOST, ada.id, "moderator")
    actor = await helper(box, Permission.ROLES_ASSIGN)
    before = box.rows
    for role in ("moderator", "user"):  # the second is theirs to give, but not to somebody who may do more
        with pytest.raises(RoleTooPowerful):
            await getattr(box.revenge.grants, deed)(actor, ada.id, role)
    assert box.rows == before


async def test_nobody_helps_themselves_to_more(box: Sandbox) -> None:
    actor = await helper(box, Permission.ROLES_ASSIGN)
    assert actor.user_id is not None
    for role in ("moderator", "admin"):
        with pytest.raises(RoleTooPowerful):
            await box.revenge.grants.assign(actor, actor.user_id, role)
    await box.revenge.grants.assign(actor, actor.user_id, "guest")


# The last admin


async def test_platform_2_5_the_last_admin_stays_one(box: Sandbox) -> None:
    root, ada = await admin(box), await register(box)
    assert root.user_id is not None
    with pytest.raises(LastAdmin):
        await box.revenge.grants.withdraw(HOST, root.user_id, "admin")
    await box.revenge.grants.assign(HOST, ada.id, "admin")
    await box.revenge.grants.withdraw(HOST, root.user_id, "admin")
    with pytest.raises(LastAdmin):
        await box.revenge.grants.withdraw(HOST, ada.id, "admin")


async def test_platform_2_5_nobody_takes_the_server_from_themselves(box: Sandbox) -> None:
    root = await admin(box)
    await admin(box, "other")
    assert root.user_id is not None
    with pytest.raises(OwnAdmin):
        await box.revenge.grants.withdraw(root, root.user_id, "admin")
    put_into_group(box, root.user_id, "admin")
    await box.revenge.grants.withdraw(root, root.user_id, "admin")


async def test_somebody_who_is_admin_in_a_group_counts_as_one(box: Sandbox) -> None:
    root, ada = await admin(box), await register(box)
    put_into_group(box, ada, "admin")
    assert root.user_id is not None
    await box.revenge.grants.withdraw(HOST, root.user_id, "admin")
    assert roles_of(box, user_of(box, ada)) == {"user"}


async def test_an_admin_who_is_kept_out_can_lose_the_role(box: Sandbox) -> None:
    root = await admin(box)
    await admin(box, "other")
    assert root.user_id is not None
    await box.revenge.administration.disable(HOST, root.user_id)
    await box.revenge.grants.withdraw(HOST, root.user_id, "admin")


# Looking


async def test_platform_2_1_roles_are_seen_by_their_holder_and_whoever_may_see_accounts(box: Sandbox) -> None:
    await register(box)
    ada = box.rows.users[next(iter(box.rows.users))]
    group = put_into_group(box, ada, "guest", "moderator")
    eve, helpful = await act(box, await join(box, "eve")), await helper(box, Permission.USERS_GET)
    own = await box.revenge.grants.of(replace(eve, user_id=ada.id), ada.id)
    assert await box.revenge.grants.of(helpful, ada.id) == own
    assert own.username == "ada"
    assert [(way.role, way.source, way.group_name) for way in own.holdings] == [
        ("guest", GrantSource.OIDC, "Club"),
        ("moderator", GrantSource.OIDC, "Club"),
        ("user", GrantSource.REGISTRATION, None),
    ]
    assert own.holdings[0].group_id == group.id
    with pytest.raises(UserNotFound):
        await box.revenge.grants.of(eve, ada.id)
    with pytest.raises(UserNotFound):
        await box.revenge.grants.of(helpful, UserId(an_id()))
    with pytest.raises(Unauthenticated):
        await box.revenge.grants.of(Actor.anonymous(), ada.id)


async def test_whoever_holds_a_role_is_listed_with_how(box: Sandbox) -> None:
    await box.revenge.roles.create(HOST, NewRole(name="curator"))
    people = [await register(box, name) for name in ("carl", "ada", "bea")]
    for user in people[:2]:
        await box.revenge.grants.assign(HOST, user.id, "curator")
    put_into_group(box, people[1], "curator")
    put_into_group(box, people[2], "curator")
    await box.revenge.administration.delete(HOST, people[0].id)
    page = await box.revenge.rbac.holders(HOST, "curator", limit=1)
    assert (page.total, [one.username for one in page.holders]) == (2, ["ada"])
    assert [(way.source, way.group_name) for way in page.holders[0].holdings] == [
        (GrantSource.MANUAL, None),
        (GrantSource.OIDC, "Club"),
    ]
    page = await box.revenge.rbac.holders(HOST, "curator", offset=1)
    assert [one.username for one in page.holders] == ["bea"]
    assert (await box.revenge.rbac.get(HOST, "curator")).user_count == 2


async def test_a_role_that_a_server_does_not_know_yet_may_carry_anything(box: Sandbox) -> None:
    """Whoever has fewer rights than all reaches nobody with a role that is not among those that were read."""
    index, now = await box.revenge.rbac.index(), box.clock.now()
    with pytest.raises(RoleTooPowerful):
        Reach(await helper(box, Permission.ROLES_ASSIGN), index, now).check_exchange(frozenset({"fresh"}))
    Reach(HOST, index, now).check_exchange(frozenset({"fresh"}))
