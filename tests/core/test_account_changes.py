"""Changing other people's accounts."""

from typing import Any

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_core.accounts.entities import AccountChanges
from revenge_core.accounts.errors import AccountInvalid
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import Actor
from revenge_core.errors import Forbidden, ReauthRequired
from revenge_core.feed import Change
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import GrantSource
from revenge_core.rbac.errors import LastAdmin, OwnAdmin, RoleTooPowerful
from revenge_core.users.entities import AddressRules, Listed, User, UserChanges
from revenge_core.users.errors import EmailTaken, TokenInvalid, UsernameTaken
from tests.core.admins import admin, helper, put_into_group, roles_of, user_of
from tests.core.people import OTHER_PASSWORD, PASSWORD, act, entries, join, new_user, register, sign_in
from tests.core.post import link, mailed


async def change(box: Sandbox, user: User, actor: Actor | None = None, **changes: object) -> Listed:
    wanted = replace(AccountChanges(), **changes)
    return await box.revenge.administration.change(actor or Actor.host(), user.id, wanted)


async def test_what_is_left_out_stays_and_the_rest_is_as_asked_for(box: Sandbox) -> None:
    root, ada = await admin(box), await register(box)
    box.clock.advance(seconds=9)
    listed = await change(
        box, ada, root, username="Ada2", display_name="Ada L.", timezone="Europe/Zurich", qar_enabled=True
    )
    after = user_of(box, ada)
    assert listed == Listed(user=after, roles=frozenset({"user"}))
    assert (after.username, after.username_key, after.display_name) == ("Ada2", "ada2", "Ada L.")
    assert (after.timezone, after.qar_enabled, after.locale, after.email) == ("Europe/Zurich", True, "en-US", ada.email)
    assert (after.version, after.updated_at, after.epoch) == (1, box.clock.now(), 0)
    (entry,) = entries(box, Action.USER_UPDATE)
    assert (entry.actor_id, entry.resource_id) == (root.user_id, ada.id)
    assert entry.changes == {
        "username": FieldChange(before="ada", after="Ada2"),
        "display_name": FieldChange(before=None, after="Ada L."),
        "timezone": FieldChange(before="UTC", after="Europe/Zurich"),
        "qar_enabled": FieldChange(before=False, after=True),
    }
    assert box.changes[-1] == Change.of_user(ada.id)
    assert (await change(box, ada, display_name="")).user.display_name is None


async def test_what_is_so_already_changes_nothing(box: Sandbox) -> None:
    ada = await register(box)
    before = box.rows
    roles = frozenset({"user"})
    await change(box, ada, username="ada", email=ada.email, email_verified=False, display_name="", roles=roles)
    await change(box, ada)
    assert box.rows == before


async def test_all_that_is_wrong_is_named(box: Sandbox) -> None:
    ada = await register(box)
    wrong: dict[str, Any] = {"username": "a", "email": "x", "display_name": "\x00", "timezone": "Mars", "locale": "?"}
    with pytest.raises(AccountInvalid) as refused:
        await change(box, ada, None, **wrong)
    assert [problem.pointer for problem in refused.value.problems] == [f"/{name}" for name in wrong]
    with pytest.raises(AccountInvalid) as refused:
        await change(box, ada, roles=frozenset({"boss"}))
    assert [problem.pointer for problem in refused.value.problems] == ["/roles"]


async def test_names_of_others_cannot_be_taken(box: Sandbox) -> None:
    ada, grace = await register(box), await register(box, "grace")
    with pytest.raises(UsernameTaken):
        await change(box, ada, username="GRACE")
    with pytest.raises(EmailTaken):
        await change(box, ada, email=grace.email)
    assert user_of(box, ada) == ada


# Addresses


async def test_another_address_takes_effect_at_once_unverified_and_both_are_told(box: Sandbox) -> None:
    ada = await register(box)
    await box.revenge.addresses.verify(await link(box, ada.email))
    await mailed(box, ada.email)
    listed = await change(box, ada, email="Ada@elsewhere.example")
    assert (listed.user.email, listed.user.email_key) == ("Ada@elsewhere.example", "ada@elsewhere.example")
    assert not listed.user.email_verified
    (entry,) = entries(box, Action.USER_EMAIL_CHANGE)
    assert entry.changes == {"email": FieldChange(before=ada.email, after="Ada@elsewhere.example")}
    assert len(await mailed(box, ada.email)) == 1
    assert len(await mailed(box, "Ada@elsewhere.example")) == 1


async def test_who_administers_may_vouch_for_an_address(box: Sandbox) -> None:
    ada = await register(box)
    assert (await change(box, ada, email="ada@elsewhere.example", email_verified=True)).user.email_verified
    assert not (await change(box, ada, email_verified=False)).user.email_verified


async def test_defect_14_links_to_the_address_before_are_void(box: Sandbox) -> None:
    ada = await register(box)
    verify = await link(box, ada.email)
    await box.revenge.recovery.forgot(ada.email)
    reset = await link(box, ada.email)
    await change(box, ada, email="ada@elsewhere.example")
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(verify)
    with pytest.raises(TokenInvalid):
        await box.revenge.recovery.reset(reset, OTHER_PASSWORD)


async def test_an_address_that_waited_for_its_owner_waits_no_more(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    await box.revenge.users.update_me(actor, UserChanges(email="pending@example.org"))
    pending = await link(box, "pending@example.org")
    listed = await change(box, here.user, email="ada@elsewhere.example")
    assert listed.user.pending_email is None
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(pending)


async def test_another_address_takes_a_recent_proof_and_the_same_one_does_not(box: Sandbox) -> None:
    root, ada = await admin(box), await register(box)
    box.clock.advance(minutes=11)
    with pytest.raises(ReauthRequired):
        await change(box, ada, root, email="ada@elsewhere.example")
    await change(box, ada, root, email=ada.email, display_name="Ada")
    assert user_of(box, ada).email == ada.email


# Roles


async def test_roles_are_all_that_the_account_then_has(box: Sandbox) -> None:
    root, ada = await admin(box), await register(box)
    listed = await change(box, ada, root, roles=frozenset({"moderator", "user"}))
    assert listed.roles == roles_of(box, ada) == {"moderator", "user"}
    assert (ada.id, "user", GrantSource.REGISTRATION) in box.rows.grants
    assert box.rows.grants[ada.id, "moderator", GrantSource.MANUAL].granted_by == root.user_id
    (entry,) = entries(box, Action.USER_ROLES_CHANGE)
    assert entry.changes == {"roles": FieldChange(before="user", after="moderator, user")}
    assert (entry.actor_id, entry.resource_id) == (root.user_id, ada.id)
    assert (await change(box, ada, root, roles=frozenset[str]())).roles == roles_of(box, ada) == set()


async def test_roles_work_at_once(box: Sandbox) -> None:
    root, here = await admin(box), await join(box)
    await change(box, here.user, root, roles=frozenset({"admin"}))
    assert (await act(box, here)).may(Permission.USERS_DELETE)
    await change(box, here.user, root, roles=frozenset({"user"}))
    assert not (await act(box, here)).may(Permission.USERS_DELETE)


async def test_nobody_gives_or_takes_rights_that_they_lack(box: Sandbox) -> None:
    ada = await register(box)
    updater = await helper(box, Permission.USERS_UPDATE, name="updater")
    with pytest.raises(Forbidden, match="roles:assign"):
        await change(box, ada, updater, roles=frozenset({"guest", "user"}))
    await change(box, ada, updater, roles=frozenset({"user"}))  # no change of roles
    giver = await helper(box, Permission.USERS_UPDATE, Permission.ROLES_ASSIGN, name="giver")
    for role in ("admin", "moderator"):
        with pytest.raises(RoleTooPowerful):
            await change(box, ada, giver, roles=frozenset({"user", role}))
    await change(box, ada, giver, roles=frozenset({"guest"}))
    assert roles_of(box, ada) == {"guest"}
    with pytest.raises(ReauthRequired):
        await change(box, ada, replace(giver, proven_until=None), roles=frozenset({"user"}))


async def test_the_last_admin_stays_one_and_only_that_is_refused(box: Sandbox) -> None:
    root = await admin(box)
    user = box.rows.users[root.user_id] if root.user_id else None
    assert user is not None
    before = box.rows
    with pytest.raises(LastAdmin):
        await change(box, user, root, roles=frozenset({"user"}))
    assert box.rows == before
    await change(box, user, root, roles=frozenset({"admin", "user"}), display_name="Root")
    await admin(box, "other")
    await change(box, user, roles=frozenset({"user"}))
    assert not (await act(box, await sign_in(box, "root"))).may(Permission.USERS_LIST)


@pytest.mark.parametrize("wish", [{"email": "typo@example.org"}, {"email_verified": False}], ids=["email", "verified"])
async def test_the_last_admin_keeps_an_address_that_lets_them_in(wish: dict[str, Any]) -> None:
    box = sandbox(address_rules=AddressRules(must_verify=True))
    made = [await box.revenge.accounts.create_admin(Actor.host(), new_user(name), PASSWORD) for name in ("a-a", "b-b")]
    one, other = [(await change(box, user, email_verified=True)).user for user in made]
    await change(box, other, **wish)
    await box.revenge.administration.disable(Actor.host(), other.id)
    before = box.rows
    with pytest.raises(LastAdmin):
        await change(box, one, **wish)
    assert box.rows == before
    await change(box, one, email="proven@example.org", email_verified=True)
    await sign_in(box, "a-a")


# Roles that come from a group


async def test_what_a_group_carries_is_not_granted_besides(box: Sandbox) -> None:
    ada = await register(box)
    put_into_group(box, ada, "guest")
    changes = AccountChanges(roles=frozenset({"guest", "moderator", "user"}))
    changed = await box.revenge.administration.change(Actor.host(), ada.id, changes)
    assert changed.roles == {"guest", "moderator", "user"}
    assert roles_of(box, ada) == {"moderator", "user"}


async def test_what_a_group_carries_is_not_taken_away_from_one_of_its_members(box: Sandbox) -> None:
    ada = await register(box)
    put_into_group(box, ada, "guest", "user")
    before = box.rows
    for left in (frozenset({"user"}), frozenset({"guest"}), frozenset[str]()):
        with pytest.raises(AccountInvalid) as refused:
            await box.revenge.administration.change(Actor.host(), ada.id, AccountChanges(roles=left))
        assert [problem.pointer for problem in refused.value.problems] == ["/roles"]
    assert box.rows == before


async def test_platform_2_5_nobody_takes_the_role_admin_from_themselves(box: Sandbox) -> None:
    root = await admin(box)
    await admin(box, "other")
    assert root.user_id is not None
    with pytest.raises(OwnAdmin):
        await box.revenge.administration.change(root, root.user_id, AccountChanges(roles=frozenset({"user"})))
    await box.revenge.administration.change(Actor.host(), root.user_id, AccountChanges(roles=frozenset({"user"})))
