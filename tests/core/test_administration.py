"""Looking after other people's accounts."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_core.accounts.entities import NewAccount
from revenge_core.accounts.errors import AccountInvalid, AccountNotDeleted
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import Actor
from revenge_core.auth.errors import CredentialsInvalid
from revenge_core.errors import Forbidden, Invalid, ReauthRequired
from revenge_core.feed import Change
from revenge_core.ids import UserId
from revenge_core.mail.entities import MailRules
from revenge_core.mail.errors import MailOff
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import GrantSource
from revenge_core.rbac.errors import RoleTooPowerful
from revenge_core.secrets import Secret
from revenge_core.sessions.errors import RefreshTokenInvalid, SessionEnded
from revenge_core.users.entities import Listed, UserFilter
from revenge_core.users.errors import EmailTaken, TokenInvalid, UsernameTaken, UserNotFound
from tests.core.admins import ACTS, admin, helper, told, user_of
from tests.core.people import (
    OTHER_PASSWORD,
    act,
    entries,
    is_signed_in,
    join,
    register,
    sign_in,
)
from tests.core.post import link, mailed, token_in

NEW = NewAccount(username="grace", email="grace@example.org")

# Looking


async def test_accounts_are_listed_as_asked_for(box: Sandbox) -> None:
    root = await admin(box)
    ada = await register(box, "ada")
    grace = await register(box, "grace")
    page = await box.revenge.administration.list(root, UserFilter(query="  ADA "))
    assert ([one.user.id for one in page.users], page.total) == ([ada.id], 1)
    page = await box.revenge.administration.list(root, UserFilter(query=" "), limit=1, offset=0)
    assert ([one.user.id for one in page.users], page.total) == ([grace.id], 3)


@pytest.mark.parametrize("where", [{"limit": 0}, {"limit": 201}, {"offset": -1}, {"offset": 10**30}], ids=repr)
async def test_a_list_has_its_limits(box: Sandbox, where: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        await box.revenge.administration.list(Actor.host(), UserFilter(), **where)


async def test_what_is_looked_for_is_not_endless(box: Sandbox) -> None:
    with pytest.raises(Invalid) as refused:
        await box.revenge.administration.list(Actor.host(), UserFilter(query="x" * 201))
    assert [problem.pointer for problem in refused.value.problems] == ["/query"]


async def test_one_account_is_seen_living_or_deleted(box: Sandbox) -> None:
    user = await register(box)
    listed = await box.revenge.administration.get(Actor.host(), user.id)
    assert listed == Listed(user=user, roles=frozenset({"user"}))
    await box.revenge.administration.delete(Actor.host(), user.id)
    assert (await box.revenge.administration.get(Actor.host(), user.id)).user.deleted_at == box.clock.now()
    with pytest.raises(UserNotFound):
        await box.revenge.administration.get(Actor.host(), UserId(box.ids.new()))


async def test_an_account_is_found_by_what_people_call_it(box: Sandbox) -> None:
    user = await register(box)
    for name in (str(user.id), "ADA", "Ada@Example.org"):
        assert await box.revenge.administration.find(Actor.host(), name) == user.id
    for name in ("nobody", "", str(box.ids.new())):
        with pytest.raises(UserNotFound):
            await box.revenge.administration.find(Actor.host(), name)


async def test_looking_takes_the_right_to(box: Sandbox) -> None:
    member = await act(box, await join(box))
    administration = box.revenge.administration
    for look in (
        administration.list(member, UserFilter()),
        administration.find(member, "ada"),
        administration.get(member, UserId(box.ids.new())),
    ):
        with pytest.raises(Forbidden):
            await look


# Making


async def test_whoever_gets_an_account_chooses_the_password_by_mail(box: Sandbox) -> None:
    root = await admin(box)
    created = await box.revenge.administration.create(root, replace(NEW, display_name="Grace"))
    user = created.account.user
    assert (created.link, user.email_verified) == (None, False)
    assert created.account.roles == {"user"}
    assert user.display_name == "Grace"
    with pytest.raises(CredentialsInvalid):
        await sign_in(box, "grace")
    (message,) = await mailed(box, "grace@example.org")
    assert message.email.subject.startswith("You have an account on"), "nobody asked for another password"
    assert "/account/forgot" in message.email.text.reveal(), "what to do when the link is too old"
    await box.revenge.recovery.reset(token_in(message), OTHER_PASSWORD)
    await box.revenge.auth.login("grace", OTHER_PASSWORD)


async def test_without_mail_the_answer_holds_the_link() -> None:
    box = sandbox(mail_rules=MailRules(is_on=False))
    created = await box.revenge.administration.create(Actor.host(), NEW)
    assert created.link is not None
    page, _, token = created.link.reveal().partition("#token=")
    assert page.endswith("/account/reset")
    await box.revenge.recovery.reset(Secret(token), OTHER_PASSWORD)
    await box.revenge.auth.login("grace", OTHER_PASSWORD)


async def test_whoever_was_made_can_ask_for_a_password_again(box: Sandbox) -> None:
    await box.revenge.administration.create(Actor.host(), NEW)
    await mailed(box, NEW.email)
    box.clock.advance(hours=2)
    await box.revenge.recovery.forgot(NEW.email)
    await box.revenge.recovery.reset(await link(box, NEW.email), OTHER_PASSWORD)
    await box.revenge.auth.login("grace", OTHER_PASSWORD)


async def test_making_is_audited_and_roles_are_given_by_hand(box: Sandbox) -> None:
    root = await admin(box)
    roles = frozenset({"moderator", "user"})
    created = await box.revenge.administration.create(root, replace(NEW, roles=roles, email_verified=True))
    user = created.account.user
    assert user.email_verified
    grants = [grant for (holder, _, _), grant in box.rows.grants.items() if holder == user.id]
    assert {(grant.role, grant.source, grant.granted_by) for grant in grants} == {
        ("moderator", GrantSource.MANUAL, root.user_id),
        ("user", GrantSource.MANUAL, root.user_id),
    }
    (entry,) = entries(box, Action.USER_CREATE)[1:]
    assert (entry.actor_id, entry.resource_id, entry.resource_key) == (root.user_id, user.id, "grace")
    assert entry.changes["roles"] == FieldChange(after="moderator, user")


async def test_all_that_is_wrong_with_an_account_is_named(box: Sandbox) -> None:
    new = NewAccount(username="g", email="x", display_name="\x00", roles=frozenset({"user", "boss", "chef"}))
    with pytest.raises(AccountInvalid) as refused:
        await box.revenge.administration.create(Actor.host(), new)
    assert [problem.pointer for problem in refused.value.problems] == ["/username", "/email", "/display_name", "/roles"]
    assert "boss, chef" in refused.value.problems[-1].detail
    assert box.rows.users == {}


async def test_names_of_others_cannot_be_given(box: Sandbox) -> None:
    await register(box, "grace")
    with pytest.raises(UsernameTaken):
        await box.revenge.administration.create(Actor.host(), NEW)
    with pytest.raises(EmailTaken):
        await box.revenge.administration.create(Actor.host(), replace(NEW, username="hopper"))


@pytest.mark.asvs("8.3.1")
async def test_nobody_gives_rights_that_they_lack(box: Sandbox) -> None:
    create = box.revenge.administration.create
    with pytest.raises(Forbidden, match="users:create"):
        await create(await act(box, await join(box)), NEW)
    maker = await helper(box, Permission.USERS_CREATE, name="maker")
    with pytest.raises(Forbidden, match="roles:assign"):
        await create(maker, replace(NEW, roles=frozenset({"guest"})))
    giver = await helper(box, Permission.USERS_CREATE, Permission.ROLES_ASSIGN, name="giver")
    for role in ("admin", "moderator"):
        with pytest.raises(RoleTooPowerful):
            await create(giver, replace(NEW, roles=frozenset({"user", role})))
    with pytest.raises(ReauthRequired):
        await create(replace(giver, proven_until=None), replace(NEW, roles=frozenset({"guest"})))
    await create(maker, NEW)


# Keeping out


async def test_whoever_is_disabled_is_out_at_once_and_cannot_come_back(box: Sandbox) -> None:
    root, here = await admin(box), await join(box)
    there = await sign_in(box)
    actor = await act(box, here)
    await box.revenge.administration.disable(root, here.user.id)
    assert not await is_signed_in(box, here)
    assert not await is_signed_in(box, there)
    with pytest.raises(SessionEnded):
        await act(box, here)
    with pytest.raises(RefreshTokenInvalid):
        await box.revenge.auth.refresh(there.tokens.refresh_token)
    with pytest.raises(CredentialsInvalid):
        await sign_in(box)
    user = user_of(box, here.user)
    assert (user.is_active, user.epoch, user.version) == (False, 1, 1)
    assert Change.of_user(user.id) in box.changes
    assert Change.of_session(here.session.id) in box.changes
    assert actor.user_id == user.id


async def test_defect_20_an_administrators_deeds_name_the_administrator_and_are_done_to_the_victim(
    box: Sandbox,
) -> None:
    root, ada = await admin(box), await register(box)
    administration = box.revenge.administration
    for deed, action in (
        (administration.disable, Action.USER_DISABLE),
        (administration.enable, Action.USER_ENABLE),
        (administration.delete, Action.USER_DELETE),
        (administration.restore, Action.USER_RESTORE),
        (administration.send_reset, Action.USER_PASSWORD_RESET_REQUEST),
    ):
        await deed(root, ada.id)
        (entry,) = entries(box, action)
        assert (entry.actor_id, entry.resource_type, entry.resource_id) == (root.user_id, "user", ada.id)
        assert entry.resource_key == "ada"
    (ended, _) = entries(box, Action.SESSION_REVOKE_ALL)
    assert (ended.actor_id, ended.resource_id, ended.on_behalf_of) == (root.user_id, ada.id, ada.id)


async def test_disabling_tells_what_changed_and_twice_is_once(box: Sandbox) -> None:
    root, ada = await admin(box), await register(box)
    await box.revenge.administration.disable(root, ada.id)
    assert told(box) == {"is_active": FieldChange(before=True, after=False)}
    before = box.rows
    await box.revenge.administration.disable(root, ada.id)
    assert box.rows == before
    await box.revenge.administration.enable(root, ada.id)
    assert told(box) == {"is_active": FieldChange(before=False, after=True)}
    before = box.rows
    await box.revenge.administration.enable(root, ada.id)
    assert box.rows == before


async def test_whoever_is_enabled_signs_in_anew(box: Sandbox) -> None:
    root, here = await admin(box), await join(box)
    await box.revenge.administration.disable(root, here.user.id)
    await box.revenge.administration.enable(root, here.user.id)
    with pytest.raises(RefreshTokenInvalid):
        await box.revenge.auth.refresh(here.tokens.refresh_token)
    await sign_in(box)


@pytest.mark.parametrize("deed", ["disable", "delete"])
async def test_links_that_are_on_their_way_let_nobody_in_any_more(box: Sandbox, deed: str) -> None:
    root, ada = await admin(box), await register(box)
    await mailed(box, ada.email)
    await box.revenge.recovery.forgot(ada.email)
    reset = await link(box, ada.email)
    await ACTS[deed](box, root, ada.id)
    await ACTS["enable" if deed == "disable" else "restore"](box, root, ada.id)
    with pytest.raises(TokenInvalid):
        await box.revenge.recovery.reset(reset, OTHER_PASSWORD)


# Deleting


async def test_whoever_is_deleted_is_out_and_not_free_to_return(box: Sandbox) -> None:
    root, here = await admin(box), await join(box)
    await mailed(box, here.user.email)
    await box.revenge.administration.delete(root, here.user.id)
    user = user_of(box, here.user)
    assert (user.deleted_at, user.purge_at) == (box.clock.now(), box.clock.now() + timedelta(days=30))
    assert not user.may_return
    with pytest.raises(SessionEnded):
        await act(box, here)
    with pytest.raises(CredentialsInvalid):
        await sign_in(box)
    (message,) = await mailed(box, here.user.email)
    assert f"{user.purge_at:%Y-%m-%d}" in message.email.text.reveal()


async def test_a_deleted_account_holds_its_names(box: Sandbox) -> None:
    ada = await register(box)
    await box.revenge.administration.delete(Actor.host(), ada.id)
    with pytest.raises(UsernameTaken):
        await register(box)


async def test_a_deleted_account_comes_back_without_its_sessions(box: Sandbox) -> None:
    root, here = await admin(box), await join(box)
    await box.revenge.administration.delete(root, here.user.id)
    await mailed(box, here.user.email)
    listed = await box.revenge.administration.restore(root, here.user.id)
    assert (listed.user.deleted_at, listed.user.purge_at) == (None, None)
    assert listed.roles == {"user"}
    assert listed.user == user_of(box, here.user)
    with pytest.raises(RefreshTokenInvalid):
        await box.revenge.auth.refresh(here.tokens.refresh_token)
    await sign_in(box)
    assert len(await mailed(box, here.user.email)) >= 1


async def test_only_what_was_deleted_can_be_restored_and_only_what_lives_deleted(box: Sandbox) -> None:
    root, ada = await admin(box), await register(box)
    with pytest.raises(AccountNotDeleted):
        await box.revenge.administration.restore(root, ada.id)
    await box.revenge.administration.delete(root, ada.id)
    for deed in ("delete", "disable", "enable", "change", "send_reset", "revoke_sessions"):
        with pytest.raises(UserNotFound):
            await ACTS[deed](box, root, ada.id)


async def test_nobody_escapes_by_leaving_first(box: Sandbox) -> None:
    root, gone = await admin(box), await act(box, await join(box))
    assert gone.user_id is not None
    left = await box.revenge.accounts.delete_me(gone)
    box.changes.clear()
    await box.revenge.administration.delete(root, gone.user_id)
    kept_out = user_of(box, left)
    assert (kept_out.deleted_at, kept_out.purge_at, kept_out.may_return) == (left.deleted_at, left.purge_at, False)
    assert kept_out.version == left.version + 1
    assert told(box) == {"may_return": FieldChange(before=True, after=False)}
    assert Change.of_user(left.id) in box.changes
    with pytest.raises(CredentialsInvalid):
        await sign_in(box)
    with pytest.raises(UserNotFound):
        await box.revenge.administration.delete(root, gone.user_id)
    assert not (await box.revenge.administration.restore(root, gone.user_id)).user.may_return


async def test_whoever_left_and_may_do_more_is_kept_out_by_an_equal_alone(box: Sandbox) -> None:
    await admin(box)
    boss = await admin(box, "boss")
    left = await box.revenge.accounts.delete_me(boss)
    with pytest.raises(RoleTooPowerful):
        await box.revenge.administration.delete(await helper(box, Permission.USERS_DELETE), left.id)


# Helping


async def test_a_link_for_a_new_password_goes_to_the_owner_alone(box: Sandbox) -> None:
    root, ada = await admin(box), await register(box)
    await mailed(box, ada.email)
    await box.revenge.administration.send_reset(root, ada.id)
    (message,) = await mailed(box, ada.email)
    await box.revenge.recovery.reset(token_in(message), OTHER_PASSWORD)
    await box.revenge.auth.login("ada", OTHER_PASSWORD)


async def test_without_mail_there_is_no_link_to_send() -> None:
    box = sandbox(mail_rules=MailRules(is_on=False))
    ada = await register(box)
    with pytest.raises(MailOff):
        await box.revenge.administration.send_reset(Actor.host(), ada.id)


async def test_sessions_are_ended_and_counted(box: Sandbox) -> None:
    root, here = await admin(box), await join(box)
    await sign_in(box)
    assert await box.revenge.administration.revoke_sessions(root, here.user.id) == 2
    with pytest.raises(SessionEnded):
        await act(box, here)
    assert await box.revenge.administration.revoke_sessions(root, here.user.id) == 0
    await sign_in(box)
