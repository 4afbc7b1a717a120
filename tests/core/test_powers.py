"""Who may do what to whom."""

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_adapters.memory.rbac import MemoryRoleReader
from revenge_core.accounts.entities import AccountChanges, NewAccount, NewInvitation
from revenge_core.accounts.errors import OwnAccount
from revenge_core.actor import Actor
from revenge_core.apikeys.entities import KeyScope, NewKey
from revenge_core.errors import Forbidden, ReauthRequired, Unauthenticated, VersionMismatch
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import NewRole, PermissionIndex
from revenge_core.rbac.errors import RoleTooPowerful
from revenge_core.users.errors import TokenInvalid, UserNotFound
from tests.core.admins import ACTS, MEMBER_RIGHTS, RIGHTS, admin, helper, roles_of, user_of
from tests.core.people import PASSWORD, act, join, last_entry, new_user, register


async def at_version(box: Sandbox, deed: str, user_id: UserId, version: int) -> None:
    """Do it if the account is at this version."""
    administration = box.revenge.administration
    if deed == "change":
        await administration.change(Actor.host(), user_id, AccountChanges(display_name="x"), version=version)
        return
    if deed == "restore":
        await administration.restore(Actor.host(), user_id, version=version)
        return
    act = {"delete": administration.delete, "disable": administration.disable, "enable": administration.enable}
    await act[deed](Actor.host(), user_id, version=version)


@pytest.mark.parametrize("deed", ACTS)
async def test_what_is_done_to_somebody_takes_the_right_to(box: Sandbox, deed: str) -> None:
    ada = await register(box)
    if deed == "restore":
        await box.revenge.administration.delete(Actor.host(), ada.id)
    with pytest.raises(Unauthenticated):
        await ACTS[deed](box, Actor.anonymous(), ada.id)
    actor = await helper(box)
    with pytest.raises(Forbidden, match=RIGHTS[deed]):
        await ACTS[deed](box, actor, ada.id)
    await ACTS[deed](box, replace(actor, permissions=actor.permissions | {RIGHTS[deed]}), ada.id)


@pytest.mark.parametrize("deed", ACTS)
async def test_nobody_acts_on_whoever_may_do_more(box: Sandbox, deed: str) -> None:
    await admin(box)
    boss = await box.revenge.accounts.create_admin(Actor.host(), new_user("boss"), PASSWORD)
    if deed == "restore":
        await box.revenge.administration.delete(Actor.host(), boss.id)
    actor = await helper(box, RIGHTS[deed])
    before = box.rows
    with pytest.raises(RoleTooPowerful):
        await ACTS[deed](box, actor, boss.id)
    assert box.rows == before


@pytest.mark.parametrize("deed", ACTS)
async def test_nothing_is_done_to_whom_there_is_not(box: Sandbox, deed: str) -> None:
    with pytest.raises(UserNotFound):
        await ACTS[deed](box, Actor.host(), UserId(box.ids.new()))


@pytest.mark.parametrize("deed", ["disable", "delete"])
async def test_nobody_locks_themselves_out_by_mistake(box: Sandbox, deed: str) -> None:
    root = await admin(box)
    await admin(box, "other")
    assert root.user_id is not None
    with pytest.raises(OwnAccount):
        await ACTS[deed](box, root, root.user_id)


@pytest.mark.asvs("7.5.3")
@pytest.mark.parametrize("deed", ["delete", "restore"])
async def test_what_is_hard_to_undo_takes_a_recent_proof(box: Sandbox, deed: str) -> None:
    root, ada = await admin(box), await register(box)
    if deed == "restore":
        await box.revenge.administration.delete(root, ada.id)
    box.clock.advance(minutes=11)
    with pytest.raises(ReauthRequired):
        await ACTS[deed](box, root, ada.id)


@pytest.mark.parametrize("deed", ["change", "delete", "disable", "enable", "restore"])
async def test_what_changed_meanwhile_is_left_alone(box: Sandbox, deed: str) -> None:
    ada = await register(box)
    await box.revenge.administration.change(Actor.host(), ada.id, AccountChanges(display_name="Ada"))
    if deed == "restore":
        await box.revenge.administration.delete(Actor.host(), ada.id)
    before, present = box.rows, user_of(box, ada).version
    for version in (present - 1, present + 1, -1):
        with pytest.raises(VersionMismatch):
            await at_version(box, deed, ada.id, version)
    assert box.rows == before
    await at_version(box, deed, ada.id, present)


async def test_everything_is_audited_as_the_hosts_where_the_shell_does_it(box: Sandbox) -> None:
    ada = await register(box)
    await box.revenge.administration.disable(Actor.host(), ada.id)
    assert (last_entry(box).actor_kind, last_entry(box).actor_id) == ("host", None)
    assert roles_of(box, ada) == {"user"}


# A role that another server made stronger a moment ago


async def is_made_stronger_elsewhere(box: Sandbox, monkeypatch: pytest.MonkeyPatch, *permissions: str) -> None:
    """From now on `guest` carries these, and this process has not heard of it."""
    before = await box.revenge.rbac.index()

    async def index(_: MemoryRoleReader) -> PermissionIndex:
        return before

    monkeypatch.setattr(MemoryRoleReader, "index", index)
    guest = box.rows.roles["guest"]
    box.rows.roles["guest"] = replace(guest, permissions=guest.permissions | frozenset(permissions))


@pytest.mark.asvs("8.3.2")
@pytest.mark.parametrize("deed", ACTS)
async def test_nobody_acts_on_whoever_may_do_more_since_a_moment_ago(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    ada = await register(box)
    await box.revenge.grants.assign(Actor.host(), ada.id, "guest")
    if deed == "restore":
        await box.revenge.administration.delete(Actor.host(), ada.id)
    actor = await helper(box, RIGHTS[deed])
    await is_made_stronger_elsewhere(box, monkeypatch, "settings:write")
    with pytest.raises(RoleTooPowerful):
        await ACTS[deed](box, actor, ada.id)


@pytest.mark.asvs("8.3.2")
async def test_nobody_hands_out_what_a_role_carries_since_a_moment_ago(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    rights = (Permission.ROLES_ASSIGN, Permission.INVITATIONS_CREATE, Permission.USERS_CREATE, Permission.USERS_UPDATE)
    actor, ada = await helper(box, *rights), await register(box)
    administration, invited = box.revenge.administration, NewInvitation(role="guest")
    await box.revenge.invitations.create(actor, invited)
    await is_made_stronger_elsewhere(box, monkeypatch, "settings:write")
    with pytest.raises(RoleTooPowerful):
        await box.revenge.invitations.create(actor, invited)
    with pytest.raises(RoleTooPowerful):
        await administration.create(
            actor, NewAccount(username="bob", email="bob@example.org", roles=frozenset({"guest"}))
        )
    with pytest.raises(RoleTooPowerful):
        await administration.change(actor, ada.id, AccountChanges(roles=frozenset({"user", "guest"})))


@pytest.mark.asvs("8.3.2")
async def test_an_invitation_is_as_good_as_its_role_is_at_this_moment(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, maker = await admin(box), await act(box, await join(box))
    assert maker.user_id is not None
    rights = tuple(sorted(MEMBER_RIGHTS | {Permission.ROLES_ASSIGN, Permission.INVITATIONS_CREATE}))
    await box.revenge.roles.create(root, NewRole(name="host", permissions=rights))
    await box.revenge.grants.assign(root, maker.user_id, "host")
    maker = replace(maker, permissions=frozenset(rights))
    made = await box.revenge.invitations.create(maker, NewInvitation(role="guest"))
    await is_made_stronger_elsewhere(box, monkeypatch, "settings:write")
    with pytest.raises(TokenInvalid):
        await box.revenge.accounts.register(new_user("eve"), PASSWORD, invitation=made.token)


@pytest.mark.asvs("8.3.2")
async def test_sessions_and_keys_of_whoever_may_do_more_since_a_moment_ago_stay(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await act(box, await join(box))
    assert ada.user_id is not None
    assert ada.session_id is not None
    await box.revenge.grants.assign(Actor.host(), ada.user_id, "guest")
    key = (await box.revenge.api_keys.create(ada, NewKey(name="x", scopes=frozenset({KeyScope.READ})))).key
    actor = await helper(box, Permission.SESSIONS_REVOKE, Permission.APIKEYS_REVOKE)
    await is_made_stronger_elsewhere(box, monkeypatch, "settings:write")
    with pytest.raises(RoleTooPowerful):
        await box.revenge.administration.revoke_session(actor, ada.session_id)
    with pytest.raises(RoleTooPowerful):
        await box.revenge.api_keys.revoke(actor, key.id)
