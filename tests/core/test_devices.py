"""Known devices: by a token that the server gave out, and by nothing else (decisions I6, rulings R18)."""

import asyncio

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.activity.entities import Action
from revenge_core.actor import Actor, Origin
from revenge_core.auth.entities import SignedIn
from revenge_core.errors import Unauthenticated
from revenge_core.feed import Change
from revenge_core.ids import DeviceId
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import ClientType, EndReason
from revenge_core.sessions.errors import DeviceNotFound, RefreshTokenInvalid, SessionEnded
from revenge_core.testing.builders import an_id
from tests.core.people import KITCHEN, PASSWORD, SOFA, act, entries, is_signed_in, join, register, sign_in
from tests.core.post import mailed, prove

ADA = "ada@example.org"
TAKEN = Secret("0" * 64)


async def arrive(
    box: Sandbox, token: Secret | None = None, origin: Origin = KITCHEN, name: str | None = None, login: str = "ada"
) -> SignedIn:
    return await box.revenge.auth.login(
        login, PASSWORD, origin, device_name=name, client_type=ClientType.BROWSER, device_token=token
    )


async def welcomed(box: Sandbox) -> Secret:
    """Registered and signed in for the first time; the device's token. What came by mail so far was read."""
    await register(box)
    token = (await arrive(box)).device_token
    assert token is not None
    await mailed(box, ADA)
    return token


async def test_a_device_gets_a_token_once_and_is_known_by_it(box: Sandbox) -> None:
    token = await welcomed(box)
    again = await arrive(box, token)
    assert again.device_token is None
    (device,) = await box.revenge.devices.list(await act(box, again))
    assert (device.is_known, device.is_current) == (True, True)


async def test_the_token_is_of_full_entropy_and_stored_as_a_digest_only(box: Sandbox) -> None:
    token = await welcomed(box)
    assert len(bytes.fromhex(token.reveal())) == 32
    assert token.reveal() not in repr(box.rows)


async def test_a_known_device_may_call_itself_otherwise(box: Sandbox) -> None:
    token = await welcomed(box)
    again = await arrive(box, token, SOFA, "A name of its own")
    (device,) = await box.revenge.devices.list(await act(box, again))
    assert (device.device.name, device.device.last_address) == (None, SOFA.address)
    assert await mailed(box, ADA) == []


async def test_the_name_alone_does_not_make_a_device_known(box: Sandbox) -> None:
    first = await welcomed(box)
    second = (await arrive(box)).device_token
    assert second is not None
    assert second != first
    assert (await arrive(box, TAKEN)).device_token is not None


async def test_a_token_of_somebody_elses_device_makes_nothing_known(box: Sandbox) -> None:
    token = await welcomed(box)
    await register(box, "eve")
    assert (await arrive(box, token, login="eve")).device_token is not None


async def test_of_one_device_five_tokens_stay_good(box: Sandbox) -> None:
    tokens = [await welcomed(box)]
    for _ in range(5):
        box.clock.advance(seconds=1)
        tokens.append((await arrive(box)).device_token or TAKEN)
    assert [(await arrive(box, token)).device_token is None for token in reversed(tokens)] == [True] * 5 + [False]


@pytest.mark.asvs("6.3.7")
async def test_the_owner_hears_of_a_device_that_is_not_known(box: Sandbox) -> None:
    await welcomed(box)
    prove(box, ADA)
    await arrive(box, origin=SOFA, name="Living room")
    (message,) = await mailed(box, ADA)
    text = message.email.text.reveal()
    assert "Living room" in text
    assert "2001:db8::9" in text
    assert "2026-01-01 12:00 UTC" in text


async def test_an_address_that_nobody_proved_gets_no_word_that_a_client_chose(box: Sandbox) -> None:
    await welcomed(box)
    for name in ("visit evil.example", None):
        there = await arrive(box, origin=Origin(user_agent="https://evil.example"), name=name)
        await box.revenge.auth.refresh((await box.revenge.auth.refresh(there.tokens.refresh_token)).refresh_token)
        with pytest.raises(RefreshTokenInvalid):
            await box.revenge.auth.refresh(there.tokens.refresh_token)
        signed_in, stolen = await mailed(box, ADA)
        for message in (signed_in, stolen):
            assert "an unnamed browser" in message.email.text.reveal()
            assert "evil" not in message.email.text.reveal()


async def test_the_owner_does_not_hear_of_the_very_first_sign_in(box: Sandbox) -> None:
    await register(box)
    await mailed(box, ADA)
    await arrive(box)
    assert await mailed(box, ADA) == []


async def test_the_owner_hears_once_a_day_of_what_keeps_no_token(box: Sandbox) -> None:
    await welcomed(box)
    await arrive(box)
    assert await mailed(box, ADA) == []
    await arrive(box, origin=replace(KITCHEN, address="203.0.113.5"))
    assert len(await mailed(box, ADA)) == 1
    box.clock.advance(hours=25)
    await arrive(box, origin=replace(KITCHEN, address="203.0.113.5"))
    assert len(await mailed(box, ADA)) == 1


async def test_mail_of_a_sign_in_that_failed_is_never_sent(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    await welcomed(box)

    async def fail(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(box.revenge.auth._tries, "refund", fail)
    with pytest.raises(LookupError):
        await arrive(box, origin=SOFA, name="Living room")
    assert await mailed(box, ADA) == []


async def test_an_address_that_nobody_can_write_to_keeps_nobody_from_signing_in(box: Sandbox) -> None:
    await welcomed(box)
    (user,) = box.rows.users.values()
    box.rows.users[user.id] = replace(user, email="ada@-.")
    await arrive(box, origin=SOFA)


async def test_devices_come_with_the_last_seen_first(box: Sandbox) -> None:
    await welcomed(box)
    box.clock.advance(minutes=1)
    here = await arrive(box, origin=SOFA, name="Living room")
    listed = await box.revenge.devices.list(await act(box, here))
    assert [(one.device.name, one.is_current) for one in listed] == [("Living room", True), (None, False)]


async def test_a_forgotten_device_is_signed_out_and_unknown(box: Sandbox) -> None:
    token = await welcomed(box)
    there = await arrive(box, token)
    here = await arrive(box, origin=SOFA, name="Living room")
    actor = await act(box, here)
    box.changes.clear()
    await box.revenge.devices.forget(actor, there.session.device_id)
    with pytest.raises(SessionEnded):
        await act(box, there)
    assert await is_signed_in(box, here)
    assert box.rows.sessions[there.session.id].end_reason is EndReason.DEVICE_FORGOTTEN
    assert Change.of_session(there.session.id) in box.changes
    assert (await arrive(box, token)).device_token is not None
    (entry,) = entries(box, Action.DEVICE_FORGET)
    assert (entry.actor_id, entry.resource_id) == (here.user.id, there.session.device_id)
    assert entry.reason == "2 sessions ended"


async def test_a_device_of_somebody_else_is_as_if_it_never_was(box: Sandbox) -> None:
    token = await welcomed(box)
    (device,) = box.rows.devices.values()
    eve = await act(box, await join(box, "eve"))
    for device_id in (device.id, DeviceId(an_id())):
        with pytest.raises(DeviceNotFound):
            await box.revenge.devices.forget(eve, device_id)
    assert (await arrive(box, token)).device_token is None


async def test_nobody_has_no_devices(box: Sandbox) -> None:
    with pytest.raises(Unauthenticated):
        await box.revenge.devices.list(Actor.anonymous())
    with pytest.raises(Unauthenticated):
        await box.revenge.devices.forget(Actor.anonymous(), DeviceId(an_id()))


async def test_whoever_signs_in_while_the_device_is_forgotten_is_no_longer_known(box: Sandbox) -> None:
    token = await welcomed(box)
    actor = await act(box, await arrive(box, origin=SOFA, name="Living room"))
    (device_id,) = {one.device.id for one in await box.revenge.devices.list(actor) if not one.is_current}
    arriving = asyncio.create_task(arrive(box, token))
    await box.revenge.devices.forget(actor, device_id)
    arrived = await arriving
    assert arrived.device_token is not None or not await is_signed_in(box, arrived)


async def test_a_new_device_leaves_an_entry(box: Sandbox) -> None:
    await register(box)
    signed_in = await sign_in(box, origin=KITCHEN)
    (entry,) = entries(box, Action.SESSION_NEW_DEVICE)
    assert (entry.on_behalf_of, entry.resource_id) == (signed_in.user.id, signed_in.session.device_id)
