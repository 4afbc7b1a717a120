"""Proving once more who one is (decisions W12, ASVS 7.5)."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_core.activity.entities import Action, Outcome
from revenge_core.actor import Actor
from revenge_core.auth.entities import AuthRules
from revenge_core.auth.errors import HasherBusy, ProofWrong, TooManyAttempts
from revenge_core.errors import ReauthRequired, Unauthenticated
from revenge_core.feed import Change
from revenge_core.secrets import Secret
from revenge_core.sessions.errors import SessionEnded
from tests.core.people import KITCHEN, PASSWORD, act, entries, is_signed_in, join, sign_in

WRONG = Secret("a bad guess")


@pytest.mark.asvs("8.2.4", "10.3.4")
async def test_a_sign_in_counts_as_recent_for_a_while(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    assert actor.proven_until == box.clock.now() + timedelta(minutes=10)
    actor.require_proof(box.clock.now())
    box.clock.advance(minutes=10)
    with pytest.raises(ReauthRequired):
        (await act(box, here)).require_proof(box.clock.now())


async def test_the_host_decides_how_long() -> None:
    box = sandbox(auth_rules=AuthRules(proof_lifetime=timedelta(minutes=1)))
    actor = await act(box, await join(box))
    assert actor.proven_until == box.clock.now() + timedelta(minutes=1)


@pytest.mark.asvs("7.5.1")
async def test_a_password_proves_it_again_for_that_session_alone(box: Sandbox) -> None:
    here, there = await join(box), await sign_in(box)
    box.clock.advance(minutes=11)
    box.changes.clear()
    proof = await box.revenge.auth.reauthenticate(await act(box, here, KITCHEN), PASSWORD)
    assert proof.proven_until == box.clock.now() + timedelta(minutes=10)
    assert (await act(box, here)).proven_until == proof.proven_until
    with pytest.raises(ReauthRequired):
        (await act(box, there)).require_proof(box.clock.now())
    assert box.changes == [Change.of_session(here.session.id)]
    (entry,) = entries(box, Action.USER_REAUTHENTICATE)
    assert (entry.outcome, entry.actor_id, entry.session_id) == (Outcome.SUCCESS, here.user.id, here.session.id)


@pytest.mark.asvs("7.2.4")
async def test_the_new_access_token_is_another_one_for_the_same_session(box: Sandbox) -> None:
    here = await join(box)
    proof = await box.revenge.auth.reauthenticate(await act(box, here), PASSWORD)
    assert proof.access_token != here.tokens.access_token
    assert proof.expires_in == 900
    actor = await box.revenge.auth.authenticate(proof.access_token.reveal())
    assert actor.session_id == here.session.id
    assert await is_signed_in(box, here)
    await box.revenge.auth.refresh(here.tokens.refresh_token)


@pytest.mark.asvs("10.3.4")
async def test_a_refresh_proves_nothing(box: Sandbox) -> None:
    here = await join(box)
    box.clock.advance(minutes=11)
    pair = await box.revenge.auth.refresh(here.tokens.refresh_token)
    actor = await box.revenge.auth.authenticate(pair.access_token.reveal())
    with pytest.raises(ReauthRequired):
        actor.require_proof(box.clock.now())


async def test_a_wrong_password_proves_nothing_and_the_session_goes_on(box: Sandbox) -> None:
    here = await join(box)
    box.clock.advance(minutes=11)
    actor = await act(box, here, KITCHEN)
    with pytest.raises(ProofWrong):
        await box.revenge.auth.reauthenticate(actor, WRONG)
    with pytest.raises(ReauthRequired):
        (await act(box, here)).require_proof(box.clock.now())
    (entry,) = entries(box, Action.USER_REAUTHENTICATE)
    assert (entry.outcome, entry.reason, entry.address) == (Outcome.FAILURE, "wrong password", KITCHEN.address)


@pytest.mark.asvs("6.3.1")
async def test_a_stolen_session_guesses_no_password(box: Sandbox) -> None:
    actor = await act(box, await join(box), KITCHEN)
    for _ in range(15):
        with pytest.raises(ProofWrong):
            await box.revenge.auth.reauthenticate(actor, WRONG)
    for _ in range(2):
        with pytest.raises(TooManyAttempts):
            await box.revenge.auth.reauthenticate(actor, PASSWORD)
        with pytest.raises(TooManyAttempts):
            await box.revenge.auth.change_password(actor, PASSWORD, Secret("a louder morning"))
    refused = [entry for entry in entries(box, Action.USER_REAUTHENTICATE) if entry.reason == "too many attempts"]
    assert len(refused) == 1


async def test_strangers_guesses_do_not_keep_the_owner_from_it(box: Sandbox) -> None:
    here = await join(box)
    for number in range(60):
        with pytest.raises((Unauthenticated, TooManyAttempts)):
            await box.revenge.auth.login("ada", WRONG, replace(KITCHEN, address=f"198.51.100.{number}"))
    for _ in range(12):
        await box.revenge.auth.reauthenticate(await act(box, here, KITCHEN), PASSWORD)


async def test_a_full_queue_judges_nothing_and_costs_nothing(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    box.hasher.busy = True
    for _ in range(20):
        with pytest.raises(HasherBusy):
            await box.revenge.auth.reauthenticate(actor, PASSWORD)
    box.hasher.busy = False
    await box.revenge.auth.reauthenticate(actor, PASSWORD)


async def test_whoever_is_signed_in_is_known_where_hashes_are_short(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    box.hasher.crowded = True
    await box.revenge.auth.reauthenticate(actor, PASSWORD)
    await box.revenge.auth.change_password(actor, PASSWORD, Secret("a louder morning"))


async def test_it_takes_a_session(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    with pytest.raises(Unauthenticated):
        await box.revenge.auth.reauthenticate(Actor.anonymous(), PASSWORD)
    with pytest.raises(Unauthenticated):
        await box.revenge.auth.reauthenticate(Actor.host(), PASSWORD)
    with pytest.raises(Unauthenticated):
        await box.revenge.auth.reauthenticate(replace(actor, session_id=None), PASSWORD)


@pytest.mark.parametrize("changes", [{"is_active": False}, {"epoch": 1}], ids=["disabled", "password changed"])
async def test_an_account_that_changes_meanwhile_proves_nothing(
    box: Sandbox, changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await join(box)
    actor, verify = await act(box, here), box.hasher.verify

    async def slowly(password_hash: Secret, password: Secret, *, known: bool = False) -> bool:
        fits = await verify(password_hash, password, known=known)
        box.rows.users[here.user.id] = replace(box.rows.users[here.user.id], **changes)
        return fits

    monkeypatch.setattr(box.hasher, "verify", slowly)
    with pytest.raises(SessionEnded):
        await box.revenge.auth.reauthenticate(actor, PASSWORD)
    assert entries(box, Action.USER_REAUTHENTICATE)[-1].reason == "changed meanwhile"
