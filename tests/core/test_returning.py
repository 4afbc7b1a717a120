"""Who may not simply sign in: accounts that were deleted, and addresses that are to be verified first."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_core.activity.entities import Action, Outcome
from revenge_core.auth.errors import CredentialsInvalid, EmailUnverified
from revenge_core.feed import Change
from revenge_core.mail.entities import MailRules
from revenge_core.secrets import Secret
from revenge_core.sessions.errors import SessionEnded
from revenge_core.users.entities import AddressRules
from tests.core.people import KITCHEN, PASSWORD, act, entries, join, register, sign_in
from tests.core.post import link, mailed

ADA = "ada@example.org"
GRACE = timedelta(days=30)


async def left(box: Sandbox) -> None:
    """Somebody who deleted their account; mail about that was read."""
    actor = await act(box, await join(box))
    await box.revenge.accounts.delete_me(actor)
    await mailed(box, ADA)


# Coming back (decisions I10, rulings R20)


async def test_signing_in_within_the_grace_period_calls_off_the_deletion(box: Sandbox) -> None:
    await left(box)
    box.clock.advance(days=29)
    before = next(iter(box.rows.users.values()))
    box.changes.clear()
    signed_in = await sign_in(box, "ADA@example.org", KITCHEN)
    assert signed_in.restored
    kept = box.rows.users[signed_in.user.id]
    assert kept == signed_in.user
    assert (kept.deleted_at, kept.purge_at, kept.may_return) == (None, None, False)
    assert (kept.version, kept.updated_at) == (before.version + 1, box.clock.now())
    (entry,) = entries(box, Action.USER_RESTORE)
    assert (entry.actor_id, entry.resource_id, entry.address) == (kept.id, kept.id, KITCHEN.address)
    assert Change.of_user(kept.id) in box.changes
    assert (await act(box, signed_in)).user_id == kept.id


async def test_the_owner_is_told_that_the_account_is_back(box: Sandbox) -> None:
    await left(box)
    await sign_in(box)
    assert any("ada" in message.email.text.reveal() for message in await mailed(box, ADA))


async def test_an_ordinary_sign_in_restores_nothing(box: Sandbox) -> None:
    assert not (await join(box)).restored
    assert entries(box, Action.USER_RESTORE) == []


async def test_a_wrong_password_restores_nothing(box: Sandbox) -> None:
    await left(box)
    with pytest.raises(CredentialsInvalid):
        await box.revenge.auth.login("ada", Secret("a bad guess"), KITCHEN)
    assert next(iter(box.rows.users.values())).deleted_at is not None


async def test_after_the_grace_period_nobody_comes_back_though_nothing_was_erased_yet(box: Sandbox) -> None:
    await left(box)
    box.clock.advance(days=30)
    with pytest.raises(CredentialsInvalid):
        await sign_in(box)
    assert entries(box, Action.USER_LOGIN)[-1].reason == "deleted"


@pytest.mark.parametrize("changes", [{"may_return": False}, {"is_active": False}], ids=["by an admin", "disabled"])
async def test_whom_an_administrator_deleted_or_disabled_does_not_come_back(
    box: Sandbox, changes: dict[str, object]
) -> None:
    await left(box)
    (user,) = box.rows.users.values()
    box.rows.users[user.id] = replace(user, **changes)
    with pytest.raises(CredentialsInvalid):
        await sign_in(box)


async def test_sessions_from_before_do_not_come_back(box: Sandbox) -> None:
    before = await join(box)
    await box.revenge.accounts.delete_me(await act(box, before))
    await sign_in(box)
    with pytest.raises(SessionEnded):
        await act(box, before)


async def test_of_many_who_come_back_at_once_one_restores_the_account(box: Sandbox) -> None:
    await left(box)
    answers = await asyncio.gather(*(sign_in(box) for _ in range(4)))
    assert [one.restored for one in answers].count(True) == 1
    assert len(entries(box, Action.USER_RESTORE)) == 1


# Addresses that are to be verified first


@pytest.fixture
def strict() -> Sandbox:
    return sandbox(address_rules=AddressRules(must_verify=True))


async def refused(box: Sandbox) -> None:
    with pytest.raises(EmailUnverified):
        await sign_in(box, origin=KITCHEN)


async def test_nobody_signs_in_before_the_address_is_verified(strict: Sandbox) -> None:
    user = await register(strict)
    await mailed(strict, ADA)
    strict.clock.advance(minutes=5)
    await refused(strict)
    assert strict.rows.sessions == {}
    entry = entries(strict, Action.USER_LOGIN)[-1]
    assert (entry.outcome, entry.reason, entry.resource_id) == (Outcome.FAILURE, "address not verified", user.id)
    await strict.revenge.addresses.verify(await link(strict, ADA))
    await sign_in(strict)


async def test_the_mail_is_sent_again_at_most_once_in_five_minutes(strict: Sandbox) -> None:
    await register(strict)
    sent = [len(await mailed(strict, ADA))]
    for _ in range(10):
        await refused(strict)
        sent.append(len(await mailed(strict, ADA)))
        strict.clock.advance(minutes=1)
    assert sum(sent[1:6]) == 0
    assert sum(sent[6:]) == 1


async def test_right_passwords_cost_nothing_there_either(strict: Sandbox) -> None:
    await register(strict)
    for _ in range(20):
        await refused(strict)


async def test_a_wrong_password_says_nothing_about_the_address(strict: Sandbox) -> None:
    await register(strict)
    with pytest.raises(CredentialsInvalid):
        await strict.revenge.auth.login("ada", Secret("a bad guess"), KITCHEN)


async def test_where_no_mail_is_sent_nobody_has_to_prove_that_they_read_it() -> None:
    box = sandbox(address_rules=AddressRules(must_verify=True), mail_rules=MailRules(is_on=False))
    await join(box)


async def test_a_deletion_is_not_called_off_by_whoever_may_not_sign_in(strict: Sandbox) -> None:
    await register(strict)
    (user,) = strict.rows.users.values()
    now = strict.clock.now()
    strict.rows.users[user.id] = replace(user, deleted_at=now, purge_at=now + GRACE, may_return=True)
    with pytest.raises(EmailUnverified):
        await strict.revenge.auth.login("ada", PASSWORD)
    assert strict.rows.users[user.id].deleted_at == now
