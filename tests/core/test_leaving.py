"""Leaving by oneself, coming back, and being erased when the time for that is over."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_adapters.memory.users import MemoryUsers
from revenge_core.accounts.entities import AccountRules
from revenge_core.accounts.jobs import EraseFiles, Purge, tag_of
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import Actor, ActorKind
from revenge_core.auth.errors import CredentialsInvalid
from revenge_core.background import JobState, Planned
from revenge_core.errors import ReauthRequired, Unauthenticated
from revenge_core.feed import Change
from revenge_core.ids import UserId
from revenge_core.rbac.errors import LastAdmin
from revenge_core.sessions.errors import RefreshTokenInvalid, SessionEnded
from revenge_core.testing.attempt import Attempt
from revenge_core.testing.builders import a_png
from revenge_core.testing.contracts.errands import Errand
from revenge_core.users.entities import User
from revenge_core.users.errors import UsernameTaken, UserNotFound
from tests.core.admins import admin, user_of
from tests.core.keys import make, works
from tests.core.people import KITCHEN, act, entries, join, register, sign_in
from tests.core.post import mailed
from tests.errands import enqueue

GRACE = AccountRules().grace


async def leave(box: Sandbox, name: str = "ada") -> User:
    here = await join(box, name)
    await mailed(box, here.user.email)
    return await box.revenge.accounts.delete_me(await act(box, here, KITCHEN))


@pytest.mark.asvs("7.4.2")
@pytest.mark.parametrize("by_themselves", [True, False])
async def test_keys_of_who_comes_back_stay_ended(box: Sandbox, *, by_themselves: bool) -> None:
    here, root = await join(box), await admin(box)
    ada = await act(box, here)
    (made, other), its = [await make(box, ada, name) for name in "ab"], await make(box, root)
    await box.revenge.api_keys.revoke(ada, other.key.id)
    if by_themselves:
        await box.revenge.accounts.delete_me(ada)
    else:
        await box.revenge.administration.delete(root, here.user.id)
    assert box.rows.api_keys[made.key.id].key.revoked_at == box.clock.now()
    assert Change.of_key(made.key.id) in box.changes
    ended = entries(box, Action.APIKEY_REVOKE)[1:]
    who = (here.user.id, None) if by_themselves else (root.user_id, here.user.id)
    assert [(one.resource_id, one.actor_id, one.on_behalf_of) for one in ended] == [(made.key.id, *who)]
    if by_themselves:
        await sign_in(box)
    else:
        await box.revenge.administration.restore(root, here.user.id)
    assert await works(box, made.secret, other.secret, its.secret) == [False, False, True]


async def wait(box: Sandbox, delay: timedelta) -> None:
    box.clock.advance(seconds=delay.total_seconds())


async def test_whoever_leaves_is_signed_out_everywhere_and_told_until_when_they_can_come_back(box: Sandbox) -> None:
    here = await join(box)
    there = await sign_in(box)
    await mailed(box, here.user.email)
    gone = await box.revenge.accounts.delete_me(await act(box, here, KITCHEN))
    assert gone == user_of(box, here.user)
    assert (gone.deleted_at, gone.purge_at, gone.may_return) == (box.clock.now(), box.clock.now() + GRACE, True)
    for session in (here, there):
        with pytest.raises(SessionEnded):
            await act(box, session)
        with pytest.raises(RefreshTokenInvalid):
            await box.revenge.auth.refresh(session.tokens.refresh_token)
    assert Change.of_user(gone.id) in box.changes
    (message,) = await mailed(box, here.user.email)
    assert f"{gone.purge_at:%Y-%m-%d}" in message.email.text.reveal()


async def test_leaving_is_audited_as_ones_own_deed(box: Sandbox) -> None:
    gone = await leave(box)
    (entry,) = entries(box, Action.USER_DELETE)
    assert (entry.actor_kind, entry.actor_id, entry.resource_id) == (ActorKind.USER, gone.id, gone.id)
    assert entry.changes["is_deleted"] == FieldChange(before=False, after=True)
    assert entry.address == KITCHEN.address


@pytest.mark.asvs("7.5.3")
async def test_leaving_takes_a_recent_proof_of_who_one_is(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    box.clock.advance(minutes=11)
    with pytest.raises(ReauthRequired):
        await box.revenge.accounts.delete_me(actor)
    for nobody in (Actor.anonymous(), Actor.host()):
        with pytest.raises(Unauthenticated):
            await box.revenge.accounts.delete_me(nobody)


async def test_leaving_twice_is_refused(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    await box.revenge.accounts.delete_me(actor)
    with pytest.raises(Unauthenticated):
        await box.revenge.accounts.delete_me(actor)


async def test_the_last_admin_cannot_leave(box: Sandbox) -> None:
    root = await admin(box)
    with pytest.raises(LastAdmin):
        await box.revenge.accounts.delete_me(root)
    await admin(box, "other")
    await box.revenge.accounts.delete_me(root)


async def test_whoever_signs_in_in_time_has_the_account_back(box: Sandbox) -> None:
    gone = await leave(box)
    await wait(box, GRACE - timedelta(seconds=1))
    back = await sign_in(box)
    assert back.restored
    assert (back.user.id, back.user.deleted_at, back.user.purge_at) == (gone.id, None, None)
    await wait(box, timedelta(days=2))
    await box.jobs.run()
    assert gone.id in box.rows.users


async def test_ones_name_is_held_until_the_account_is_erased_and_free_then(box: Sandbox) -> None:
    gone = await leave(box)
    await wait(box, GRACE - timedelta(hours=2))
    await box.jobs.run()
    with pytest.raises(UsernameTaken):
        await register(box)
    await wait(box, timedelta(hours=4))
    await box.jobs.run()
    assert gone.id not in box.rows.users
    with pytest.raises(CredentialsInvalid):
        await sign_in(box)
    with pytest.raises(UserNotFound):
        await box.revenge.administration.restore(Actor.host(), gone.id)
    assert (await register(box)).id != gone.id


async def test_defect_20_jobs_for_the_account_are_cancelled_with_it(box: Sandbox) -> None:
    here, other = await join(box), await register(box, "other")
    tags = [(tag_of(here.user.id),), (tag_of(other.id),), ()]
    jobs = await enqueue(box, *(Planned(job=Errand(), tags=tag) for tag in tags))
    await box.revenge.accounts.delete_me(await act(box, here))
    states = [box.rows.jobs[job_id].state for job_id in jobs]
    assert states == [JobState.CANCELLED, JobState.AVAILABLE, JobState.AVAILABLE]


async def test_whoever_is_erased_leaves_files_of_no_kind_and_the_audit_log_without_what_tells_of_them(
    box: Sandbox,
) -> None:
    here = await join(box)
    actor = await act(box, here)
    await box.revenge.avatars.upload(actor, a_png())
    await box.revenge.exports.ask(actor)
    await box.jobs.run()
    assert len(box.storage.files) >= 2
    told = [entry for entry in box.rows.activity.values() if here.user.id in {entry.actor_id, entry.resource_id}]
    await box.revenge.accounts.delete_me(actor)
    await wait(box, GRACE + timedelta(hours=2))
    await box.jobs.run()
    assert box.storage.files == {}
    bare: dict[str, Any] = {
        "resource_key": None,
        "changes": {},
        "address": None,
        "user_agent": None,
        "request_id": None,
        "salt": b"",
    }
    assert [box.rows.activity[entry.id] for entry in told] == [replace(entry, **bare) for entry in told]
    (entry,) = entries(box, Action.ACTIVITY_ERASE)
    assert (entry.resource_id, entry.resource_key) == (here.user.id, None)
    assert entry.changes["entries"].after == len([one for one in box.rows.activity.values() if not one.salt])
    (entry,) = entries(box, Action.USER_PURGE)
    assert (entry.actor_kind, entry.resource_id, entry.resource_key) == (ActorKind.SYSTEM, here.user.id, None)


async def test_files_are_removed_later_where_their_place_is_away(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    await box.revenge.avatars.upload(actor, a_png())
    await box.revenge.accounts.delete_me(actor)
    await wait(box, GRACE + timedelta(hours=2))
    box.storage.is_away = True
    await box.jobs.run()
    assert here.user.id not in box.rows.users
    box.storage.is_away = False
    await wait(box, timedelta(hours=1))
    await box.jobs.run()
    assert box.storage.files == {}


async def test_erasing_goes_on_where_it_stopped_and_does_nothing_twice(box: Sandbox) -> None:
    gone = [await leave(box, f"user-{number}") for number in range(3)]
    living = await register(box, "living")
    await wait(box, GRACE)
    for _ in range(2):
        attempt = Attempt()
        await box.revenge.accounts.purge(Purge(), attempt)
        assert attempt.is_completed
    assert box.rows.users == {living.id: living}
    assert {entry.resource_id for entry in entries(box, Action.USER_PURGE)} == {user.id for user in gone}
    assert len(entries(box, Action.USER_PURGE)) == 3


async def test_many_are_erased_in_batches(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revenge_core.accounts.service.leaving.BATCH", 2)
    for number in range(5):
        await leave(box, f"user-{number}")
    await wait(box, GRACE)
    attempt = Attempt()
    await box.revenge.accounts.purge(Purge(), attempt)
    erasing = [report.current for report in attempt.reports if report.phase == "erasing accounts"]
    assert erasing == [2, 4, 5]


async def test_files_that_are_gone_already_are_as_good(box: Sandbox) -> None:
    await box.revenge.accounts.erase_files(EraseFiles(keys=("avatars/none.png",)), Attempt())


async def test_whoever_comes_back_while_others_are_erased_stays(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = await leave(box)
    await wait(box, GRACE)
    due_for_purge = MemoryUsers.due_for_purge

    async def then_restored(users: MemoryUsers, *, by: datetime, limit: int) -> tuple[UserId, ...]:
        due = await due_for_purge(users, by=by, limit=limit)
        for user_id in due:
            await users.update(replace(user_of(box, gone), id=user_id, deleted_at=None, purge_at=None))
        return due

    monkeypatch.setattr(MemoryUsers, "due_for_purge", then_restored)
    await box.revenge.accounts.purge(Purge(), Attempt())
    assert user_of(box, gone).deleted_at is None
    assert entries(box, Action.USER_PURGE) == []
