"""The sandbox: a whole Revenge without input or output."""

import asyncio
from datetime import timedelta

import pytest

from revenge_adapters import sandbox
from revenge_core.activity.entities import Action
from revenge_core.actor import Actor
from revenge_core.auth.entities import AuthRules, SignedIn
from revenge_core.auth.errors import AccessTokenInvalid, HasherBusy
from revenge_core.feed import Change
from revenge_core.health.entities import Status
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import SessionRules
from revenge_core.sessions.errors import SessionEnded
from revenge_core.users.entities import NewUser

PASSWORD = Secret("a quiet evening")


async def sign_in(revenge: Revenge, name: str = "ada") -> SignedIn:
    await revenge.accounts.register(NewUser(username=name, email=f"{name}@example.org"), PASSWORD)
    return await revenge.auth.login(name, PASSWORD)


async def test_somebody_registers_signs_in_and_is_known() -> None:
    box = sandbox()
    signed_in = await sign_in(box.revenge)
    actor = await box.revenge.auth.authenticate(signed_in.tokens.access_token.reveal())
    assert (await box.revenge.users.me(actor)).username == "ada"
    assert next(entry.action for entry in box.rows.activity.values()) is Action.USER_REGISTER


async def test_the_clock_stands_still_until_it_is_advanced() -> None:
    box = sandbox()
    token = (await sign_in(box.revenge)).tokens.access_token.reveal()
    await box.revenge.auth.authenticate(token)
    box.clock.advance(hours=2)
    with pytest.raises(AccessTokenInvalid):
        await box.revenge.auth.authenticate(token)


async def test_two_sandboxes_share_nothing() -> None:
    one, other = sandbox(), sandbox()
    token = (await sign_in(one.revenge)).tokens.access_token.reveal()
    assert other.rows.users == {}
    with pytest.raises(AccessTokenInvalid):
        await other.revenge.auth.authenticate(token)
    one.clock.advance(days=1)
    assert one.clock.now() - other.clock.now() == timedelta(days=1)


async def test_an_ended_session_is_announced_and_over() -> None:
    box = sandbox()
    signed_in = await sign_in(box.revenge)
    actor = await box.revenge.auth.authenticate(signed_in.tokens.access_token.reveal())
    await box.revenge.auth.logout(actor)
    assert box.changes[-1] == Change.of_session(signed_in.session.id)
    with pytest.raises(SessionEnded):
        await box.revenge.auth.authenticate(signed_in.tokens.access_token.reveal())


async def test_rules_can_be_given_and_do_not_leak_into_the_next_sandbox() -> None:
    strict = sandbox(auth_rules=AuthRules(access_token_lifetime=timedelta(minutes=1)))
    assert (await sign_in(strict.revenge)).tokens.expires_in == 60
    capped = sandbox(session_rules=SessionRules(max_per_user=1)).revenge
    first = await sign_in(capped)
    await capped.auth.login("ada", PASSWORD)
    with pytest.raises(SessionEnded):
        await capped.auth.authenticate(first.tokens.access_token.reveal())
    assert (await sign_in(sandbox().revenge)).tokens.expires_in == 900


async def test_trouble_can_be_arranged() -> None:
    box = sandbox()
    box.hasher.busy = True
    with pytest.raises(HasherBusy):
        await sign_in(box.revenge)
    assert (await box.revenge.health.readiness(Actor.anonymous())).status is Status.HEALTHY
    box.database.status = Status.UNHEALTHY
    assert (await box.revenge.health.readiness(Actor.anonymous())).status is Status.UNHEALTHY


async def test_signing_keys_can_be_rotated_without_signing_anybody_out() -> None:
    box = sandbox()
    token = (await sign_in(box.revenge)).tokens.access_token.reveal()
    await box.revenge.auth.rotate_signing_key(Actor.host())
    await box.revenge.auth.authenticate(token)


def test_a_sandbox_is_made_where_no_event_loop_runs_and_serves_several() -> None:
    box = sandbox()
    signed_in = asyncio.run(sign_in(box.revenge))
    actor = asyncio.run(box.revenge.auth.authenticate(signed_in.tokens.access_token.reveal()))
    assert actor.user_id == signed_in.user.id
