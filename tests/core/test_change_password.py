import asyncio
from unittest.mock import AsyncMock

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.activity.entities import Action, Outcome
from revenge_core.actor import Actor
from revenge_core.auth.errors import CredentialsInvalid, HasherBusy, OldPasswordWrong, PasswordRefused, TooManyAttempts
from revenge_core.errors import Unauthenticated
from revenge_core.feed import Change
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import EndReason
from revenge_core.sessions.errors import RefreshTokenInvalid, SessionEnded
from tests.core.people import KITCHEN, OTHER_PASSWORD, PASSWORD, act, entries, is_signed_in, join, sign_in
from tests.core.post import mailed


async def test_the_new_password_works_and_the_old_one_no_longer(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    await box.revenge.auth.change_password(actor, PASSWORD, OTHER_PASSWORD)
    await box.revenge.auth.login("ada", OTHER_PASSWORD)
    with pytest.raises(CredentialsInvalid):
        await sign_in(box)


@pytest.mark.asvs("7.4.3")
async def test_defects_3_and_4_every_other_session_ends_and_this_one_goes_on(box: Sandbox) -> None:
    here, there = await join(box), await sign_in(box)
    strangers = await join(box, "eve")
    await box.revenge.auth.change_password(await act(box, here), PASSWORD, OTHER_PASSWORD)
    assert await is_signed_in(box, here)
    assert await is_signed_in(box, strangers)
    with pytest.raises(SessionEnded):
        await act(box, there)
    with pytest.raises(RefreshTokenInvalid):
        await box.revenge.auth.refresh(there.tokens.refresh_token)
    assert box.rows.sessions[there.session.id].end_reason is EndReason.PASSWORD_CHANGED


async def test_the_present_tokens_stay_good(box: Sandbox) -> None:
    here = await join(box)
    await box.revenge.auth.change_password(await act(box, here), PASSWORD, OTHER_PASSWORD)
    assert (await act(box, here)).session_id == here.session.id
    await box.revenge.auth.refresh(here.tokens.refresh_token)


async def test_the_credential_epoch_grows(box: Sandbox) -> None:
    here = await join(box)
    await box.revenge.auth.change_password(await act(box, here), PASSWORD, OTHER_PASSWORD)
    assert box.rows.users[here.user.id].epoch == box.rows.sessions[here.session.id].epoch == 1
    assert box.rows.credentials[here.user.id].changed_at == box.clock.now()


async def test_the_change_is_audited_and_announced(box: Sandbox) -> None:
    here, there = await join(box), await sign_in(box)
    box.changes.clear()
    await box.revenge.auth.change_password(await act(box, here), PASSWORD, OTHER_PASSWORD)
    assert box.changes == [Change.of_session(there.session.id), Change.of_user(here.user.id)]
    (entry,) = entries(box, Action.USER_PASSWORD_CHANGE)
    assert (entry.outcome, entry.resource_id) == (Outcome.SUCCESS, here.user.id)
    (ended,) = entries(box, Action.SESSION_REVOKE_ALL)
    assert ended.reason == "1 ended"
    assert OTHER_PASSWORD.reveal() not in repr(box.rows)


async def test_somebody_without_a_session_ends_all_of_them(box: Sandbox) -> None:
    here = await join(box)
    actor = replace(await act(box, here), session_id=None)
    await box.revenge.auth.change_password(actor, PASSWORD, OTHER_PASSWORD)
    assert not await is_signed_in(box, here)


@pytest.mark.asvs("6.2.3")
@pytest.mark.parametrize("guess", ["wrong password", "", "x" * 2000])
async def test_the_old_password_is_asked_for(box: Sandbox, guess: str) -> None:
    here, there = await join(box), await sign_in(box)
    before = box.rows.credentials
    with pytest.raises(OldPasswordWrong):
        await box.revenge.auth.change_password(await act(box, here), Secret(guess), OTHER_PASSWORD)
    assert box.rows.credentials == before
    assert await is_signed_in(box, there)
    (entry,) = entries(box, Action.USER_PASSWORD_CHANGE)
    assert (entry.outcome, entry.reason, entry.resource_id) == (Outcome.FAILURE, "old password wrong", here.user.id)


async def test_the_new_password_keeps_the_rules(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    for refused in ("short", "password", "ada@example.org"):
        with pytest.raises(PasswordRefused) as problem:
            await box.revenge.auth.change_password(actor, PASSWORD, Secret(refused))
        assert {found.pointer for found in problem.value.problems} == {"/new_password"}
    await sign_in(box)


async def test_nobody_cannot_change_a_password(box: Sandbox) -> None:
    for actor in (Actor.anonymous(), Actor.host()):
        with pytest.raises(Unauthenticated):
            await box.revenge.auth.change_password(actor, PASSWORD, OTHER_PASSWORD)


async def test_somebody_deleted_meanwhile_cannot_change_it(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    box.rows.users[here.user.id] = replace(here.user, deleted_at=box.clock.now())
    with pytest.raises(Unauthenticated):
        await box.revenge.auth.change_password(actor, PASSWORD, OTHER_PASSWORD)


async def test_of_two_changes_at_once_one_wins_and_the_other_changes_nothing(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    wanted = (Secret("a first new one"), Secret("a second new one"))
    outcomes = await asyncio.gather(
        *(box.revenge.auth.change_password(actor, PASSWORD, new) for new in wanted), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "OldPasswordWrong"]
    winner, loser = wanted if outcomes[0] is None else reversed(wanted)
    await box.revenge.auth.login("ada", winner)
    with pytest.raises(CredentialsInvalid):
        await box.revenge.auth.login("ada", loser)
    failed = [entry for entry in entries(box, Action.USER_PASSWORD_CHANGE) if entry.outcome is Outcome.FAILURE]
    assert [entry.reason for entry in failed] == ["changed meanwhile"]


@pytest.mark.asvs("6.3.7")
async def test_the_owner_is_told(box: Sandbox) -> None:
    here = await join(box)
    await mailed(box, "ada@example.org")
    await box.revenge.auth.change_password(await act(box, here, KITCHEN), PASSWORD, OTHER_PASSWORD)
    (message,) = await mailed(box, "ada@example.org")
    text = message.email.text.reveal()
    assert "192.0.2.7" in text
    assert "2026-01-01 12:00 UTC" in text
    assert OTHER_PASSWORD.reveal() not in text


async def test_nobody_is_told_of_a_change_that_did_not_happen(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    await mailed(box, "ada@example.org")
    with pytest.raises(OldPasswordWrong):
        await box.revenge.auth.change_password(actor, OTHER_PASSWORD, OTHER_PASSWORD)
    assert await mailed(box, "ada@example.org") == []


@pytest.mark.asvs("6.3.1")
async def test_the_present_password_cannot_be_guessed_here(box: Sandbox) -> None:
    actor = await act(box, await join(box), KITCHEN)
    for _ in range(15):
        with pytest.raises(OldPasswordWrong):
            await box.revenge.auth.change_password(actor, OTHER_PASSWORD, OTHER_PASSWORD)
    with pytest.raises(TooManyAttempts):
        await box.revenge.auth.change_password(actor, PASSWORD, OTHER_PASSWORD)


async def test_the_right_password_costs_nothing_whatever_comes_of_it(box: Sandbox) -> None:
    actor = await act(box, await join(box), KITCHEN)
    for _ in range(20):
        with pytest.raises(PasswordRefused):
            await box.revenge.auth.change_password(actor, PASSWORD, Secret("short"))
    now, new = PASSWORD, OTHER_PASSWORD
    for _ in range(20):
        await box.revenge.auth.change_password(actor, now, new)
        now, new = new, now


async def test_a_queue_that_fills_up_between_two_hashes_costs_nothing(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = await act(box, await join(box), KITCHEN)
    hashing = box.hasher.hash
    monkeypatch.setattr(box.hasher, "hash", AsyncMock(side_effect=HasherBusy))
    for _ in range(20):
        with pytest.raises(HasherBusy):
            await box.revenge.auth.change_password(actor, PASSWORD, OTHER_PASSWORD)
    monkeypatch.setattr(box.hasher, "hash", hashing)
    await box.revenge.auth.change_password(actor, PASSWORD, OTHER_PASSWORD)
