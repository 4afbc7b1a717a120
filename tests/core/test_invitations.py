"""Making invitations, and taking them back."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_core.accounts.entities import AccountChanges, NewInvitation
from revenge_core.accounts.errors import InvitationInvalid, InvitationNotFound
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import Actor
from revenge_core.errors import Forbidden, Invalid, ReauthRequired, Unauthenticated
from revenge_core.ids import InvitationId
from revenge_core.mail.entities import MailRules
from revenge_core.permissions import Permission
from revenge_core.rbac.errors import RoleTooPowerful
from revenge_core.users.entities import NewUser
from revenge_core.users.errors import TokenInvalid
from tests.core.admins import admin, helper
from tests.core.people import PASSWORD, act, entries, join, last_entry
from tests.core.post import mailed

PLAIN = NewInvitation()


async def test_an_invitation_is_what_was_asked_for_and_its_token_is_kept_as_a_digest(box: Sandbox) -> None:
    root = await admin(box)
    expires_at = box.clock.now() + timedelta(days=2)
    new = NewInvitation(role="moderator", libraries=("films",), uses=4, expires_at=expires_at, note="the neighbours")
    invited = await box.revenge.invitations.create(root, new)
    kept = box.rows.invitations[invited.invitation.id]
    assert (kept.role, kept.libraries, kept.uses, kept.used) == ("moderator", ("films",), 4, 0)
    assert (kept.created_by, kept.expires_at, kept.note) == (root.user_id, expires_at, "the neighbours")
    assert invited.token.reveal() not in repr(box.rows)
    assert invited.link.reveal() == f"http://localhost:8096/account/invitation#token={invited.token.reveal()}"
    entry = last_entry(box)
    assert (entry.action, entry.actor_id, entry.resource_id) == (Action.INVITATION_CREATE, root.user_id, kept.id)
    assert entry.changes["role"] == FieldChange(after="moderator")
    assert invited.token.reveal() not in repr(entry)


async def test_it_is_mailed_where_an_address_is_given(box: Sandbox) -> None:
    root = await admin(box)
    invited = await box.revenge.invitations.create(root, replace(PLAIN, email="ada@example.org"))
    (message,) = await mailed(box, "ada@example.org")
    assert invited.link.reveal() in message.email.text.reveal()
    assert "root" in message.email.text.reveal()


async def test_without_mail_the_link_is_for_whoever_invites_to_hand_over() -> None:
    box = sandbox(mail_rules=MailRules(is_on=False))
    invited = await box.revenge.invitations.create(Actor.host(), replace(PLAIN, email="ada@example.org"))
    assert await box.revenge.invitations.look(invited.token) == invited.invitation
    assert await mailed(box, "ada@example.org") == []
    ada = NewUser(username="ada", email="ada@example.org")
    made = await box.revenge.accounts.register(ada, PASSWORD, invitation=invited.token)
    assert not made.user.email_verified, "nobody has shown that they read mail there"


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"role": "no-such-role"}, ["/role"]),
        ({"role": ""}, ["/role"]),
        ({"uses": 0}, ["/uses"]),
        ({"uses": 1001}, ["/uses"]),
        ({"uses": 2, "email": "ada@example.org"}, ["/uses"]),
        ({"email": "nowhere"}, ["/email"]),
        ({"email": "ada@-.example"}, ["/email"]),
        ({"note": "x" * 501}, ["/note"]),
        ({"note": "a\x00b"}, ["/note"]),
        ({"libraries": ("",)}, ["/libraries/0"]),
        ({"libraries": ("ok", "x" * 65, "a\nb")}, ["/libraries/1", "/libraries/2"]),
        ({"libraries": ("a",) * 101}, ["/libraries"]),
        ({"uses": 0, "email": "x", "role": "x"}, ["/uses", "/email", "/role"]),
    ],
    ids=repr,
)
async def test_all_that_is_wrong_with_an_invitation_is_named(
    box: Sandbox, changes: dict[str, object], pointers: list[str]
) -> None:
    with pytest.raises(InvitationInvalid) as refused:
        await box.revenge.invitations.create(Actor.host(), replace(PLAIN, **changes))
    assert [problem.pointer for problem in refused.value.problems] == pointers
    assert box.rows.invitations == {}


@pytest.mark.parametrize("days", [-1, 0, 367])
async def test_an_invitation_ends_within_a_year_and_not_before_it_begins(box: Sandbox, days: int) -> None:
    new = replace(PLAIN, expires_at=box.clock.now() + timedelta(days=days))
    with pytest.raises(InvitationInvalid) as refused:
        await box.revenge.invitations.create(Actor.host(), new)
    assert [problem.pointer for problem in refused.value.problems] == ["/expires_at"]


async def test_inviting_takes_the_right_to(box: Sandbox) -> None:
    with pytest.raises(Unauthenticated):
        await box.revenge.invitations.create(Actor.anonymous(), PLAIN)
    with pytest.raises(Forbidden, match="invitations:create"):
        await box.revenge.invitations.create(await act(box, await join(box)), PLAIN)


async def test_inviting_to_more_than_membership_takes_rights_of_ones_own_and_a_recent_proof(box: Sandbox) -> None:
    create = box.revenge.invitations.create
    inviter = await helper(box, Permission.INVITATIONS_CREATE)
    await create(inviter, PLAIN)
    with pytest.raises(Forbidden, match="roles:assign"):
        await create(inviter, replace(PLAIN, role="guest"))
    giver = await helper(box, Permission.INVITATIONS_CREATE, Permission.ROLES_ASSIGN, name="giver")
    await create(giver, replace(PLAIN, role="guest"))
    for role in ("moderator", "admin"):
        with pytest.raises(RoleTooPowerful):
            await create(giver, replace(PLAIN, role=role))
    with pytest.raises(ReauthRequired):
        await create(replace(giver, proven_until=None), replace(PLAIN, role="guest"))
    await create(replace(giver, proven_until=None), PLAIN)


async def test_a_revoked_invitation_lets_nobody_in(box: Sandbox) -> None:
    root = await admin(box)
    invited = await box.revenge.invitations.create(root, PLAIN)
    await box.revenge.invitations.revoke(root, invited.invitation.id)
    with pytest.raises(TokenInvalid):
        await box.revenge.invitations.look(invited.token)
    (entry,) = entries(box, Action.INVITATION_REVOKE)
    assert (entry.actor_id, entry.resource_id) == (root.user_id, invited.invitation.id)
    with pytest.raises(InvitationNotFound):
        await box.revenge.invitations.revoke(root, invited.invitation.id)
    with pytest.raises(InvitationNotFound):
        await box.revenge.invitations.revoke(root, InvitationId(box.ids.new()))
    assert (await box.revenge.invitations.get(root, invited.invitation.id)).revoked_at == box.clock.now()


async def test_invitations_are_listed_the_newest_first(box: Sandbox) -> None:
    made = [(await box.revenge.invitations.create(Actor.host(), PLAIN)).invitation for _ in range(3)]
    found, total = await box.revenge.invitations.list(Actor.host(), limit=2, offset=1)
    assert (list(found), total) == ([made[1], made[0]], 3)
    with pytest.raises(InvitationNotFound):
        await box.revenge.invitations.get(Actor.host(), InvitationId(box.ids.new()))


@pytest.mark.parametrize("where", [{"limit": 0}, {"limit": 201}, {"offset": -1}, {"offset": 1_000_001}], ids=repr)
async def test_a_list_has_its_limits(box: Sandbox, where: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        await box.revenge.invitations.list(Actor.host(), **where)


async def test_looking_after_invitations_takes_the_rights_to(box: Sandbox) -> None:
    member = await act(box, await join(box))
    invitation = (await box.revenge.invitations.create(Actor.host(), PLAIN)).invitation
    with pytest.raises(Forbidden):
        await box.revenge.invitations.list(member)
    with pytest.raises(Forbidden):
        await box.revenge.invitations.get(member, invitation.id)
    with pytest.raises(Forbidden):
        await box.revenge.invitations.revoke(member, invitation.id)


@pytest.mark.parametrize("fate", ["disabled", "deleted", "demoted", "purged"])
async def test_an_invitation_is_as_good_as_who_made_it(box: Sandbox, fate: str) -> None:
    root, other = await admin(box), await admin(box, "other")
    assert other.user_id is not None
    invited = await box.revenge.invitations.create(other, replace(PLAIN, role="admin"))
    administration = box.revenge.administration
    if fate == "disabled":
        await administration.disable(root, other.user_id)
    elif fate == "demoted":
        await administration.change(root, other.user_id, AccountChanges(roles=frozenset({"user"})))
    else:
        await administration.delete(root, other.user_id)
    if fate == "purged":
        box.clock.advance(seconds=timedelta(days=31).total_seconds())
        await box.jobs.run()
    with pytest.raises(TokenInvalid):
        await box.revenge.invitations.look(invited.token)


async def test_whoever_comes_back_has_none_of_the_invitations_from_before(box: Sandbox) -> None:
    root, other = await admin(box), await admin(box, "other")
    assert other.user_id is not None
    invited = await box.revenge.invitations.create(other, PLAIN)
    await box.revenge.administration.delete(root, other.user_id)
    await box.revenge.administration.restore(root, other.user_id)
    with pytest.raises(TokenInvalid):
        await box.revenge.invitations.look(invited.token)


async def test_an_invitation_that_lets_nobody_in_is_forgotten_a_month_later(box: Sandbox) -> None:
    await box.revenge.invitations.create(Actor.host(), PLAIN)
    box.clock.advance(seconds=timedelta(days=37).total_seconds())
    await box.jobs.run()
    assert len(box.rows.invitations) == 1
    box.clock.advance(seconds=timedelta(hours=2).total_seconds())
    await box.jobs.run()
    assert box.rows.invitations == {}


async def test_a_role_that_is_deleted_meanwhile_is_not_invited_to(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def names() -> frozenset[str]:
        return frozenset({"ghost"})

    monkeypatch.setattr(box.revenge.rbac, "names", names)
    with pytest.raises(InvitationInvalid) as refused:
        await box.revenge.invitations.create(Actor.host(), NewInvitation(role="ghost"))
    assert [problem.pointer for problem in refused.value.problems] == ["/role"]
    assert not box.rows.invitations
