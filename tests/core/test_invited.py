"""Registering where not everybody may, and with an invitation."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_core.accounts.entities import AccountChanges, AccountRules, Invited, NewInvitation, Registration
from revenge_core.accounts.errors import AccountInvalid, RegistrationClosed
from revenge_core.activity.entities import Action, FieldChange, Outcome
from revenge_core.actor import Actor
from revenge_core.errors import Unauthenticated
from revenge_core.mail.entities import MailRules
from revenge_core.rbac.entities import GrantSource
from revenge_core.secrets import Secret
from revenge_core.users.entities import Listed, NewUser
from revenge_core.users.errors import EmailTaken, TokenInvalid, UsernameTaken
from tests.core.admins import admin, user_of
from tests.core.people import KITCHEN, PASSWORD, entries, last_entry, new_user, register
from tests.core.post import link, mailed

CLOSED = AccountRules(registration=Registration.CLOSED)
INVITE = AccountRules(registration=Registration.INVITE)


async def invite(box: Sandbox, actor: Actor | None = None, **changes: object) -> Invited:
    return await box.revenge.invitations.create(actor or Actor.host(), replace(NewInvitation(), **changes))


async def accept(box: Sandbox, invited: Invited, name: str = "ada") -> Listed:
    return await box.revenge.accounts.register(new_user(name), PASSWORD, KITCHEN, invitation=invited.token)


@pytest.mark.parametrize("rules", [CLOSED, INVITE], ids=["closed", "invite"])
async def test_defect_40_registration_can_be_closed(rules: AccountRules) -> None:
    box = sandbox(account_rules=rules)
    with pytest.raises(RegistrationClosed):
        await register(box)
    assert box.rows.users == {}


@pytest.mark.parametrize("registration", Registration)
async def test_an_invitation_lets_in_whatever_else_holds(registration: Registration) -> None:
    box = sandbox(account_rules=AccountRules(registration=registration))
    made = await accept(box, await invite(box, role="moderator"))
    assert made.roles == {"moderator"}
    (grant,) = box.rows.grants.values()
    assert (grant.role, grant.source, grant.granted_by) == ("moderator", GrantSource.INVITATION, None)


async def test_whoever_invited_is_noted_with_the_role_and_the_use(box: Sandbox) -> None:
    root = await admin(box)
    invited = await invite(box, root)
    made = await accept(box, invited)
    grant = box.rows.grants[made.user.id, "user", GrantSource.INVITATION]
    assert grant.granted_by == root.user_id
    assert box.rows.invitations[invited.invitation.id].used == 1
    entry = last_entry(box)
    assert (entry.action, entry.outcome, entry.resource_id) == (Action.USER_REGISTER, Outcome.SUCCESS, made.user.id)
    assert entry.changes["role"] == FieldChange(after="user")
    assert entry.changes["invitation"] == FieldChange(after=str(invited.invitation.id))


async def test_a_new_account_is_asked_to_verify_its_address(box: Sandbox) -> None:
    user = await register(box)
    await box.revenge.addresses.verify(await link(box, user.email))
    assert user_of(box, user).email_verified


async def test_where_no_mail_is_sent_nobody_is_asked_to_wait_for_one() -> None:
    box = sandbox(mail_rules=MailRules(is_on=False))
    user = await register(box)
    assert box.rows.one_time_tokens == {}
    assert await mailed(box, user.email) == []


async def test_an_invitation_that_was_mailed_to_an_address_verifies_it(box: Sandbox) -> None:
    await invite(box, email="Ada@example.org")
    token = await link(box, "Ada@example.org")
    made = await box.revenge.accounts.register(new_user(), PASSWORD, invitation=token)
    assert made.user.email_verified
    assert await mailed(box, "ada@example.org") == []


async def test_an_invitation_to_an_address_is_for_no_other(box: Sandbox) -> None:
    invited = await invite(box, email="ada@example.org")
    other = NewUser(username="a", email="eve@example.org")
    with pytest.raises(AccountInvalid) as refused:
        await box.revenge.accounts.register(other, Secret("short"), invitation=invited.token)
    assert [problem.pointer for problem in refused.value.problems] == ["/email", "/username", "/password"]
    assert box.rows.users == {}
    await accept(box, invited)


async def test_a_refused_registration_uses_nothing_of_the_invitation(box: Sandbox) -> None:
    await register(box, "taken")
    invited = await invite(box)
    for new, password, error in (
        (new_user("taken"), PASSWORD, UsernameTaken),
        (NewUser(username="ada", email="taken@example.org"), PASSWORD, EmailTaken),
        (new_user("a"), PASSWORD, AccountInvalid),
        (new_user("ada"), Secret("password"), AccountInvalid),
    ):
        with pytest.raises(error):
            await box.revenge.accounts.register(new, password, invitation=invited.token)
        assert box.rows.invitations[invited.invitation.id].used == 0
    await accept(box, invited)


@pytest.mark.parametrize("fate", ["disabled", "deleted", "demoted", "revoked"])
async def test_an_invitation_that_is_lost_while_the_password_is_hashed_lets_nobody_in(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, fate: str
) -> None:
    root, other = await admin(box), await admin(box, "other")
    invited, administration, maker = await invite(box, other, role="admin"), box.revenge.administration, other.user_id
    assert maker is not None
    hashing = box.hasher.hash

    async def hashed(password: Secret, *, known: bool = False) -> Secret:
        match fate:
            case "disabled":
                await administration.disable(root, maker)
            case "deleted":
                await administration.delete(root, maker)
            case "demoted":
                await administration.change(root, maker, AccountChanges(roles=frozenset({"user"})))
            case _:
                await box.revenge.invitations.revoke(root, invited.invitation.id)
        return await hashing(password, known=known)

    monkeypatch.setattr(box.hasher, "hash", hashed)
    with pytest.raises(TokenInvalid):
        await accept(box, invited)
    assert {holder for holder, role, _ in box.rows.grants if role == "admin"} <= {root.user_id, maker}


async def test_whoever_was_deleted_meanwhile_invites_nobody(box: Sandbox) -> None:
    root, other = await admin(box), await admin(box, "other")
    assert other.user_id is not None
    await box.revenge.administration.delete(root, other.user_id)
    with pytest.raises(Unauthenticated):
        await invite(box, other)
    assert box.rows.invitations == {}


async def test_as_many_get_in_at_once_as_the_invitation_has_uses(box: Sandbox) -> None:
    invited = await invite(box, uses=3)
    outcomes = await asyncio.gather(
        *(accept(box, invited, f"user-{number}") for number in range(50)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Listed) for outcome in outcomes) == 3
    assert sum(isinstance(outcome, TokenInvalid) for outcome in outcomes) == 47
    assert len(box.rows.users) == 3


async def test_a_token_that_lets_nobody_in_is_refused_also_where_everybody_may_register(box: Sandbox) -> None:
    invited = await invite(box)
    for token in (Secret("nonsense"), Secret(""), Secret("\ud800")):
        with pytest.raises(TokenInvalid):
            await box.revenge.accounts.register(new_user(), PASSWORD, KITCHEN, invitation=token)
    (*_, entry) = entries(box, Action.USER_REGISTER, Outcome.FAILURE)
    assert (entry.reason, entry.address) == ("invitation not valid", KITCHEN.address)
    await accept(box, invited)
    with pytest.raises(TokenInvalid):
        await accept(box, invited, "berta")


async def test_an_invitation_is_good_until_just_before_it_expires(box: Sandbox) -> None:
    invited = await invite(box, uses=2)
    box.clock.advance(seconds=(timedelta(days=7) - timedelta(seconds=1)).total_seconds())
    await accept(box, invited)
    box.clock.advance(seconds=1)
    with pytest.raises(TokenInvalid):
        await accept(box, invited, "berta")


async def test_looking_tells_what_it_is_for_and_uses_nothing(box: Sandbox) -> None:
    invited = await invite(box)
    for _ in range(2):
        assert await box.revenge.invitations.look(invited.token) == invited.invitation
    with pytest.raises(TokenInvalid):
        await box.revenge.invitations.look(Secret("nonsense"))
