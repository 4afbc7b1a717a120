"""What every store of sessions owes to their upkeep: closing what is over, forgetting what was kept long enough."""

import asyncio
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from revenge_core.sessions.entities import Device, EndReason, Session
from revenge_core.testing.builders import NOW, a_device, a_session
from revenge_core.testing.contracts.world import Contract, World, let_others_run, race
from revenge_core.users.entities import User

SOON = NOW + timedelta(minutes=10)
LATER = NOW + timedelta(days=40)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


async def end_expired(world: World, by: datetime, limit: int = 100) -> list[EndReason]:
    """Close in a transaction of its own; why, in alphabetical order."""
    async with world.uow.begin() as tx:
        return sorted(await tx.sessions.end_expired(by=by, limit=limit))


async def forget_ended(world: World, before: datetime = LATER, limit: int = 100) -> int:
    """Forget sessions in a transaction of its own; how many rows went."""
    async with world.uow.begin() as tx:
        return await tx.sessions.forget_ended(before=before, limit=limit)


async def forget_devices(world: World, unseen_since: datetime, limit: int = 100) -> int:
    """Forget devices in a transaction of its own; how many there were."""
    async with world.uow.begin() as tx:
        return await tx.sessions.forget_devices(unseen_since=unseen_since, limit=limit)


async def an_ended_session(world: World, user: User, at: datetime = SOON, tokens: int = 0) -> Session:
    """A session that ended, with as many refresh tokens; committed."""
    session = await world.add_session(user, ended_at=at, end_reason=EndReason.LOGOUT)
    for _ in range(tokens):
        await world.add_refresh_token(session)
    return session


async def add_device(world: World, user: User, **changes: object) -> Device:
    """A device, committed."""
    device = a_device(user.id, **changes)
    async with world.uow.begin() as tx:
        return (await tx.sessions.put_device(device)).device


async def is_known(world: World, device: Device) -> bool:
    """Whether the device is still there, asked as a sign-in would; afterwards it is."""
    async with world.uow.begin() as tx:
        again = a_device(device.user_id, fingerprint=device.fingerprint)
        return (await tx.sessions.put_device(again)).device.id == device.id


class ExpiredSessionsContract(Contract):
    """Closing sessions whose time is over. Fixture: `world`."""

    async def test_a_session_that_was_idle_for_too_long_ended_when_it_had_been(self, world: World) -> None:
        session = await world.add_session(await world.add_user(), idle_expires_at=SOON, expires_at=SOON + TICK)
        assert await end_expired(world, LATER) == [EndReason.IDLE]
        assert await world.session(session.id) == replace(session, ended_at=SOON, end_reason=EndReason.IDLE)

    async def test_a_session_that_was_used_until_its_end_expired(self, world: World) -> None:
        session = await world.add_session(await world.add_user(), idle_expires_at=SOON, expires_at=SOON)
        assert await end_expired(world, LATER) == [EndReason.EXPIRED]
        assert await world.session(session.id) == replace(session, ended_at=SOON, end_reason=EndReason.EXPIRED)

    @pytest.mark.parametrize(("idle", "absolute"), [(SOON, LATER), (SOON, SOON)])
    async def test_a_session_stays_open_until_the_given_time_reaches_its_end(
        self, world: World, idle: datetime, absolute: datetime
    ) -> None:
        session = await world.add_session(await world.add_user(), idle_expires_at=idle, expires_at=absolute)
        assert await end_expired(world, SOON - TICK) == []
        assert await world.session(session.id) == session
        assert len(await end_expired(world, SOON)) == 1
        assert await end_expired(world, SOON) == []

    async def test_what_ended_before_stays_as_it_is(self, world: World) -> None:
        session = await an_ended_session(world, await world.add_user())
        assert await end_expired(world, LATER) == []
        assert await world.session(session.id) == session

    async def test_sessions_of_everybody_are_closed_up_to_so_many_at_a_time(self, world: World) -> None:
        people = [await world.add_user() for _ in range(5)]
        sessions = [await world.add_session(user, idle_expires_at=SOON) for user in people]
        closed = [len(await end_expired(world, LATER, limit=2)) for _ in range(4)]
        assert closed == [2, 2, 1, 0]
        assert {kept.end_reason for one in sessions if (kept := await world.session(one.id))} == {EndReason.IDLE}

    async def test_of_many_who_close_at_once_each_session_is_closed_by_one(self, world: World) -> None:
        user = await world.add_user()
        for _ in range(12):
            await world.add_session(user, idle_expires_at=SOON)
        closed = await race(lambda: end_expired(world, LATER, limit=3))
        counts = [len(reasons) for reasons in closed if not isinstance(reasons, BaseException)]
        assert len(counts) == len(closed)
        assert sum(counts) + len(await end_expired(world, LATER)) == 12

    async def test_a_session_that_is_renewed_at_the_same_time_stays_open(self, world: World) -> None:
        session = await world.add_session(await world.add_user(), idle_expires_at=SOON)
        token = await world.add_refresh_token(session)
        locked, may_end = asyncio.Event(), asyncio.Event()

        async def renew() -> None:
            async with world.uow.begin() as tx:
                await tx.refresh_tokens.lock_family(token.token_hash)
                locked.set()
                await may_end.wait()
                await tx.sessions.slide(session.id, at=SOON - TICK, idle_expires_at=SOON + HOUR)

        renewing = asyncio.create_task(renew())
        await locked.wait()
        closing = asyncio.create_task(end_expired(world, SOON))
        await let_others_run()
        may_end.set()
        await renewing
        assert await closing == []
        kept = await world.session(session.id)
        assert kept is not None
        assert kept.ended_at is None


class EndedSessionsContract(Contract):
    """Forgetting sessions that ended long ago. Fixture: `world`."""

    async def test_an_ended_session_is_forgotten_with_its_refresh_tokens(self, world: World) -> None:
        user = await world.add_user()
        session = await an_ended_session(world, user)
        token = await world.add_refresh_token(session)
        assert await forget_ended(world) == 2
        assert await forget_ended(world) == 0
        assert await world.session(session.id) is None
        assert await world.family(token.token_hash) is None

    async def test_a_session_is_kept_until_it_ended_before_the_given_time(self, world: World) -> None:
        session = await an_ended_session(world, await world.add_user(), at=SOON)
        assert await forget_ended(world, SOON) == 0
        assert await world.session(session.id) == session
        assert await forget_ended(world, SOON + TICK) == 1

    async def test_an_open_session_is_kept_with_every_token_however_old(self, world: World) -> None:
        user = await world.add_user()
        session = await world.add_session(user, idle_expires_at=SOON, expires_at=SOON)
        token = await world.add_refresh_token(session)
        parent = await world.add_refresh_token(session, rotated_at=NOW, child_hash=token.token_hash)
        assert await forget_ended(world) == 0
        assert await world.session(session.id) == session
        assert await world.family(token.token_hash) is not None
        assert await world.family(parent.token_hash) is not None

    async def test_the_longest_ended_go_first_and_not_more_than_asked_for(self, world: World) -> None:
        user = await world.add_user()
        last, first, middle = [await an_ended_session(world, user, at=SOON + age * TICK) for age in (2, 0, 1)]
        assert await forget_ended(world, limit=1) == 1
        assert await world.session(first.id) is None
        assert await forget_ended(world, limit=1) == 1
        assert await world.session(middle.id) is None
        assert await world.session(last.id) == last

    async def test_of_a_long_chain_not_more_goes_at_a_time_and_its_session_goes_last(self, world: World) -> None:
        session = await an_ended_session(world, await world.add_user(), tokens=7)
        gone = 0
        while await world.session(session.id) is not None:
            step = await forget_ended(world, limit=3)
            assert 0 < step <= 4
            gone += step
        assert gone == 8
        assert await forget_ended(world) == 0

    async def test_of_many_who_forget_at_once_each_row_goes_once(self, world: World) -> None:
        user = await world.add_user()
        for _ in range(6):
            await an_ended_session(world, user, tokens=2)
        gone = await race(lambda: forget_ended(world, limit=4))
        counts = [count for count in gone if isinstance(count, int)]
        assert len(counts) == len(gone)
        rest = 0
        while step := await forget_ended(world, limit=4):
            rest += step
        assert sum(counts) + rest == 6 * 3


class UnusedDevicesContract(Contract):
    """Forgetting devices that nobody uses any more. Fixture: `world`."""

    async def test_a_device_is_forgotten_that_was_not_seen_since(self, world: World) -> None:
        device = await add_device(world, await world.add_user(), last_seen_at=SOON)
        assert await forget_devices(world, SOON) == 0
        assert await forget_devices(world, SOON + TICK) == 1
        assert not await is_known(world, device)

    @pytest.mark.parametrize("is_over", [False, True])
    async def test_a_device_is_kept_as_long_as_it_has_a_session(self, world: World, *, is_over: bool) -> None:
        user = await world.add_user()
        device = await add_device(world, user)
        session = a_session(device)
        if is_over:
            session = replace(session, ended_at=SOON, end_reason=EndReason.LOGOUT)
        async with world.uow.begin() as tx:
            await tx.sessions.add(session)
        assert await forget_devices(world, LATER) == 0
        assert await world.session(session.id) == session
        assert await is_known(world, device)

    async def test_a_device_was_seen_when_its_last_session_was_used_last(self, world: World) -> None:
        user = await world.add_user()
        device = await add_device(world, user, last_seen_at=NOW)
        for used_at in (SOON, SOON - HOUR):
            session = a_session(device, last_activity_at=used_at, ended_at=SOON, end_reason=EndReason.LOGOUT)
            async with world.uow.begin() as tx:
                await tx.sessions.add(session)
        assert await forget_ended(world) == 2
        assert await forget_devices(world, SOON) == 0
        assert await forget_devices(world, SOON + TICK) == 1

    async def test_a_device_that_was_seen_since_its_sessions_ended_was_seen_then(self, world: World) -> None:
        device = await add_device(world, await world.add_user(), last_seen_at=SOON)
        session = a_session(device, last_activity_at=NOW, ended_at=NOW, end_reason=EndReason.LOGOUT)
        async with world.uow.begin() as tx:
            await tx.sessions.add(session)
        assert await forget_ended(world) == 1
        assert await forget_devices(world, SOON) == 0

    async def test_devices_of_everybody_go_up_to_so_many_at_a_time(self, world: World) -> None:
        for _ in range(5):
            await add_device(world, await world.add_user())
        assert [await forget_devices(world, SOON, limit=2) for _ in range(4)] == [2, 2, 1, 0]
