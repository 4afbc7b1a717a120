"""Forgotten passwords: a link by mail, good once, that tells strangers nothing (decisions I9)."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_core.activity.entities import Action, Outcome
from revenge_core.actor import Actor
from revenge_core.auth.errors import CredentialsInvalid, HasherBusy, PasswordRefused
from revenge_core.background import JobState
from revenge_core.errors import Unauthenticated
from revenge_core.feed import Change
from revenge_core.ids import UserId
from revenge_core.mail.entities import MailRules
from revenge_core.mail.errors import MailOff
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import EndReason
from revenge_core.sessions.errors import RefreshTokenInvalid, SessionEnded
from revenge_core.users.entities import Purpose, User, UserChanges
from revenge_core.users.errors import TokenInvalid, UserInvalid, UserNotFound
from tests.core.people import KITCHEN, OTHER_PASSWORD, PASSWORD, SOFA, act, entries, join, register, sign_in
from tests.core.post import LINK, link, mailed, token_in

ADA = "ada@example.org"


async def somebody(box: Sandbox, name: str = "ada") -> User:
    """Registered; mail about that was read."""
    user = await register(box, name)
    await mailed(box, user.email)
    return box.rows.users[user.id]


async def ask(box: Sandbox, email: str = ADA) -> Secret:
    """Forget the password; the token that was mailed."""
    await box.revenge.recovery.forgot(email, KITCHEN)
    return await link(box, email)


async def test_a_link_sets_a_new_password_and_the_old_one_no_longer_works(box: Sandbox) -> None:
    user = await somebody(box)
    token = await ask(box)
    box.clock.advance(minutes=5)
    await box.revenge.recovery.reset(token, OTHER_PASSWORD, SOFA)
    await box.revenge.auth.login("ada", OTHER_PASSWORD)
    with pytest.raises(CredentialsInvalid):
        await sign_in(box)
    kept = box.rows.users[user.id]
    assert (kept.epoch, kept.version) == (user.epoch + 1, user.version + 1)
    (entry,) = entries(box, Action.USER_PASSWORD_RESET)
    assert (entry.actor_id, entry.resource_id, entry.address) == (user.id, user.id, SOFA.address)


async def test_the_mail_says_who_asked_when_and_from_where(box: Sandbox) -> None:
    user = await somebody(box)
    box.rows.users[user.id] = replace(user, timezone="Europe/Zurich")
    await box.revenge.recovery.forgot("ADA@example.org", KITCHEN)
    (message,) = await mailed(box, ADA)
    text = message.email.text.reveal()
    assert KITCHEN.address is not None
    assert KITCHEN.address in text
    assert "2026-01-01 13:00 CET" in text
    assert "within 60 minutes" in text
    found = LINK.search(text)
    assert found is not None
    assert (found["url"], found["page"]) == ("http://localhost:8096", "reset")
    token = token_in(message)
    assert token.reveal() not in message.email.subject
    assert token.reveal() not in repr(box.rows)


@pytest.mark.asvs("7.4.3")
async def test_defect_04_every_session_ends_and_every_device_is_unknown_again(box: Sandbox) -> None:
    here, there = await join(box), await sign_in(box, origin=KITCHEN)
    strangers = await join(box, "eve")
    await mailed(box, ADA)
    assert here.device_token is not None
    token = await ask(box)
    box.changes.clear()
    await box.revenge.recovery.reset(token, OTHER_PASSWORD)
    for ended in (here, there):
        with pytest.raises(SessionEnded):
            await act(box, ended)
        with pytest.raises(RefreshTokenInvalid):
            await box.revenge.auth.refresh(ended.tokens.refresh_token)
        assert box.rows.sessions[ended.session.id].end_reason is EndReason.PASSWORD_RESET
    assert box.changes == [
        *(Change.of_session(one) for one in sorted((here.session.id, there.session.id))),
        Change.of_user(here.user.id),
    ]
    again = await box.revenge.auth.login("ada", OTHER_PASSWORD, device_token=here.device_token)
    assert again.device_token is not None, "the device was still known"
    await act(box, strangers)


@pytest.mark.asvs("6.3.7")
async def test_the_owner_is_told_that_the_password_is_another_one(box: Sandbox) -> None:
    await somebody(box)
    await box.revenge.recovery.reset(await ask(box), OTHER_PASSWORD, SOFA)
    (message,) = await mailed(box, ADA)
    assert message.email.subject == "Your password on Revenge was changed"
    assert SOFA.address is not None
    assert SOFA.address in message.email.text.reveal()


async def test_defect_13_a_link_works_once(box: Sandbox) -> None:
    await somebody(box)
    token = await ask(box)
    await box.revenge.recovery.reset(token, OTHER_PASSWORD)
    with pytest.raises(TokenInvalid):
        await box.revenge.recovery.reset(token, PASSWORD)
    await box.revenge.auth.login("ada", OTHER_PASSWORD)
    (entry,) = entries(box, Action.USER_PASSWORD_RESET, Outcome.FAILURE)
    assert (entry.actor_id, entry.resource_id, entry.reason) == (None, None, "token not valid")


async def test_defect_13_of_fifty_who_use_a_link_one_does(box: Sandbox) -> None:
    user = await somebody(box)
    token = await ask(box)
    outcomes = await asyncio.gather(
        *(box.revenge.recovery.reset(token, Secret(f"a quiet evening, number {n}")) for n in range(50)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, TokenInvalid) for outcome in outcomes) == 49
    await box.revenge.auth.login("ada", Secret(f"a quiet evening, number {outcomes.index(None)}"))
    assert box.rows.users[user.id].epoch == user.epoch + 1
    assert len([one for one in await mailed(box, ADA) if "password" in one.email.subject]) == 1


@pytest.mark.parametrize("new", ["short", "password1", "ada@example.org", "x" * 2000, "\ud800 is half a letter"])
async def test_a_password_that_is_refused_leaves_the_link_good(box: Sandbox, new: str) -> None:
    await somebody(box)
    token = await ask(box)
    with pytest.raises(PasswordRefused) as refused:
        await box.revenge.recovery.reset(token, Secret(new))
    assert {problem.pointer for problem in refused.value.problems} == {"/new_password"}
    await box.revenge.recovery.reset(token, OTHER_PASSWORD)


async def test_a_busy_hasher_leaves_the_link_good(box: Sandbox) -> None:
    await somebody(box)
    token = await ask(box)
    box.hasher.busy = True
    with pytest.raises(HasherBusy):
        await box.revenge.recovery.reset(token, OTHER_PASSWORD)
    box.hasher.busy = False
    await box.revenge.recovery.reset(token, OTHER_PASSWORD)


async def test_a_link_expires_after_an_hour(box: Sandbox) -> None:
    await somebody(box)
    token = await ask(box)
    box.clock.advance(hours=1)
    with pytest.raises(TokenInvalid):
        await box.revenge.recovery.reset(token, OTHER_PASSWORD)


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "\ud800", "\x00", "x" * 100_000])
async def test_what_is_no_token_sets_nothing(box: Sandbox, token: str) -> None:
    with pytest.raises(TokenInvalid):
        await box.revenge.recovery.reset(Secret(token), OTHER_PASSWORD)


@pytest.mark.asvs("6.6.2")
async def test_a_link_to_verify_an_address_sets_no_password(box: Sandbox) -> None:
    user = await somebody(box)
    async with box.revenge.addresses._uow.begin() as tx:
        await box.revenge.addresses.ask(tx, user)
    token = await link(box, ADA)
    with pytest.raises(TokenInvalid):
        await box.revenge.recovery.reset(token, OTHER_PASSWORD)
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(await ask(box))
    await box.revenge.addresses.verify(token)


@pytest.mark.parametrize("state", ["disabled", "deleted"])
async def test_who_is_disabled_or_deleted_gets_no_link_and_uses_none(box: Sandbox, state: str) -> None:
    user = await somebody(box)
    token = await ask(box)
    now = box.clock.now()
    changes = {"is_active": False} if state == "disabled" else {"deleted_at": now, "purge_at": now, "may_return": True}
    box.rows.users[user.id] = replace(user, **changes)
    with pytest.raises(TokenInvalid):
        await box.revenge.recovery.reset(token, OTHER_PASSWORD)
    box.clock.advance(minutes=10)
    await box.revenge.recovery.forgot(ADA, KITCHEN)
    assert await mailed(box, ADA) == []
    (entry,) = entries(box, Action.USER_PASSWORD_RESET_REQUEST, Outcome.FAILURE)
    assert entry.resource_id == (user.id if state == "disabled" else None)


async def test_defect_14_a_link_ends_with_the_address_it_went_to(box: Sandbox) -> None:
    user = await somebody(box)
    token = await ask(box)
    box.rows.users[user.id] = replace(user, email="new@example.org", email_key="new@example.org")
    with pytest.raises(TokenInvalid):
        await box.revenge.recovery.reset(token, OTHER_PASSWORD)


async def test_defect_14_no_link_goes_to_an_address_that_is_only_pending(box: Sandbox) -> None:
    here = await join(box)
    actor = replace(await act(box, here), proven_until=box.clock.now() + timedelta(hours=1))
    await box.revenge.users.update_me(actor, UserChanges(email="new@example.org"))
    await mailed(box, "new@example.org")
    await box.revenge.recovery.forgot("new@example.org")
    assert await mailed(box, "new@example.org") == []


async def test_a_mailed_link_verifies_the_address_and_calls_off_a_change_that_a_thief_asked_for(box: Sandbox) -> None:
    here = await join(box)
    thief = replace(await act(box, here), proven_until=box.clock.now() + timedelta(hours=1))
    await box.revenge.users.update_me(thief, UserChanges(email="thief@example.net"))
    stolen = await link(box, "thief@example.net")
    await mailed(box, ADA)
    await box.revenge.recovery.reset(await ask(box), OTHER_PASSWORD)
    kept = box.rows.users[here.user.id]
    assert (kept.email_verified, kept.pending_email) == (True, None)
    with pytest.raises(TokenInvalid):
        await box.revenge.addresses.verify(stolen)
    assert box.rows.one_time_tokens == {}


@pytest.mark.asvs("6.3.8")
async def test_defect_12_asking_is_the_same_for_an_address_that_nobody_has(box: Sandbox) -> None:
    await somebody(box)
    traces: list[object] = []
    for email in (ADA, "eve@example.org"):
        before = {name: dict(getattr(box.rows, name)) for name in ("one_time_tokens", "users")}
        await box.revenge.recovery.forgot(email, KITCHEN)
        assert {name: dict(getattr(box.rows, name)) for name in before} == before
        entry = entries(box, Action.USER_PASSWORD_RESET_REQUEST)[-1]
        assert (entry.resource_id, entry.reason, entry.request_id) == (None, None, KITCHEN.request_id)
        waiting = [job for job in box.rows.jobs.values() if job.state is JobState.AVAILABLE]
        traces.append([job.kind for job in waiting])
        assert email.encode() not in b"".join(job.args for job in waiting)
        await box.jobs.run()
    assert traces == [["auth_send_reset"], ["auth_send_reset"]]
    (entry,) = entries(box, Action.USER_PASSWORD_RESET_REQUEST, Outcome.FAILURE)
    assert (entry.resource_id, entry.reason, entry.address) == (None, "nobody has this address", KITCHEN.address)


async def test_nobodys_mailbox_is_flooded(box: Sandbox) -> None:
    await somebody(box)
    for _ in range(20):
        await box.revenge.recovery.forgot(ADA, SOFA)
    first = await link(box, ADA)
    box.clock.advance(minutes=4, seconds=59)
    await box.revenge.recovery.forgot(ADA)
    assert await mailed(box, ADA) == []
    box.clock.advance(seconds=1)
    second = await ask(box)
    with pytest.raises(TokenInvalid):
        await box.revenge.recovery.reset(first, OTHER_PASSWORD)
    await box.revenge.recovery.reset(second, OTHER_PASSWORD)
    assert len(await mailed(box, ADA)) == 1
    await ask(box)
    requests = entries(box, Action.USER_PASSWORD_RESET_REQUEST)
    assert (len(requests), len([entry for entry in requests if entry.resource_id])) == (26, 3)


async def test_a_question_that_waited_too_long_is_dropped(box: Sandbox) -> None:
    await somebody(box)
    await box.revenge.recovery.forgot(ADA)
    box.clock.advance(hours=1, seconds=1)
    assert await mailed(box, ADA) == []
    assert {job.state for job in box.rows.jobs.values() if job.kind == "auth_send_reset"} == {JobState.CANCELLED}


@pytest.mark.parametrize("email", ["", "ada", "@", "x" * 100_000, "a\nb@example.org"])
async def test_what_is_no_address_is_refused(box: Sandbox, email: str) -> None:
    with pytest.raises(UserInvalid):
        await box.revenge.recovery.forgot(email)
    assert box.rows.jobs == {}


async def test_defect_37_without_mail_everybody_is_told_so_at_once() -> None:
    box = sandbox(mail_rules=MailRules(is_on=False))
    user = await register(box)
    for email in (ADA, "nobody@example.org"):
        with pytest.raises(MailOff):
            await box.revenge.recovery.forgot(email)
    async with box.revenge.recovery._uow.begin() as tx:
        with pytest.raises(MailOff):
            await box.revenge.recovery.send_to(tx, user)
    assert box.rows.jobs == {}


async def test_an_administrator_has_a_link_sent(box: Sandbox) -> None:
    user = await somebody(box)
    first = await ask(box)
    async with box.revenge.recovery._uow.begin() as tx:
        await box.revenge.recovery.send_to(tx, user)
    (message,) = await mailed(box, ADA)
    assert "somebody (an administrator) asked" in message.email.text.reveal()
    with pytest.raises(TokenInvalid):
        await box.revenge.recovery.reset(first, OTHER_PASSWORD)
    await box.revenge.recovery.reset(token_in(message), OTHER_PASSWORD)


async def test_a_link_that_is_handed_over_proves_no_address() -> None:
    box = sandbox(mail_rules=MailRules(is_on=False, public_url="https://films.example.org"))
    user = await register(box)
    reset = await box.revenge.recovery.reset_link(Actor.host(), user.id)
    found = LINK.search(reset.link.reveal())
    assert found is not None
    assert (found["url"], found["page"]) == ("https://films.example.org", "reset")
    assert reset.expires_at == box.clock.now() + timedelta(hours=1)
    (entry,) = entries(box, Action.USER_PASSWORD_RESET_REQUEST)
    assert (entry.actor_kind, entry.on_behalf_of) == ("host", user.id)
    box.rows.users[user.id] = replace(box.rows.users[user.id], email="new@example.org", email_key="new@example.org")
    await box.revenge.recovery.reset(Secret(found["token"]), OTHER_PASSWORD)
    await box.revenge.auth.login("ada", OTHER_PASSWORD)
    assert not box.rows.users[user.id].email_verified
    assert not [token for token in box.rows.one_time_tokens.values() if token.purpose is Purpose.PASSWORD_RESET]


async def test_only_the_servers_own_shell_makes_links(box: Sandbox) -> None:
    here = await join(box)
    for actor in (Actor.anonymous(), await act(box, here)):
        with pytest.raises(Unauthenticated):
            await box.revenge.recovery.reset_link(actor, here.user.id)
    with pytest.raises(UserNotFound):
        await box.revenge.recovery.reset_link(Actor.host(), UserId(UUID(int=7)))


async def test_somebody_without_a_password_gets_one(box: Sandbox) -> None:
    """As an administrator makes accounts: nobody but their owner ever knows the password (ASVS 6.4.6)."""
    user = await somebody(box)
    del box.rows.credentials[user.id]
    await box.revenge.recovery.reset(await ask(box), OTHER_PASSWORD)
    await box.revenge.auth.login("ada", OTHER_PASSWORD)
