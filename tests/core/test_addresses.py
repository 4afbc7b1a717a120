"""Addresses: verified by a mail, changed by one, and nobody's until then (decisions I9)."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_core.activity.entities import Action, FieldChange, Outcome
from revenge_core.actor import Actor
from revenge_core.errors import ReauthRequired, Unauthenticated, VersionMismatch
from revenge_core.feed import Change
from revenge_core.mail.entities import MailRules
from revenge_core.mail.errors import MailOff
from revenge_core.secrets import Secret
from revenge_core.users.entities import OneTimeToken, Purpose, User, UserChanges
from revenge_core.users.errors import (
    EmailChangeTooSoon,
    EmailChangeUnavailable,
    EmailTaken,
    EmailVerified,
    TokenInvalid,
    UserInvalid,
)
from tests.core.people import KITCHEN, OTHER_PASSWORD, PASSWORD, act, entries, join, register
from tests.core.post import LINK, link, mailed, token_in

OLD, NEW = "ada@example.org", "ada@example.net"


async def ask(box: Sandbox, user: User) -> Secret:
    """Have the present address verified; the token that was mailed."""
    async with box.revenge.addresses._uow.begin() as tx:
        await box.revenge.addresses.ask(tx, user)
    return await link(box, user.email)


async def somebody(box: Sandbox, name: str = "ada") -> tuple[User, Actor]:
    """Registered and signed in a moment ago; mail about that was read."""
    here = await join(box, name)
    actor = await act(box, here, KITCHEN)
    await mailed(box, here.user.email)
    box.rows.one_time_tokens.clear()
    return here.user, replace(actor, proven_until=box.clock.now() + timedelta(hours=1))


async def ask_change(box: Sandbox, actor: Actor, email: str = NEW) -> Secret:
    """Ask for another address; the token that went there."""
    await box.revenge.users.update_me(actor, UserChanges(email=email))
    await mailed(box, OLD)
    return await link(box, email)


def kept(box: Sandbox, user: User) -> User:
    return box.rows.users[user.id]


async def test_a_link_verifies_the_address_and_welcomes_its_owner(box: Sandbox) -> None:
    user, _ = await somebody(box)
    token = await ask(box, user)
    box.changes.clear()
    verified = await box.revenge.addresses.verify(token, KITCHEN)
    assert verified == kept(box, user)
    assert verified == replace(user, email_verified=True, version=user.version + 1, updated_at=box.clock.now())
    assert box.changes == [Change.of_user(user.id)]
    (entry,) = entries(box, Action.USER_EMAIL_VERIFY)
    assert (entry.actor_id, entry.resource_id, entry.address) == (user.id, user.id, KITCHEN.address)
    (welcome,) = await mailed(box, OLD)
    assert welcome.email.subject == "Welcome to Revenge"


@pytest.mark.asvs("14.2.1")
async def test_a_link_starts_with_the_configured_url_and_hides_its_token_from_servers() -> None:
    box = sandbox(mail_rules=MailRules(public_url="https://films.example.org/tv"))
    user, actor = await somebody(box)
    await ask(box, user)
    for purpose, page in ((Purpose.EMAIL_VERIFY, "verify"), (Purpose.EMAIL_CHANGE, "address")):
        if purpose is Purpose.EMAIL_CHANGE:
            await box.revenge.users.update_me(actor, UserChanges(email=NEW))
        else:
            async with box.revenge.addresses._uow.begin() as tx:
                await box.revenge.addresses.ask(tx, user)
        (message,) = await mailed(box, NEW if purpose is Purpose.EMAIL_CHANGE else OLD)
        found = LINK.search(message.email.text.reveal())
        assert found is not None
        assert (found["url"], found["page"]) == ("https://films.example.org/tv", page)
        assert found["token"] not in message.email.subject
        assert token_in(message).reveal() not in repr(box.rows)


async def test_defect_13_a_link_works_once(box: Sandbox) -> None:
    user, _ = await somebody(box)
    token = await ask(box, user)
    await box.revenge.addresses.verify(token)
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(token)
    (entry,) = entries(box, Action.USER_EMAIL_VERIFY, Outcome.FAILURE)
    assert (entry.actor_id, entry.resource_id) == (None, None)


async def test_an_address_that_is_verified_already_is_welcomed_once(box: Sandbox) -> None:
    user, _ = await somebody(box)
    await box.revenge.addresses.verify(await ask(box, user))
    await mailed(box, OLD)
    await box.revenge.addresses.verify(await ask(box, kept(box, user)))
    assert await mailed(box, OLD) == []


async def test_of_two_links_the_latest_is_good(box: Sandbox) -> None:
    user, _ = await somebody(box)
    first = await ask(box, user)
    second = await ask(box, user)
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(first)
    await box.revenge.addresses.verify(second)


async def test_a_link_expires_and_is_not_even_sent_later(box: Sandbox) -> None:
    user, _ = await somebody(box)
    token = await ask(box, user)
    box.mail.is_away = True
    async with box.revenge.addresses._uow.begin() as tx:
        await box.revenge.addresses.ask(tx, user)
    await box.jobs.run()
    box.clock.advance(hours=24)
    box.mail.is_away = False
    assert await mailed(box, OLD) == []
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(token)


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "\ud800", "\x00", "x" * 100_000])
async def test_what_is_no_token_verifies_nothing(box: Sandbox, token: str) -> None:
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(Secret(token))


@pytest.mark.parametrize(
    "changes", [{"is_active": False}, {"deleted_at": timedelta(0), "purge_at": timedelta(days=1)}], ids=str
)
async def test_who_is_disabled_or_deleted_verifies_nothing(box: Sandbox, changes: dict[str, object]) -> None:
    user, _ = await somebody(box)
    token = await ask(box, user)
    now = box.clock.now()
    at = {name: now + value if isinstance(value, timedelta) else value for name, value in changes.items()}
    box.rows.users[user.id] = replace(user, **at)
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(token)
    assert not kept(box, user).email_verified


async def test_defect_14_another_address_is_pending_until_mail_there_was_answered(box: Sandbox) -> None:
    user, actor = await somebody(box)
    asked = await box.revenge.users.update_me(actor, UserChanges(email=NEW))
    assert asked == replace(user, pending_email=NEW, version=user.version + 1, updated_at=box.clock.now())
    assert kept(box, user) == asked
    (entry,) = entries(box, Action.USER_EMAIL_CHANGE_REQUEST)
    assert entry.changes == {"pending_email": FieldChange(before=None, after=NEW)}
    assert entries(box, Action.USER_UPDATE) == []
    (warning,) = await mailed(box, OLD)
    text = warning.email.text.reveal()
    assert NEW in text
    assert actor.origin.address is not None
    assert actor.origin.address in text
    assert LINK.search(text) is None

    box.clock.advance(minutes=5)
    token, announced = await link(box, NEW), len(box.changes)
    changed = await box.revenge.addresses.verify(token, KITCHEN)
    assert changed == kept(box, user)
    assert (changed.email, changed.email_key, changed.pending_email, changed.email_verified) == (NEW, NEW, None, True)
    assert changed.version == asked.version + 1
    assert box.changes[announced:] == [Change.of_user(user.id)]
    (entry,) = entries(box, Action.USER_EMAIL_CHANGE)
    assert entry.changes == {"email": FieldChange(before=OLD, after=NEW)}


@pytest.mark.asvs("6.3.7")
async def test_both_addresses_are_told_of_a_change(box: Sandbox) -> None:
    _, actor = await somebody(box)
    await box.revenge.addresses.verify(await ask_change(box, actor))
    for address in (OLD, NEW):
        (message,) = await mailed(box, address)
        assert message.email.subject == "The e-mail address of your account on Revenge was changed"
        assert OLD in message.email.text.reveal()
        assert NEW in message.email.text.reveal()


@pytest.mark.asvs("7.5.1")
async def test_defect_16_another_address_needs_a_recent_proof(box: Sandbox) -> None:
    user, actor = await somebody(box)
    box.clock.advance(hours=1)
    with pytest.raises(ReauthRequired):
        await box.revenge.users.update_me(actor, UserChanges(email=NEW, display_name="Ada"))
    assert kept(box, user) == user
    assert box.rows.one_time_tokens == {}
    same = await box.revenge.users.update_me(actor, UserChanges(email=OLD.upper()))
    assert same == user


async def test_defect_14_a_link_to_the_old_address_never_verifies_the_new_one(box: Sandbox) -> None:
    user, actor = await somebody(box)
    old = await ask(box, user)
    new = await ask_change(box, actor)
    await box.revenge.addresses.verify(new)
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(old)
    assert kept(box, user).email == NEW


async def test_defect_14_a_link_is_good_for_the_address_it_was_sent_to_only(box: Sandbox) -> None:
    user, actor = await somebody(box)
    token = await ask(box, user)
    box.rows.users[user.id] = replace(user, email="else@example.org", email_key="else@example.org")
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(token)
    assert not kept(box, user).email_verified
    token = await ask_change(box, actor)
    box.rows.users[user.id] = replace(kept(box, user), pending_email="third@example.org")
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(token)
    assert kept(box, user).email == "else@example.org"


@pytest.mark.asvs("6.6.2")
async def test_a_link_to_the_pending_address_does_not_count_for_an_earlier_question(box: Sandbox) -> None:
    user, actor = await somebody(box)
    first = await ask_change(box, actor)
    box.clock.advance(minutes=1)
    second = await ask_change(box, actor, "third@example.org")
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(first)
    assert (await box.revenge.addresses.verify(second)).email == "third@example.org"
    assert kept(box, user).pending_email is None


async def test_defect_14_links_for_a_new_password_end_with_the_address_they_went_to(box: Sandbox) -> None:
    user, actor = await somebody(box)
    box.rows.one_time_tokens[b"reset"] = reset = OneTimeToken(
        token_hash=b"reset",
        purpose=Purpose.PASSWORD_RESET,
        user_id=user.id,
        email=OLD,
        created_at=box.clock.now(),
        expires_at=box.clock.now() + timedelta(hours=1),
    )
    token = await ask_change(box, actor)
    assert reset in box.rows.one_time_tokens.values()
    await box.revenge.addresses.verify(token)
    assert box.rows.one_time_tokens == {}


async def test_the_present_address_given_again_calls_the_change_off(box: Sandbox) -> None:
    user, actor = await somebody(box)
    token = await ask_change(box, actor)
    assert (await box.revenge.users.update_me(actor, UserChanges(email=OLD))).pending_email is None
    (entry,) = entries(box, Action.USER_UPDATE)
    assert entry.changes == {"pending_email": FieldChange(before=NEW, after=None)}
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(token)
    assert kept(box, user).email == OLD


async def test_another_password_calls_off_a_change_that_a_thief_asked_for(box: Sandbox) -> None:
    user, thief = await somebody(box)
    token = await ask_change(box, thief)
    await box.revenge.auth.change_password(thief, PASSWORD, OTHER_PASSWORD)
    assert (kept(box, user).pending_email, kept(box, user).version) == (None, user.version + 2)
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(token)


async def test_asking_for_the_pending_address_again_changes_nothing(box: Sandbox) -> None:
    user, actor = await somebody(box)
    token = await ask_change(box, actor)
    before = kept(box, user)
    assert await box.revenge.users.update_me(actor, UserChanges(email=NEW.upper())) == before
    assert (await mailed(box, OLD), await mailed(box, NEW)) == ([], [])
    assert (await box.revenge.addresses.verify(token)).email == NEW


async def test_an_address_with_other_changes_is_one_change(box: Sandbox) -> None:
    user, actor = await somebody(box)
    changed = await box.revenge.users.update_me(
        actor, UserChanges(email=NEW, display_name="Ada", locale="de-CH"), version=user.version
    )
    assert (changed.pending_email, changed.display_name, changed.locale) == (NEW, "Ada", "de-CH")
    assert changed.version == user.version + 1
    (entry,) = entries(box, Action.USER_UPDATE)
    assert entry.changes.keys() == {"display_name", "locale", "pending_email"}
    with pytest.raises(VersionMismatch):
        await box.revenge.users.update_me(actor, UserChanges(email=OLD), version=user.version)


async def test_somebody_elses_address_cannot_be_asked_for(box: Sandbox) -> None:
    _, actor = await somebody(box)
    await register(box, "berta")
    with pytest.raises(EmailTaken):
        await box.revenge.users.update_me(actor, UserChanges(email="Berta@Example.org"))


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "a@b@c",
        "ada@exam ple.org",
        "a\n@example.org",
        "x" * 300,
        "a@b_c.org",
        "a@-b",
        "ä" * 33 + "@example.org",
    ],
)
async def test_what_is_no_address_is_refused(box: Sandbox, email: str) -> None:
    _, actor = await somebody(box)
    with pytest.raises(UserInvalid) as refused:
        await box.revenge.users.update_me(actor, UserChanges(email=email))
    assert {problem.pointer for problem in refused.value.problems} == {"/email"}


async def test_a_race_for_an_address_has_one_winner_and_the_loser_is_not_left_waiting(box: Sandbox) -> None:
    ada, her = await somebody(box)
    token = await ask_change(box, her)
    berta = await register(box, "berta")
    box.rows.users[berta.id] = replace(berta, email=NEW, email_key=NEW)
    with pytest.raises(EmailTaken):
        await box.revenge.addresses.verify(token)
    assert (kept(box, ada).email, kept(box, ada).pending_email) == (OLD, None)
    (entry,) = entries(box, Action.USER_EMAIL_CHANGE, Outcome.FAILURE)
    assert (entry.reason, entry.resource_id) == ("address taken", ada.id)
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(token)


async def test_nothing_is_given_up_where_somebody_else_used_the_link_meanwhile(box: Sandbox) -> None:
    user, actor = await somebody(box)
    await ask_change(box, actor)
    async with box.revenge.addresses._uow.begin() as tx:
        await box.revenge.addresses._give_up(tx, b"the digest of a link that was used", KITCHEN)
    assert kept(box, user).pending_email == NEW


async def test_of_fifty_who_use_a_link_one_does(box: Sandbox) -> None:
    _, actor = await somebody(box)
    token = await ask_change(box, actor)
    outcomes = await asyncio.gather(*(box.revenge.addresses.verify(token) for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, TokenInvalid) for outcome in outcomes) == 49
    assert len(await mailed(box, OLD)) == len(await mailed(box, NEW)) == 1


async def test_the_link_is_sent_again_to_whichever_address_waits_for_it(box: Sandbox) -> None:
    _, actor = await somebody(box)
    await box.revenge.addresses.resend(actor)
    assert len(await mailed(box, OLD)) == 1
    token = await ask_change(box, actor)
    box.clock.advance(minutes=2)
    await box.revenge.addresses.resend(actor)
    assert await mailed(box, OLD) == []
    again = await link(box, NEW)
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(token)
    await box.revenge.addresses.verify(again)
    with pytest.raises(EmailVerified):
        await box.revenge.addresses.resend(actor)
    assert len(entries(box, Action.USER_EMAIL_VERIFY_REQUEST)) == 2


async def test_nobody_floods_a_mailbox_by_asking_again_and_again(box: Sandbox) -> None:
    _, actor = await somebody(box)
    for _ in range(5):
        await box.revenge.addresses.resend(actor)
    token = await link(box, OLD)
    box.clock.advance(minutes=1)
    await box.revenge.addresses.resend(actor)
    assert await link(box, OLD) != token


async def test_nobody_floods_a_mailbox_by_asking_for_an_address_and_calling_that_off_in_turn(box: Sandbox) -> None:
    _, actor = await somebody(box)
    await ask_change(box, actor)
    box.clock.advance(seconds=20)
    with pytest.raises(EmailChangeTooSoon):
        await box.revenge.users.update_me(actor, UserChanges(email="third@example.org"))
    await box.revenge.users.update_me(actor, UserChanges(email=OLD))
    box.clock.advance(seconds=20)
    with pytest.raises(EmailChangeTooSoon) as refused:
        await box.revenge.users.update_me(actor, UserChanges(email=NEW))
    assert refused.value.retry_after == 20
    box.clock.advance(seconds=20)
    await ask_change(box, actor)


async def test_nobody_has_no_address_to_verify(box: Sandbox) -> None:
    user, actor = await somebody(box)
    with pytest.raises(Unauthenticated):
        await box.revenge.addresses.resend(Actor.anonymous())
    box.rows.users[user.id] = replace(user, deleted_at=box.clock.now(), purge_at=box.clock.now())
    with pytest.raises(Unauthenticated):
        await box.revenge.addresses.resend(actor)


async def test_defect_37_without_mail_nobody_waits_for_one() -> None:
    box = sandbox(mail_rules=MailRules(is_on=False))
    here = await join(box)
    actor = await act(box, here)
    with pytest.raises(EmailChangeUnavailable):
        await box.revenge.users.update_me(actor, UserChanges(email=NEW))
    with pytest.raises(MailOff):
        await box.revenge.addresses.resend(actor)
    async with box.revenge.addresses._uow.begin() as tx:
        await box.revenge.addresses.ask(tx, here.user)
        with pytest.raises(EmailChangeUnavailable):
            await box.revenge.addresses.ask_change(tx, actor, here.user, NEW)
    assert (box.rows.one_time_tokens, box.rows.jobs) == ({}, {})
