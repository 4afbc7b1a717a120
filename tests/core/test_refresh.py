"""Refresh, case by case (rulings R16). `test_refresh_machine.py` tries what nobody thought of."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_core.activity.entities import Action, Outcome
from revenge_core.auth.entities import TokenPair
from revenge_core.feed import Change
from revenge_core.secrets import Secret, derive_token, digest, new_token
from revenge_core.sessions.entities import EndReason, Lifetime, SessionRules
from revenge_core.sessions.errors import RefreshTokenInvalid
from tests.core.people import KITCHEN, PASSWORD, SOFA, act, entries, is_signed_in, join, sign_in
from tests.core.post import mailed, prove


async def refused(box: Sandbox, token: Secret) -> None:
    with pytest.raises(RefreshTokenInvalid):
        await box.revenge.auth.refresh(token, SOFA)


async def test_defect_5_every_use_gives_a_new_pair(box: Sandbox) -> None:
    here = await join(box)
    first = await box.revenge.auth.refresh(here.tokens.refresh_token)
    second = await box.revenge.auth.refresh(first.refresh_token)
    refresh_tokens = {tokens.refresh_token.reveal() for tokens in (here.tokens, first, second)}
    access_tokens = {tokens.access_token.reveal() for tokens in (here.tokens, first, second)}
    assert len(refresh_tokens) == len(access_tokens) == 3
    assert second.expires_in == 900
    actor = await box.revenge.auth.authenticate(second.access_token.reveal())
    assert actor.session_id == here.session.id


async def test_a_lost_answer_is_given_again(box: Sandbox) -> None:
    token = (await join(box)).tokens.refresh_token
    lost = await box.revenge.auth.refresh(token)
    box.clock.advance(seconds=10)
    again = await box.revenge.auth.refresh(token)
    assert again.refresh_token == lost.refresh_token


@pytest.mark.asvs("10.4.5")
async def test_a_token_whose_child_was_used_ends_its_session_and_no_other(box: Sandbox) -> None:
    here, there, theirs = await join(box), await sign_in(box), await join(box, "eve")
    child = await box.revenge.auth.refresh(here.tokens.refresh_token)
    await box.revenge.auth.refresh(child.refresh_token)
    await refused(box, here.tokens.refresh_token)
    assert [await is_signed_in(box, each) for each in (here, there, theirs)] == [False, True, True]
    assert box.rows.sessions[here.session.id].end_reason is EndReason.REFRESH_REUSED
    await refused(box, child.refresh_token)


async def test_a_token_rotated_longer_ago_than_the_window_ends_its_session(box: Sandbox) -> None:
    here = await join(box)
    child = await box.revenge.auth.refresh(here.tokens.refresh_token)
    box.clock.advance(seconds=10.000001)
    await refused(box, here.tokens.refresh_token)
    await refused(box, child.refresh_token)


async def test_the_window_counts_from_the_first_use(box: Sandbox) -> None:
    token = (await join(box)).tokens.refresh_token
    for _ in range(2):
        await box.revenge.auth.refresh(token)
        box.clock.advance(seconds=6)
    await refused(box, token)


@pytest.mark.asvs("16.3.3")
async def test_a_theft_is_audited_and_announced(box: Sandbox) -> None:
    here = await join(box)
    await box.revenge.auth.refresh(here.tokens.refresh_token)
    box.clock.advance(seconds=11)
    await refused(box, here.tokens.refresh_token)
    (entry,) = entries(box, Action.SESSION_REUSE_DETECTED)
    assert (entry.outcome, entry.resource_id, entry.address) == (Outcome.FAILURE, here.session.id, SOFA.address)
    assert box.changes[-1] == Change.of_session(here.session.id)


async def test_a_theft_is_told_once(box: Sandbox) -> None:
    here = await join(box)
    await box.revenge.auth.refresh(here.tokens.refresh_token)
    box.clock.advance(seconds=11)
    for _ in range(3):
        await refused(box, here.tokens.refresh_token)
    assert len(entries(box, Action.SESSION_REUSE_DETECTED)) == 1


@pytest.mark.asvs("6.3.7")
async def test_the_owner_of_a_stolen_session_is_told_once(box: Sandbox) -> None:
    await join(box)
    here = await box.revenge.auth.login("ada", PASSWORD, SOFA, device_name="Living room")
    first = await box.revenge.auth.refresh(here.tokens.refresh_token)
    await box.revenge.auth.refresh(first.refresh_token)
    await mailed(box, "ada@example.org")
    prove(box, "ada@example.org")
    await refused(box, here.tokens.refresh_token)
    await refused(box, here.tokens.refresh_token)
    (message,) = await mailed(box, "ada@example.org")
    assert "Living room" in message.email.text.reveal()


async def test_a_rotation_is_audited_and_so_is_every_answer_given_again(box: Sandbox) -> None:
    here = await join(box)
    for _ in range(3):
        await box.revenge.auth.refresh(here.tokens.refresh_token, KITCHEN)
    written = entries(box, Action.SESSION_REFRESH)
    assert [entry.reason for entry in written] == [None, "the same answer again", "the same answer again"]
    for entry in written:
        assert (entry.actor_id, entry.resource_id, entry.address) == (here.user.id, here.session.id, KITCHEN.address)


@pytest.mark.parametrize("guess", [Secret(""), new_token(), Secret("\ud800")])
async def test_a_token_that_never_was_is_refused_audited_and_changes_nothing_else(box: Sandbox, guess: Secret) -> None:
    here = await join(box)
    before = box.rows.copy()
    await refused(box, guess)
    (entry,) = entries(box, Action.SESSION_REFRESH)
    assert (entry.outcome, entry.reason, entry.actor_id) == (Outcome.FAILURE, "unknown token", None)
    del box.rows.activity[entry.id], box.rows.activity_unsealed[entry.id]
    assert box.rows == before
    assert await is_signed_in(box, here)


@pytest.mark.parametrize("change", [{"is_active": False}, {"epoch": 1}], ids=["disabled", "password changed"])
async def test_defect_5_a_user_who_changed_does_not_refresh_and_that_is_no_theft(
    box: Sandbox, change: dict[str, object]
) -> None:
    here = await join(box)
    box.rows.users[here.user.id] = replace(here.user, **change)
    await refused(box, here.tokens.refresh_token)
    assert entries(box, Action.SESSION_REUSE_DETECTED) == []
    assert box.rows.sessions[here.session.id].ended_at is None


@pytest.mark.asvs("7.3.1")
async def test_a_session_without_activity_expires(box: Sandbox) -> None:
    here = await join(box)
    box.clock.advance(days=30)
    await refused(box, here.tokens.refresh_token)
    assert not await is_signed_in(box, here)


@pytest.mark.asvs("7.3.2", "10.4.8")
async def test_no_number_of_refreshes_passes_the_absolute_end() -> None:
    box = sandbox(session_rules=SessionRules(app=Lifetime(idle=timedelta(hours=2), absolute=timedelta(hours=10))))
    here = await join(box)
    token = here.tokens.refresh_token
    for _ in range(9):
        box.clock.advance(hours=1)
        token = (await box.revenge.auth.refresh(token)).refresh_token
        session = box.rows.sessions[here.session.id]
        assert session.expires_at == here.session.expires_at
        assert session.idle_expires_at == min(box.clock.now() + timedelta(hours=2), session.expires_at)
        assert session.last_activity_at == box.clock.now()
    box.clock.advance(hours=1)
    await refused(box, token)


async def test_defect_38_of_many_refreshes_at_once_all_get_the_same_child(box: Sandbox) -> None:
    here = await join(box)
    pairs = await asyncio.gather(*(box.revenge.auth.refresh(here.tokens.refresh_token) for _ in range(20)))
    assert len({pair.refresh_token.reveal() for pair in pairs}) == 1
    assert len(box.rows.refresh_tokens) == 2
    await box.revenge.auth.refresh(pairs[0].refresh_token)


async def test_defect_38_a_parent_and_its_child_at_once_have_one_winner(box: Sandbox) -> None:
    here = await join(box)
    child = await box.revenge.auth.refresh(here.tokens.refresh_token)
    outcomes = await asyncio.gather(
        *(box.revenge.auth.refresh(token) for token in (child.refresh_token, here.tokens.refresh_token)),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], TokenPair)
    assert isinstance(outcomes[1], RefreshTokenInvalid)
    assert not await is_signed_in(box, here)


async def test_the_store_alone_reveals_no_token(box: Sandbox) -> None:
    here = await join(box)
    child = await box.revenge.auth.refresh(here.tokens.refresh_token)
    for token in (here.tokens.refresh_token, child.refresh_token):
        assert digest(token) in box.rows.refresh_tokens
        assert token.reveal() not in repr(box.rows)
        assert repr(bytes.fromhex(token.reveal())) not in repr(box.rows)


async def test_with_its_parent_and_the_salt_the_child_can_be_made_again_and_then_no_more(box: Sandbox) -> None:
    here = await join(box)
    parent = here.tokens.refresh_token
    child = (await box.revenge.auth.refresh(parent)).refresh_token
    salt = box.rows.refresh_tokens[digest(parent)].child_salt
    assert salt is not None
    assert derive_token(parent, salt) == child
    await box.revenge.auth.refresh(child)
    assert box.rows.refresh_tokens[digest(parent)].child_salt is None


async def test_salts_are_erased_when_their_window_has_closed(box: Sandbox) -> None:
    parent = (await join(box)).tokens.refresh_token
    await box.revenge.auth.refresh(parent)
    box.clock.advance(seconds=10)
    await box.revenge.sessions.write_sightings()
    assert box.rows.refresh_tokens[digest(parent)].child_salt is not None
    box.clock.advance(seconds=1)
    await box.revenge.sessions.write_sightings()
    assert box.rows.refresh_tokens[digest(parent)].child_salt is None


async def test_an_old_access_token_stays_good_after_a_refresh(box: Sandbox) -> None:
    here = await join(box)
    await box.revenge.auth.refresh(here.tokens.refresh_token)
    assert (await act(box, here)).session_id == here.session.id
