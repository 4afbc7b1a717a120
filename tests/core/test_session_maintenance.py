"""What becomes of sessions, refresh tokens and devices when time goes by (decisions I5, I6)."""

from collections import Counter
from datetime import timedelta

import pytest

from revenge_adapters import Sandbox, sandbox
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import ActorKind
from revenge_core.auth.entities import SignedIn
from revenge_core.jobs.errors import JobLost
from revenge_core.secrets import digest
from revenge_core.sessions.entities import EndReason, Lifetime, SessionRules
from revenge_core.sessions.errors import RefreshTokenInvalid
from revenge_core.sessions.jobs import SessionMaintenance
from revenge_core.sessions.policy import CLOSING_GRACE, DEVICE_KEPT, ENDED_KEPT
from revenge_core.testing.attempt import Attempt
from tests.core.people import PASSWORD, SOFA, act, entries, is_signed_in, join, register, sign_in

SHORT = SessionRules(app=Lifetime(idle=timedelta(days=30), absolute=timedelta(days=30)))
IDLE = SessionRules().app.idle
TICK = timedelta(microseconds=1)


async def maintain(box: Sandbox, *, lost_after: int | None = None) -> Attempt:
    attempt = Attempt(lost_after=lost_after)
    await box.revenge.sessions.maintain(SessionMaintenance(), attempt)
    assert attempt.is_completed
    return attempt


def advance(box: Sandbox, time: timedelta) -> None:
    box.clock.advance(seconds=time.total_seconds())


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revenge_core.sessions.service.sessions.BATCH", 2)


async def test_a_session_that_nobody_used_for_too_long_is_closed(box: Sandbox) -> None:
    here = await join(box)
    advance(box, IDLE + CLOSING_GRACE)
    await maintain(box)
    session = box.rows.sessions[here.session.id]
    assert (session.ended_at, session.end_reason) == (here.session.idle_expires_at, EndReason.IDLE)


async def test_a_session_that_was_used_until_its_last_day_is_closed_as_expired() -> None:
    box = sandbox(session_rules=SHORT)
    here = await join(box)
    advance(box, IDLE + CLOSING_GRACE)
    await maintain(box)
    session = box.rows.sessions[here.session.id]
    assert (session.ended_at, session.end_reason) == (here.session.expires_at, EndReason.EXPIRED)


async def test_nobody_is_signed_out_by_it(box: Sandbox) -> None:
    here = await join(box)
    advance(box, IDLE - TICK)
    await maintain(box)
    assert await is_signed_in(box, here)


async def test_use_that_was_noted_in_time_and_is_written_late_still_counts() -> None:
    box = sandbox(session_rules=SessionRules(app=Lifetime(idle=timedelta(minutes=10))))
    here = await join(box)
    box.clock.advance(minutes=9)
    await act(box, here)
    box.clock.advance(minutes=5)
    await maintain(box)
    await box.revenge.sessions.write_sightings()
    assert await is_signed_in(box, here)


async def test_closing_is_told_in_one_entry_and_not_to_the_feed(box: Sandbox) -> None:
    for name in ("ada", "eve"):
        await join(box, name)
    announced = list(box.changes)
    advance(box, IDLE + CLOSING_GRACE)
    await maintain(box)
    await maintain(box)
    (entry,) = entries(box, Action.SESSION_EXPIRE)
    assert (entry.actor_kind, entry.actor_id) == (ActorKind.SYSTEM, None)
    assert entry.changes == {"idle": FieldChange(after=2)}
    assert box.changes == announced


@pytest.mark.usefixtures("small_batches")
async def test_many_sessions_are_closed_a_few_at_a_time_and_each_transaction_has_its_entry(box: Sandbox) -> None:
    await register(box)
    for _ in range(5):
        await sign_in(box)
    advance(box, IDLE + CLOSING_GRACE)
    attempt = await maintain(box)
    assert [entry.changes["idle"].after for entry in entries(box, Action.SESSION_EXPIRE)] == [2, 2, 1]
    assert [(report.phase, report.current) for report in attempt.reports] == [
        ("closing sessions", 2),
        ("closing sessions", 4),
        ("closing sessions", 5),
    ]


@pytest.mark.usefixtures("small_batches")
async def test_who_lost_the_job_stops_and_the_next_one_goes_on(box: Sandbox) -> None:
    await register(box)
    for _ in range(5):
        await sign_in(box)
    advance(box, IDLE + CLOSING_GRACE)
    with pytest.raises(JobLost):
        await maintain(box, lost_after=1)
    assert Counter(session.end_reason for session in box.rows.sessions.values()) == {EndReason.IDLE: 4, None: 1}
    await maintain(box)
    assert Counter(session.end_reason for session in box.rows.sessions.values()) == {EndReason.IDLE: 5}


async def test_an_ended_session_is_forgotten_with_its_tokens_after_thirty_days(box: Sandbox) -> None:
    here = await join(box)
    child = await box.revenge.auth.refresh(here.tokens.refresh_token)
    await box.revenge.auth.logout(await act(box, here))
    advance(box, ENDED_KEPT)
    await maintain(box)
    assert here.session.id in box.rows.sessions
    assert {digest(here.tokens.refresh_token), digest(child.refresh_token)} == box.rows.refresh_tokens.keys()
    advance(box, TICK)
    await maintain(box)
    assert not box.rows.sessions
    assert not box.rows.refresh_tokens
    with pytest.raises(RefreshTokenInvalid):
        await box.revenge.auth.refresh(child.refresh_token)


async def renew_for(box: Sandbox, signed_in: SignedIn, days: int) -> None:
    """Somebody plays every day, while the server keeps house."""
    token = signed_in.tokens.refresh_token
    for _ in range(days):
        box.clock.advance(days=1)
        token = (await box.revenge.auth.refresh(token)).refresh_token
        await maintain(box)


async def test_the_oldest_token_of_a_live_session_is_still_told_from_nonsense(box: Sandbox) -> None:
    here = await join(box)
    await renew_for(box, here, days=89)
    assert await is_signed_in(box, here)
    with pytest.raises(RefreshTokenInvalid):
        await box.revenge.auth.refresh(here.tokens.refresh_token)
    assert box.rows.sessions[here.session.id].end_reason is EndReason.REFRESH_REUSED
    assert len(entries(box, Action.SESSION_REUSE_DETECTED)) == 1


async def test_salts_of_closed_windows_are_erased(box: Sandbox) -> None:
    here = await join(box)
    await box.revenge.auth.refresh(here.tokens.refresh_token)
    parent = digest(here.tokens.refresh_token)
    await maintain(box)
    assert box.rows.refresh_tokens[parent].child_salt is not None
    box.clock.advance(seconds=11)
    await maintain(box)
    assert box.rows.refresh_tokens[parent].child_salt is None


async def play_on(box: Sandbox, name: str) -> None:
    """Ada signs in on a device of hers, and leaves."""
    here = await box.revenge.auth.login("ada", PASSWORD, SOFA, device_name=name)
    await box.revenge.auth.logout(await act(box, here))


async def test_a_device_that_is_used_once_a_year_stays_known(box: Sandbox) -> None:
    await register(box)
    for _ in range(3):
        await play_on(box, "holiday home")
        for _ in range(4):
            box.clock.advance(days=92)
            await maintain(box)
    assert len(entries(box, Action.SESSION_NEW_DEVICE)) == 1


async def test_a_device_is_forgotten_when_it_was_not_used_for_long(box: Sandbox) -> None:
    await register(box)
    await play_on(box, "phone")
    advance(box, DEVICE_KEPT)
    await maintain(box)
    assert len(box.rows.devices) == 1
    advance(box, TICK)
    await maintain(box)
    assert not box.rows.devices
    await play_on(box, "phone")
    assert len(entries(box, Action.SESSION_NEW_DEVICE)) == 2


async def test_a_device_counts_as_used_while_its_session_was(box: Sandbox) -> None:
    years = Lifetime(idle=timedelta(days=30), absolute=timedelta(days=3650))
    box = sandbox(session_rules=SessionRules(app=years))
    here = await join(box)
    await renew_for(box, here, days=500)
    box.clock.advance(days=399)
    await maintain(box)
    assert not box.rows.sessions
    assert len(box.rows.devices) == 1
    box.clock.advance(days=2)
    await maintain(box)
    assert not box.rows.devices


async def test_in_the_end_nothing_is_left_but_the_accounts_and_the_audit_log(box: Sandbox) -> None:
    for name in ("ada", "eve"):
        await join(box, name)
    for _ in range(18):
        box.clock.advance(days=30)
        await maintain(box)
    assert not box.rows.sessions
    assert not box.rows.refresh_tokens
    assert not box.rows.devices
    assert len(box.rows.users) == 2
    assert len(entries(box, Action.USER_LOGIN)) == 2
