"""What every store and every reader of sessions owes."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from revenge_core.feed import Change
from revenge_core.ids import DeviceId, SessionId, UserId
from revenge_core.sessions.entities import ClientType, Device, EndReason, Session, Sighting
from revenge_core.testing.builders import NOW, a_device, an_id
from revenge_core.testing.contracts.world import RACERS, Contract, World, race

SOON = NOW + timedelta(minutes=10)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


async def end(world: World, session: Session, reason: EndReason = EndReason.LOGOUT, at: datetime = SOON) -> bool:
    """End the session in a transaction of its own, and tell readers."""
    async with world.uow.begin() as tx:
        ended = await tx.sessions.end(session.id, reason, at)
        tx.feed.publish(Change.of_session(session.id))
    await world.settle()
    return ended


async def see(world: World, *sightings: Sighting) -> None:
    """Note activity in a transaction of its own."""
    async with world.uow.begin() as tx:
        await tx.sessions.mark_seen(sightings)


class SessionStoreContract(Contract):
    """Fixture: `world`."""

    async def test_a_session_comes_back_as_it_was_kept(self, world: World) -> None:
        user = await world.add_user()
        session = await world.add_session(
            user,
            epoch=2,
            device_name="Zoës Küche",
            methods=("pwd", "otp"),
            level=2,
            address="2001:db8::7",
            authenticated_at=NOW + TICK,
            last_activity_at=NOW + 2 * TICK,
        )
        assert await world.session(session.id) == session

    @pytest.mark.parametrize("client_type", ClientType)
    async def test_a_session_of_an_unknown_device_comes_back_as_it_was_kept(
        self, world: World, client_type: ClientType
    ) -> None:
        user = await world.add_user()
        session = await world.add_session(
            user, client_type=client_type, device_name=None, user_agent=None, address=None, methods=()
        )
        assert await world.session(session.id) == session

    async def test_times_come_back_in_utc(self, world: World) -> None:
        session = await world.add_session(await world.add_user())
        kept = await world.session(session.id)
        assert kept is not None
        times = (kept.created_at, kept.authenticated_at, kept.last_activity_at, kept.idle_expires_at, kept.expires_at)
        assert [time.utcoffset() for time in times] == [timedelta(0)] * 5

    async def test_there_is_no_session_that_was_never_added(self, world: World) -> None:
        await world.add_session(await world.add_user())
        assert await world.session(SessionId(an_id())) is None

    @pytest.mark.parametrize("reason", EndReason)
    async def test_an_ended_session_says_when_and_why(self, world: World, reason: EndReason) -> None:
        session = await world.add_session(await world.add_user())
        assert await end(world, session, reason)
        assert await world.session(session.id) == replace(session, ended_at=SOON, end_reason=reason)

    async def test_a_session_ends_once(self, world: World) -> None:
        session = await world.add_session(await world.add_user())
        assert await end(world, session, EndReason.LOGOUT, SOON)
        assert not await end(world, session, EndReason.REVOKED, SOON + HOUR)
        assert await world.session(session.id) == replace(session, ended_at=SOON, end_reason=EndReason.LOGOUT)

    async def test_a_session_that_never_was_cannot_end(self, world: World) -> None:
        async with world.uow.begin() as tx:
            assert not await tx.sessions.end(SessionId(an_id()), EndReason.LOGOUT, SOON)

    async def test_of_many_who_end_a_session_one_did(self, world: World) -> None:
        session = await world.add_session(await world.add_user())
        outcomes = await race(lambda: end(world, session))
        assert sorted(outcomes, key=bool) == [False] * (RACERS - 1) + [True]

    async def test_all_sessions_of_a_user_end_but_the_one_to_keep(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        first, kept, last = [await world.add_session(user) for _ in range(3)]
        strangers = await world.add_session(other)
        async with world.uow.begin() as tx:
            ended = await tx.sessions.end_all_of(user.id, EndReason.REVOKED, SOON, keep=kept.id)
        assert ended == (first.id, last.id)
        assert await world.session(first.id) == replace(first, ended_at=SOON, end_reason=EndReason.REVOKED)
        assert await world.session(kept.id) == kept
        assert await world.session(strangers.id) == strangers

    async def test_ended_sessions_are_told_by_id_whatever_their_age(self, world: World) -> None:
        user = await world.add_user()
        ids = [SessionId(an_id()) for _ in range(4)]
        for session_id in reversed(ids):
            await world.add_session(user, id=session_id)
        async with world.uow.begin() as tx:
            assert await tx.sessions.end_all_of(user.id, EndReason.REVOKED, SOON, keep=None) == tuple(ids)

    async def test_what_ended_before_is_left_out_and_what_expired_is_not(self, world: World) -> None:
        user = await world.add_user()
        over = await world.add_session(user)
        await end(world, over)
        expired = await world.add_session(user, idle_expires_at=NOW + TICK)
        async with world.uow.begin() as tx:
            assert await tx.sessions.end_all_of(user.id, EndReason.REVOKED, SOON, keep=None) == (expired.id,)
            assert await tx.sessions.end_all_of(user.id, EndReason.REVOKED, SOON, keep=None) == ()

    async def test_the_oldest_sessions_go_first(self, world: World) -> None:
        user = await world.add_user()
        young = await world.add_session(user, created_at=NOW + 2 * TICK)
        middle = await world.add_session(user, created_at=NOW + TICK)
        old = await world.add_session(user, created_at=NOW)
        async with world.uow.begin() as tx:
            ended = await tx.sessions.end_oldest_beyond(user.id, 1, EndReason.EVICTED, SOON)
        assert set(ended) == {old.id, middle.id}
        assert await world.session(young.id) == young
        assert await world.session(old.id) == replace(old, ended_at=SOON, end_reason=EndReason.EVICTED)

    async def test_among_sessions_of_the_same_age_the_smaller_id_goes_first(self, world: World) -> None:
        user = await world.add_user()
        ids = [SessionId(an_id()) for _ in range(3)]
        for session_id in reversed(ids):
            await world.add_session(user, id=session_id)
        async with world.uow.begin() as tx:
            assert await tx.sessions.end_oldest_beyond(user.id, 2, EndReason.EVICTED, SOON) == (ids[0],)

    async def test_only_live_sessions_of_that_user_count_towards_the_limit(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        await end(world, await world.add_session(user))
        await world.add_session(user, idle_expires_at=SOON)
        await world.add_session(user, idle_expires_at=SOON, expires_at=SOON)
        await world.add_session(other)
        live = [await world.add_session(user, created_at=NOW + TICK * age) for age in (1, 2)]
        async with world.uow.begin() as tx:
            assert await tx.sessions.end_oldest_beyond(user.id, 2, EndReason.EVICTED, SOON) == ()
            assert await tx.sessions.end_oldest_beyond(user.id, 1, EndReason.EVICTED, SOON) == (live[0].id,)

    async def test_a_restamped_session_carries_the_new_epoch(self, world: World) -> None:
        user = await world.add_user()
        session, other = await world.add_session(user), await world.add_session(user)
        async with world.uow.begin() as tx:
            await tx.sessions.restamp(session.id, 5)
        assert await world.session(session.id) == replace(session, epoch=5)
        assert await world.session(other.id) == other

    async def test_sliding_moves_activity_and_the_idle_end(self, world: World) -> None:
        session = await world.add_session(await world.add_user())
        async with world.uow.begin() as tx:
            await tx.sessions.slide(session.id, at=SOON, idle_expires_at=SOON + HOUR)
        moved = replace(session, last_activity_at=SOON, idle_expires_at=SOON + HOUR)
        assert await world.session(session.id) == moved

    async def test_sliding_never_passes_the_absolute_end(self, world: World) -> None:
        session = await world.add_session(await world.add_user())
        async with world.uow.begin() as tx:
            await tx.sessions.slide(session.id, at=SOON, idle_expires_at=session.expires_at + HOUR)
        moved = replace(session, last_activity_at=SOON, idle_expires_at=session.expires_at)
        assert await world.session(session.id) == moved

    async def test_sliding_never_goes_back_in_time(self, world: World) -> None:
        session = await world.add_session(await world.add_user())
        async with world.uow.begin() as tx:
            await tx.sessions.slide(session.id, at=NOW - HOUR, idle_expires_at=NOW)
        assert await world.session(session.id) == session


class SightingsContract(Contract):
    """What a store of sessions owes to activity, noted for many sessions at once. Fixture: `world`."""

    async def test_activity_moves_the_idle_end_along(self, world: World) -> None:
        user = await world.add_user()
        first, second, unseen = [await world.add_session(user) for _ in range(3)]
        await see(
            world,
            Sighting(session_id=first.id, at=SOON, address="2001:db8::9"),
            Sighting(session_id=second.id, at=SOON + TICK, address="192.0.2.9"),
        )
        assert await world.session(first.id) == replace(
            first, last_activity_at=SOON, idle_expires_at=SOON + HOUR, address="2001:db8::9"
        )
        assert await world.session(second.id) == replace(
            second, last_activity_at=SOON + TICK, idle_expires_at=SOON + TICK + HOUR, address="192.0.2.9"
        )
        assert await world.session(unseen.id) == unseen

    async def test_activity_without_an_address_keeps_the_known_one(self, world: World) -> None:
        session = await world.add_session(await world.add_user(), address="192.0.2.7")
        await see(world, Sighting(session_id=session.id, at=SOON, address=None))
        kept = await world.session(session.id)
        assert kept is not None
        assert (kept.address, kept.last_activity_at) == ("192.0.2.7", SOON)

    async def test_activity_never_goes_back_in_time(self, world: World) -> None:
        session = await world.add_session(await world.add_user())
        await see(world, Sighting(session_id=session.id, at=NOW - HOUR, address=session.address))
        assert await world.session(session.id) == session

    async def test_activity_never_passes_the_absolute_end(self, world: World) -> None:
        session = await world.add_session(await world.add_user(), expires_at=NOW + HOUR + TICK)
        await see(world, Sighting(session_id=session.id, at=SOON, address=session.address))
        moved = replace(session, last_activity_at=SOON, idle_expires_at=NOW + HOUR + TICK)
        assert await world.session(session.id) == moved

    async def test_activity_does_not_raise_the_dead(self, world: World) -> None:
        user = await world.add_user()
        ended = await world.add_session(user)
        await end(world, ended)
        idle = await world.add_session(user, idle_expires_at=SOON)
        too_old = await world.add_session(user, idle_expires_at=SOON, expires_at=SOON)
        dead = [await world.session(session.id) for session in (ended, idle, too_old)]
        await see(world, *(Sighting(session_id=s.id, at=SOON, address="192.0.2.9") for s in (ended, idle, too_old)))
        assert [await world.session(session.id) for session in (ended, idle, too_old)] == dead

    async def test_activity_of_unknown_sessions_or_none_at_all_does_nothing(self, world: World) -> None:
        await see(world)
        await see(world, Sighting(session_id=SessionId(an_id()), at=SOON, address=None))


class DevicesContract(Contract):
    """What a store of sessions owes to devices. Fixture: `world`."""

    async def test_a_new_device_is_kept_as_it_is(self, world: World) -> None:
        user = await world.add_user()
        device = a_device(user.id, name=None, platform=None, last_address=None)
        async with world.uow.begin() as tx:
            assert (await tx.sessions.put_device(device)).device == device

    async def test_a_known_device_keeps_its_id_and_notes_address_and_time(self, world: World) -> None:
        user = await world.add_user()
        known = a_device(user.id)
        seen = replace(known, id=DeviceId(an_id()), created_at=SOON, last_seen_at=SOON, last_address="2001:db8::9")
        async with world.uow.begin() as tx:
            await tx.sessions.put_device(known)
        async with world.uow.begin() as tx:
            kept = await tx.sessions.put_device(seen)
        assert kept.device == replace(known, last_seen_at=SOON, last_address="2001:db8::9")

    async def test_the_same_fingerprint_of_another_user_is_another_device(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        mine = a_device(user.id)
        theirs = a_device(other.id, fingerprint=mine.fingerprint)
        async with world.uow.begin() as tx:
            await tx.sessions.put_device(mine)
            assert (await tx.sessions.put_device(theirs)).device == theirs

    async def test_many_who_bring_the_same_device_get_the_same(self, world: World) -> None:
        user = await world.add_user()

        async def bring() -> Device:
            async with world.uow.begin() as tx:
                return (await tx.sessions.put_device(a_device(user.id, fingerprint="app"))).device

        brought = await race(bring)
        assert len({device.id for device in brought if isinstance(device, Device)}) == 1
        assert all(isinstance(device, Device) for device in brought)


class SessionReaderContract(Contract):
    """Fixture: `world`."""

    async def test_live_sessions_come_with_the_latest_activity_first(self, world: World) -> None:
        user = await world.add_user()
        middle = await world.add_session(user, last_activity_at=NOW + TICK)
        last = await world.add_session(user, last_activity_at=NOW)
        first = await world.add_session(user, last_activity_at=NOW + 2 * TICK)
        assert await world.sessions.live_of(user.id, SOON) == (first, middle, last)

    async def test_sessions_of_the_same_activity_come_with_the_larger_id_first(self, world: World) -> None:
        user = await world.add_user()
        sessions = [await world.add_session(user) for _ in range(4)]
        assert await world.sessions.live_of(user.id, SOON) == tuple(reversed(sessions))

    async def test_sessions_of_others_are_left_out(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        await world.add_session(other)
        assert await world.sessions.live_of(user.id, SOON) == ()

    async def test_an_unknown_user_has_no_sessions(self, world: World) -> None:
        await world.add_session(await world.add_user())
        assert await world.sessions.live_of(UserId(an_id()), SOON) == ()

    async def test_an_ended_session_is_left_out(self, world: World) -> None:
        user = await world.add_user()
        session = await world.add_session(user)
        assert await world.sessions.live_of(user.id, SOON) == (session,)
        await end(world, session)
        assert await world.sessions.live_of(user.id, SOON) == ()

    async def test_a_session_is_live_until_just_before_it_expires(self, world: World) -> None:
        user = await world.add_user()
        idle = await world.add_session(user, idle_expires_at=SOON)
        absolute = await world.add_session(user, idle_expires_at=SOON + HOUR, expires_at=SOON + HOUR)
        assert await world.sessions.live_of(user.id, SOON - TICK) == (absolute, idle)
        assert await world.sessions.live_of(user.id, SOON) == (absolute,)
        assert await world.sessions.live_of(user.id, SOON + HOUR) == ()

    async def test_a_session_of_an_older_credential_is_left_out(self, world: World) -> None:
        user = await world.add_user(epoch=1)
        await world.add_session(user, epoch=0)
        present = await world.add_session(user, epoch=1)
        assert await world.sessions.live_of(user.id, SOON) == (present,)
