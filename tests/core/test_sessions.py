from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_core.activity.entities import Action
from revenge_core.actor import Actor
from revenge_core.auth.entities import SignedIn
from revenge_core.errors import Unauthenticated
from revenge_core.feed import Change
from revenge_core.ids import SessionId
from revenge_core.permissions import Permission
from revenge_core.rbac.errors import RoleTooPowerful
from revenge_core.sessions.entities import ClientType, EndReason, Lifetime, Session, SessionRules
from revenge_core.sessions.errors import SessionEnded, SessionNotFound
from revenge_core.testing.builders import an_actor, an_id
from tests.core.admins import helper
from tests.core.people import PASSWORD, act, admin, entries, is_signed_in, join, register, sign_in


def ids(sessions: tuple[Session, ...]) -> list[SessionId]:
    return [session.id for session in sessions]


async def sign_in_times(box: Sandbox, count: int) -> list[SignedIn]:
    """That many sign-ins, a second apart."""
    signed_in: list[SignedIn] = []
    for _ in range(count):
        box.clock.advance(seconds=1)
        signed_in.append(await sign_in(box))
    return signed_in


@pytest.mark.asvs("7.5.2")
async def test_somebody_sees_their_own_live_sessions_the_latest_first(box: Sandbox) -> None:
    await register(box)
    first, second, third = await sign_in_times(box, 3)
    await join(box, "eve")
    actor = await act(box, first)
    await box.revenge.auth.logout(await act(box, second))
    assert ids(await box.revenge.sessions.list(actor)) == [third.session.id, first.session.id]
    assert ids(await box.revenge.sessions.list(actor, first.user.id)) == [third.session.id, first.session.id]


async def test_sessions_of_others_are_for_who_may_list_them(box: Sandbox) -> None:
    here, theirs = await join(box), await join(box, "eve")
    with pytest.raises(SessionNotFound):
        await box.revenge.sessions.list(await act(box, here), theirs.user.id)
    for actor in (await admin(box), Actor.host(), an_actor(here.user, Permission.SESSIONS_LIST)):
        assert ids(await box.revenge.sessions.list(actor, theirs.user.id)) == [theirs.session.id]


async def test_nobody_sees_no_sessions(box: Sandbox) -> None:
    here = await join(box)
    with pytest.raises(Unauthenticated):
        await box.revenge.sessions.list(Actor.anonymous())
    with pytest.raises(SessionNotFound):
        await box.revenge.sessions.list(Actor.anonymous(), here.user.id)


async def test_defect_30_the_current_session_is_the_one_that_was_come_with(box: Sandbox) -> None:
    await register(box)
    _, second, _ = await sign_in_times(box, 3)
    assert (await box.revenge.sessions.current(await act(box, second))).id == second.session.id


async def test_a_current_session_that_is_over_is_not_found(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    await box.revenge.auth.logout(actor)
    with pytest.raises(SessionNotFound):
        await box.revenge.sessions.current(actor)


async def test_somebody_without_a_session_has_no_current_one(box: Sandbox) -> None:
    here = await join(box)
    for actor in (Actor.anonymous(), Actor.host(), an_actor(here.user)):
        for use in (box.revenge.sessions.current, box.revenge.sessions.revoke_current):
            with pytest.raises(Unauthenticated):
                await use(actor)


async def test_one_session_can_be_ended(box: Sandbox) -> None:
    here, there = await join(box), await sign_in(box)
    await box.revenge.sessions.revoke(await act(box, here), there.session.id)
    assert [await is_signed_in(box, each) for each in (here, there)] == [True, False]
    with pytest.raises(SessionEnded):
        await act(box, there)
    assert box.rows.sessions[there.session.id].end_reason is EndReason.REVOKED
    (entry,) = entries(box, Action.SESSION_REVOKE)
    assert (entry.actor_id, entry.resource_id, entry.on_behalf_of) == (here.user.id, there.session.id, None)
    assert box.changes[-1] == Change.of_session(there.session.id)


async def test_a_session_that_is_not_ones_own_is_as_if_it_never_was(box: Sandbox) -> None:
    here, theirs = await join(box), await join(box, "eve")
    actor = await act(box, here)
    over = await sign_in(box)
    await box.revenge.auth.logout(await act(box, over))
    for session_id in (theirs.session.id, over.session.id, SessionId(an_id())):
        for revoke in (box.revenge.sessions.revoke, box.revenge.administration.revoke_session):
            with pytest.raises(SessionNotFound) as refused:
                await revoke(actor, session_id)
            assert refused.value.detail == SessionNotFound.title
    assert await is_signed_in(box, theirs)
    assert entries(box, Action.SESSION_REVOKE) == []


@pytest.mark.asvs("7.4.5")
async def test_who_may_revoke_sessions_ends_those_of_others_on_their_behalf(box: Sandbox) -> None:
    theirs, actor = await join(box, "eve"), await admin(box)
    with pytest.raises(SessionNotFound):
        await box.revenge.sessions.revoke(actor, theirs.session.id)
    await box.revenge.administration.revoke_session(actor, theirs.session.id)
    assert not await is_signed_in(box, theirs)
    (entry,) = entries(box, Action.SESSION_REVOKE)
    assert (entry.actor_id, entry.on_behalf_of) == (actor.user_id, theirs.user.id)


@pytest.mark.asvs("8.3.1")
async def test_seeing_sessions_of_others_is_not_yet_ending_them(box: Sandbox) -> None:
    here, theirs = await join(box), await join(box, "eve")
    actor = an_actor(here.user, Permission.SESSIONS_LIST)
    with pytest.raises(SessionNotFound):
        await box.revenge.administration.revoke_session(actor, theirs.session.id)
    assert await is_signed_in(box, theirs)


@pytest.mark.asvs("8.2.2", "8.3.1")
async def test_nobody_ends_a_session_of_somebody_who_may_do_more(box: Sandbox) -> None:
    helpful = await helper(box, Permission.SESSIONS_REVOKE)
    await admin(box)
    boss, eve = await sign_in(box, "root"), await join(box, "eve")
    with pytest.raises(RoleTooPowerful):
        await box.revenge.administration.revoke_session(helpful, boss.session.id)
    assert await is_signed_in(box, boss)
    await box.revenge.administration.revoke_session(helpful, eve.session.id)
    assert not await is_signed_in(box, eve)
    with pytest.raises(SessionNotFound):
        await box.revenge.administration.revoke_session(helpful, eve.session.id)
    assert len(entries(box, Action.SESSION_REVOKE)) == 1


async def test_whoever_holds_more_than_they_may_now_still_ends_their_own_session(box: Sandbox) -> None:
    await admin(box)
    boss = await sign_in(box, "root")
    narrowed = replace(await act(box, boss), permissions=frozenset({Permission.SESSIONS_REVOKE}))
    await box.revenge.administration.revoke_session(narrowed, boss.session.id)
    assert not await is_signed_in(box, boss)


async def test_the_hosts_shell_ends_any_session(box: Sandbox) -> None:
    await admin(box)
    boss = await sign_in(box, "root")
    await box.revenge.administration.revoke_session(Actor.host(), boss.session.id)
    assert not await is_signed_in(box, boss)


async def test_nobody_ends_no_session(box: Sandbox) -> None:
    here = await join(box)
    for revoke in (box.revenge.sessions.revoke, box.revenge.administration.revoke_session):
        with pytest.raises(Unauthenticated):
            await revoke(Actor.anonymous(), here.session.id)
    with pytest.raises(Unauthenticated):
        await box.revenge.sessions.revoke_all(Actor.anonymous())


async def test_the_current_session_can_be_ended_and_again_without_effect(box: Sandbox) -> None:
    here, there = await join(box), await sign_in(box)
    actor = await act(box, here)
    await box.revenge.sessions.revoke_current(actor)
    await box.revenge.sessions.revoke_current(actor)
    assert [await is_signed_in(box, each) for each in (here, there)] == [False, True]
    assert len(entries(box, Action.SESSION_REVOKE)) == 1


async def test_all_of_ones_sessions_can_be_ended(box: Sandbox) -> None:
    here, there, theirs = await join(box), await sign_in(box), await join(box, "eve")
    box.changes.clear()
    assert await box.revenge.sessions.revoke_all(await act(box, here)) == 2
    assert [await is_signed_in(box, each) for each in (here, there, theirs)] == [False, False, True]
    assert box.changes == [Change.of_session(each.session.id) for each in (here, there)]
    (entry,) = entries(box, Action.SESSION_REVOKE_ALL)
    assert (entry.resource_id, entry.reason, entry.on_behalf_of) == (here.user.id, "2 ended", None)


@pytest.mark.asvs("7.4.3")
async def test_defect_30_all_the_others_can_be_ended_without_the_current_one(box: Sandbox) -> None:
    here, there = await join(box), await sign_in(box)
    assert await box.revenge.sessions.revoke_all(await act(box, here), except_current=True) == 1
    assert [await is_signed_in(box, each) for each in (here, there)] == [True, False]


@pytest.mark.asvs("7.1.2")
async def test_defect_38_the_eleventh_session_ends_the_oldest(box: Sandbox) -> None:
    await register(box)
    theirs = await join(box, "eve")
    signed_in = await sign_in_times(box, 12)
    live = ids(await box.revenge.sessions.list(Actor.host(), signed_in[0].user.id))
    assert live == [each.session.id for each in reversed(signed_in[2:])]
    assert await is_signed_in(box, theirs)
    assert [box.rows.sessions[each.session.id].end_reason for each in signed_in[:3]] == [
        EndReason.EVICTED,
        EndReason.EVICTED,
        None,
    ]
    assert [entry.resource_id for entry in entries(box, Action.SESSION_EVICT)] == [
        each.session.id for each in signed_in[:2]
    ]
    assert Change.of_session(signed_in[0].session.id) in box.changes


async def test_sessions_that_are_over_do_not_count(box: Sandbox) -> None:
    await register(box)
    first, second = await sign_in_times(box, 2)
    await box.revenge.auth.logout(await act(box, second))
    await sign_in_times(box, 9)
    assert await is_signed_in(box, first)


@pytest.mark.asvs("7.3.1")
async def test_lifetimes_differ_by_kind_of_client() -> None:
    hour = timedelta(hours=1)
    rules = SessionRules(
        app=Lifetime(idle=hour, absolute=10 * hour),
        browser=Lifetime(idle=2 * hour, absolute=20 * hour),
        tv=Lifetime(idle=30 * hour, absolute=3 * hour),
    )
    box = sandbox(session_rules=rules)
    await register(box)
    lives: dict[ClientType, tuple[timedelta, timedelta]] = {}
    for kind in ClientType:
        session = (await box.revenge.auth.login("ada", PASSWORD, client_type=kind)).session
        lives[kind] = (session.idle_expires_at - session.created_at, session.expires_at - session.created_at)
    assert lives == {
        ClientType.APP: (hour, 10 * hour),
        ClientType.BROWSER: (2 * hour, 20 * hour),
        ClientType.TV: (3 * hour, 3 * hour),  # idle never passes the absolute end
    }


async def test_a_replaced_password_leaves_only_the_restamped_session_in_the_list(box: Sandbox) -> None:
    here, there = await join(box), await sign_in(box)
    box.rows.users[here.user.id] = replace(box.rows.users[here.user.id], epoch=1)
    box.rows.sessions[here.session.id] = replace(box.rows.sessions[here.session.id], epoch=1)
    assert ids(await box.revenge.sessions.list(Actor.host(), here.user.id)) == [here.session.id]
    assert not await is_signed_in(box, there)
