"""What every store and every reader of devices owes to the tokens by which they are known."""

import asyncio
from datetime import datetime, timedelta

from msgspec.structs import replace

from revenge_core.ids import DeviceId, SessionId, UserId
from revenge_core.sessions.entities import Device, DeviceToken, EndReason, ListedDevice
from revenge_core.testing.builders import NOW, a_device, a_digest, a_session, an_id
from revenge_core.testing.contracts.world import Contract, World
from revenge_core.users.entities import User

SOON = NOW + timedelta(minutes=10)
TICK = timedelta(microseconds=1)


def a_device_token(device: Device, **changes: object) -> DeviceToken:
    """A token of the device, known by a digest of its own."""
    token = DeviceToken(
        token_hash=a_digest(), device_id=device.id, user_id=device.user_id, issued_at=NOW, last_used_at=NOW
    )
    return replace(token, **changes)


async def add_device(world: World, user: User, **changes: object) -> Device:
    """A device, committed."""
    async with world.uow.begin() as tx:
        return (await tx.sessions.put_device(a_device(user.id, **changes))).device


async def add_token(world: World, device: Device, *, keep: int = 5, **changes: object) -> DeviceToken:
    """A token of the device, committed."""
    token = a_device_token(device, **changes)
    async with world.uow.begin() as tx:
        await tx.sessions.add_device_token(token, keep=keep)
    return token


async def use(world: World, user_id: UserId, token: DeviceToken, at: datetime = SOON) -> Device | None:
    """Use the token in a transaction of its own."""
    async with world.uow.begin() as tx:
        return await tx.sessions.use_device_token(user_id, token.token_hash, at)


class DeviceTokensContract(Contract):
    """Fixture: `world`."""

    async def test_a_token_stands_for_its_device(self, world: World) -> None:
        user = await world.add_user()
        device, other = await add_device(world, user), await add_device(world, user, name=None, platform=None)
        token = await add_token(world, device)
        assert await use(world, user.id, token) == device
        assert await use(world, user.id, await add_token(world, other)) == other
        assert await use(world, user.id, token) == device

    async def test_a_token_is_good_for_its_user_alone(self, world: World) -> None:
        user, stranger = await world.add_user(), await world.add_user()
        token = await add_token(world, await add_device(world, user))
        assert await use(world, stranger.id, token) is None
        assert await world.devices.known(stranger.id, token.token_hash) is None

    async def test_a_token_that_never_was_stands_for_nothing(self, world: World) -> None:
        user = await world.add_user()
        device = await add_device(world, user)
        assert await use(world, user.id, a_device_token(device)) is None
        assert await world.devices.known(user.id, a_digest()) is None

    async def test_of_one_device_the_latest_tokens_stay_good(self, world: World) -> None:
        user = await world.add_user()
        device, other = await add_device(world, user), await add_device(world, user)
        elsewhere = await add_token(world, other, issued_at=NOW - TICK)
        tokens = [await add_token(world, device, keep=2, issued_at=NOW + age * TICK) for age in range(4)]
        known = [await world.devices.known(user.id, token.token_hash) for token in tokens]
        assert known == [None, None, device.id, device.id]
        assert await world.devices.known(user.id, elsewhere.token_hash) == other.id

    async def test_void_tokens_of_one_device_are_good_for_nothing(self, world: World) -> None:
        user = await world.add_user()
        device, other = await add_device(world, user), await add_device(world, user)
        void, good = await add_token(world, device), await add_token(world, other)
        async with world.uow.begin() as tx:
            assert await tx.sessions.void_device_tokens(user.id, device.id) == 1
        assert await use(world, user.id, void) is None
        assert await use(world, user.id, good) == other

    async def test_all_tokens_of_a_user_can_be_void_at_once(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        tokens = [await add_token(world, await add_device(world, user)) for _ in range(2)]
        theirs = await add_token(world, await add_device(world, other))
        async with world.uow.begin() as tx:
            assert await tx.sessions.void_device_tokens(user.id, None) == 2
            assert await tx.sessions.void_device_tokens(user.id, None) == 0
        assert [await use(world, user.id, token) for token in tokens] == [None, None]
        assert await use(world, other.id, theirs) is not None

    async def test_nobody_makes_tokens_of_somebody_elses_device_void(self, world: World) -> None:
        user, stranger = await world.add_user(), await world.add_user()
        device = await add_device(world, user)
        token = await add_token(world, device)
        async with world.uow.begin() as tx:
            assert await tx.sessions.void_device_tokens(stranger.id, device.id) == 0
            assert not await tx.sessions.lock_device(stranger.id, device.id)
            assert await tx.sessions.lock_device(user.id, device.id)
            assert not await tx.sessions.lock_device(user.id, DeviceId(an_id()))
        assert await use(world, user.id, token) == device

    async def test_a_forgotten_device_takes_its_tokens_along(self, world: World) -> None:
        user = await world.add_user()
        token = await add_token(world, await add_device(world, user, last_seen_at=NOW))
        async with world.uow.begin() as tx:
            assert await tx.sessions.forget_devices(unseen_since=SOON, limit=9) == 1
        assert await use(world, user.id, token) is None

    async def test_of_those_who_sign_in_and_one_who_forgets_nobody_waits_in_a_circle(self, world: World) -> None:
        user = await world.add_user()
        device = await add_device(world, user)
        token = await add_token(world, device)

        async def sign_in() -> None:
            async with world.uow.begin() as tx:
                known = await tx.sessions.use_device_token(user.id, token.token_hash, SOON)
                await tx.sessions.put_device(known or a_device(user.id))

        async def forget() -> None:
            async with world.uow.begin() as tx:
                assert await tx.sessions.lock_device(user.id, device.id)
                await tx.sessions.end_all_on(user.id, device.id, EndReason.DEVICE_FORGOTTEN, SOON)
                await tx.sessions.void_device_tokens(user.id, device.id)

        assert await asyncio.gather(*(one() for one in [sign_in, forget] * 4)) == [None] * 8
        assert await use(world, user.id, token) is None

    async def test_a_device_is_found_by_its_fingerprint_as_it_was_left(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        device = await add_device(world, user)
        async with world.uow.begin() as tx:
            again = await tx.sessions.put_device(replace(device, last_seen_at=SOON, last_address="2001:db8::9"))
            assert (again.seen_before, again.address_before) == (device.last_seen_at, device.last_address)
            for new in (a_device(other.id, fingerprint=device.fingerprint), a_device(user.id, fingerprint="another")):
                arrival = await tx.sessions.put_device(new)
                assert (arrival.seen_before, arrival.address_before) == (None, None)

    async def test_an_arrival_counts_the_users_sessions_that_live(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        device, elsewhere, theirs = [await add_device(world, one) for one in (user, user, other)]
        over = a_session(device, ended_at=SOON, end_reason=EndReason.REVOKED)
        idle = a_session(device, idle_expires_at=SOON)
        async with world.uow.begin() as tx:
            for session in (a_session(device), a_session(elsewhere), over, idle, a_session(theirs)):
                await tx.sessions.add(session)
        for at, live in ((SOON - TICK, 3), (SOON, 2)):
            async with world.uow.begin() as tx:
                assert (await tx.sessions.put_device(replace(device, last_seen_at=at))).live_sessions == live

    async def test_sessions_on_one_device_end_and_no_others(self, world: World) -> None:
        user = await world.add_user()
        device = await add_device(world, user)
        here, there = [a_session(device) for _ in range(2)]
        async with world.uow.begin() as tx:
            for session in (there, here):
                await tx.sessions.add(session)
        elsewhere = await world.add_session(user)
        async with world.uow.begin() as tx:
            assert await tx.sessions.end_all_on(user.id, device.id, EndReason.DEVICE_FORGOTTEN, SOON) == (
                here.id,
                there.id,
            )
            assert await tx.sessions.end_all_on(user.id, device.id, EndReason.DEVICE_FORGOTTEN, SOON) == ()
        ended = replace(here, ended_at=SOON, end_reason=EndReason.DEVICE_FORGOTTEN)
        assert await world.session(here.id) == ended
        assert await world.session(elsewhere.id) == elsewhere

    async def test_a_proof_is_noted_while_the_session_goes_on(self, world: World) -> None:
        user = await world.add_user()
        session, other = await world.add_session(user), await world.add_session(user)
        async with world.uow.begin() as tx:
            await tx.sessions.end(other.id, EndReason.LOGOUT, SOON)
            await tx.sessions.mark_proven(session.id, SOON)
            await tx.sessions.mark_proven(other.id, SOON)
            await tx.sessions.mark_proven(SessionId(an_id()), SOON)
        assert await world.session(session.id) == replace(session, authenticated_at=SOON)
        over = await world.session(other.id)
        assert over is not None
        assert over.authenticated_at == other.authenticated_at


class DeviceReaderContract(Contract):
    """Fixture: `world`."""

    async def test_devices_come_with_the_last_seen_first_and_then_the_newest(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        first = await add_device(world, user, last_seen_at=NOW)
        second = await add_device(world, user, last_seen_at=NOW)
        third = await add_device(world, user, last_seen_at=NOW + TICK)
        await add_device(world, other)
        listed = await world.devices.of_user(user.id, current=None)
        assert [one.device for one in listed] == [third, second, first]

    async def test_a_device_is_known_while_it_has_a_token(self, world: World) -> None:
        user = await world.add_user()
        device, other = await add_device(world, user), await add_device(world, user)
        await add_token(world, device)
        listed = {one.device.id: one.is_known for one in await world.devices.of_user(user.id, current=None)}
        assert listed == {device.id: True, other.id: False}

    async def test_the_current_device_is_that_of_the_session_that_asks(self, world: World) -> None:
        user = await world.add_user()
        session = await world.add_session(user)
        other = await add_device(world, user)
        listed = await world.devices.of_user(user.id, current=session.id)
        assert {one.device.id: one.is_current for one in listed} == {session.device_id: True, other.id: False}
        assert ListedDevice(device=other, is_known=False, is_current=False) in listed
