"""What proves that the audit log is whole: sealing, vouching, shipping, erasing, dropping."""

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_adapters.memory.seals import MemorySigner
from revenge_core.activity.entities import Action, AuditRules, Checkpoint, Flaw, Verification
from revenge_core.activity.errors import ErasureRefused, RetentionRefused, ShippingFailed
from revenge_core.activity.jobs import DropOld, EraseTraces, SealEntries, ShipCheckpoints
from revenge_core.activity.policy import message_of, retention_message
from revenge_core.actor import Actor, ActorKind
from revenge_core.background import JobState
from revenge_core.errors import Forbidden, Unauthenticated
from revenge_core.permissions import Permission
from revenge_core.testing.attempt import Attempt
from revenge_core.testing.builders import an_actor, an_entry, an_id
from tests.core.people import KITCHEN, act, entries, join, register

HOST = Actor.host()


async def seal(box: Sandbox) -> None:
    attempt = Attempt()
    await box.revenge.audit.seal(SealEntries(), attempt)
    assert attempt.is_completed


async def drop_old(box: Sandbox) -> None:
    attempt = Attempt()
    await box.revenge.audit.drop_old(DropOld(), attempt)
    assert attempt.is_completed


async def verify(box: Sandbox, kept: Iterable[Checkpoint] = ()) -> Verification:
    return await box.revenge.audit.verify(HOST, checkpoints=each(kept))


async def each(kept: Iterable[Checkpoint]) -> AsyncIterator[Checkpoint]:
    for one in kept:
        yield one


async def write(box: Sandbox, count: int = 1) -> None:
    for _ in range(count):
        await box.revenge.accounts.issue_bootstrap_token()


@pytest.mark.asvs("16.4.2")
async def test_everything_that_was_written_is_sealed_and_found_whole(box: Sandbox) -> None:
    await join(box)
    await seal(box)
    await join(box, "eve")
    found = await verify(box)
    assert found.is_whole
    assert (found.first, found.last) == (1, len(box.rows.activity_seals))
    assert found.entries == len(box.rows.activity)
    assert found.waiting == len(box.rows.activity) - len(box.rows.activity_seals) > 0
    assert found.checkpoints == 1
    assert found.hash == box.rows.activity_seals[found.last].hash


async def test_an_empty_log_is_whole(box: Sandbox) -> None:
    found = await verify(box)
    assert (found.is_whole, found.first, found.last, found.entries) == (True, 1, 0, 0)


async def test_sealing_vouches_for_what_the_chain_comes_to_once(box: Sandbox) -> None:
    await write(box, 3)
    await seal(box)
    await seal(box)
    (checkpoint,) = box.rows.activity_checkpoints.values()
    assert checkpoint.sequence == 3
    assert checkpoint.hash == box.rows.activity_seals[3].hash
    assert MemorySigner().is_genuine(message_of(checkpoint), checkpoint.signed, frozenset())
    await write(box)
    await seal(box)
    assert sorted(box.rows.activity_checkpoints) == [3, 4]
    assert await box.revenge.audit.checkpoints(HOST, after=3) == (box.rows.activity_checkpoints[4],)


async def test_what_waits_is_told(box: Sandbox) -> None:
    await write(box, 2)
    backlog = await box.revenge.audit.backlog(HOST)
    assert (backlog.entries, backlog.oldest) == (2, box.clock.now())


@pytest.mark.asvs("16.4.3")
async def test_checkpoints_leave_the_box_in_their_order_however_long_nobody_took_them(box: Sandbox) -> None:
    box.elsewhere.on = True
    box.elsewhere.trouble = ShippingFailed("the line is down")
    for _ in range(4):
        await write(box)
        await seal(box)
        with pytest.raises(ShippingFailed):
            await box.revenge.audit.ship(ShipCheckpoints(), Attempt())
    assert box.elsewhere.shipped == []
    box.elsewhere.trouble = None
    await box.revenge.audit.ship(ShipCheckpoints(), Attempt())
    await box.revenge.audit.ship(ShipCheckpoints(), Attempt())
    assert box.elsewhere.shipped == [box.rows.activity_checkpoints[number] for number in (1, 2, 3, 4)]
    assert (await verify(box, box.elsewhere.shipped)).checkpoints == 8


async def test_sealing_sends_checkpoints_on_their_way(box: Sandbox) -> None:
    box.elsewhere.on = True
    await write(box)
    await seal(box)
    assert [job.kind for job in box.rows.jobs.values() if job.state is JobState.AVAILABLE] == ["activity_ship"]
    await box.jobs.run()
    assert [one.sequence for one in box.elsewhere.shipped] == [1]


async def test_without_a_place_nothing_is_shipped(box: Sandbox) -> None:
    await write(box)
    await seal(box)
    assert not [job for job in box.rows.jobs.values() if job.kind == "activity_ship"]
    await box.revenge.audit.ship(ShipCheckpoints(), Attempt())
    assert box.elsewhere.shipped == []


async def test_a_log_without_what_told_of_somebody_who_was_erased_is_whole(box: Sandbox) -> None:
    here = await join(box)
    await seal(box)
    await box.revenge.accounts.delete_me(await act(box, here, KITCHEN))
    box.clock.advance(days=60)
    await box.jobs.run()
    assert entries(box, Action.USER_PURGE)
    assert not [entry for entry in box.rows.activity.values() if entry.address == KITCHEN.address]
    await seal(box)
    assert (await verify(box, box.rows.activity_checkpoints.values())).is_whole
    (told,) = entries(box, Action.ACTIVITY_ERASE)
    assert (told.actor_kind, told.resource_id) == (ActorKind.SYSTEM, here.user.id)


async def test_the_traces_of_somebody_who_is_there_stay(box: Sandbox) -> None:
    user = await register(box)
    before = box.rows.activity.copy()
    with pytest.raises(ErasureRefused):
        await box.revenge.audit.erase(EraseTraces(user_id=user.id), Attempt())
    assert box.rows.activity == before


async def test_nobody_is_told_of_an_erasure_that_found_nothing(box: Sandbox) -> None:
    who = an_id()
    purge = an_entry(action=Action.USER_PURGE, resource_type="user", resource_id=who)
    box.rows.activity[purge.id] = purge
    await box.revenge.audit.erase(EraseTraces(user_id=who), Attempt())
    assert entries(box, Action.ACTIVITY_ERASE) == []


async def test_nobody_is_erased_of_whom_the_log_does_not_say_so(box: Sandbox) -> None:
    with pytest.raises(ErasureRefused):
        await box.revenge.audit.erase(EraseTraces(user_id=an_id()), Attempt())


async def test_old_months_go_and_the_log_says_so_and_is_whole_from_there(box: Sandbox) -> None:
    for _ in range(3):
        await write(box, 2)
        await seal(box)
        box.clock.advance(days=31)
    box.clock.advance(days=400)
    await write(box)
    await seal(box)
    kept = tuple(box.rows.activity_checkpoints.values())
    await drop_old(box)
    assert [(entry.resource_key, entry.changes["entries"].after) for entry in entries(box, Action.ACTIVITY_DROP)] == [
        ("activity_2026_01", 2),
        ("activity_2026_02", 2),
        ("activity_2026_03", 2),
    ]
    assert sorted(box.rows.activity_seals) == [7]
    found = await verify(box, kept)
    assert found.is_whole
    assert (found.first, found.last, found.waiting) == (7, 7, 3)
    assert found.dropped_before == box.rows.activity_retentions[3].before


async def test_what_is_not_sealed_is_not_dropped(box: Sandbox) -> None:
    await write(box)
    box.clock.advance(days=500)
    with pytest.raises(RetentionRefused):
        await box.revenge.audit.drop_old(DropOld(), Attempt())
    assert len(box.rows.activity) == 1


async def test_entries_stay_as_long_as_the_settings_say_and_never_less_than_thirty_days() -> None:
    box = sandbox(audit_rules=AuditRules(retention=timedelta(days=1)))
    await write(box)
    await seal(box)
    box.clock.advance(days=29)
    await drop_old(box)
    assert len(box.rows.activity) == 1
    box.clock.advance(days=33)
    await drop_old(box)
    assert entries(box, Action.BOOTSTRAP_TOKEN_ISSUE) == []


async def test_verifying_can_begin_at_a_checkpoint_of_some_day(box: Sandbox) -> None:
    await write(box, 3)
    await seal(box)
    box.clock.advance(days=2)
    await write(box, 2)
    await seal(box)
    found = await box.revenge.audit.verify(HOST, since=box.clock.now() - timedelta(days=1))
    assert (found.first, found.last, found.entries, found.is_whole) == (4, 5, 2, True)
    everything = await box.revenge.audit.verify(HOST, since=box.clock.now() - timedelta(days=9))
    assert everything.first == 1


async def test_the_latest_part_can_be_looked_at_alone(box: Sandbox) -> None:
    await write(box, 5)
    await seal(box)
    assert (await box.revenge.audit.verify_latest(HOST, seals=2)).first == 4
    assert (await box.revenge.audit.verify_latest(HOST, seals=9)).first == 1


async def test_only_who_may_verifies(box: Sandbox) -> None:
    user = await register(box)
    with pytest.raises(Unauthenticated):
        await box.revenge.audit.verify(Actor.anonymous())
    for refused in (
        box.revenge.audit.verify(an_actor(user, Permission.AUDIT_READ)),
        box.revenge.audit.verify_latest(an_actor(user)),
        box.revenge.audit.backlog(an_actor(user)),
        box.revenge.audit.checkpoints(an_actor(user)),
    ):
        with pytest.raises(Forbidden):
            await refused
    assert (await box.revenge.audit.verify(an_actor(user, Permission.AUDIT_VERIFY))).is_whole


async def test_what_was_blanked_before_it_was_sealed_is_found(box: Sandbox) -> None:
    await write(box)
    (entry,) = box.rows.activity.values()
    box.rows.activity[entry.id] = replace(entry, changes={}, resource_key=None, address=None, salt=b"")
    (finding,) = (await verify(box)).findings
    assert (finding.flaw, finding.entry_id, finding.sequence) == (Flaw.ENTRY_ERASED, entry.id, None)


async def test_a_retention_that_nobody_signed_is_believed_by_nobody(box: Sandbox) -> None:
    await write(box)
    await seal(box)
    box.clock.advance(days=500)
    await drop_old(box)
    (left,) = box.rows.activity_retentions.values()
    box.rows.activity_retentions[left.number] = replace(left, key_id=None, public_key=None, signature=None)
    (finding,) = (await verify(box)).findings
    assert (finding.flaw, finding.sequence) == (Flaw.RETENTION_FORGED, 1)


async def test_each_retention_is_to_be_signed_and_not_the_latest_alone(box: Sandbox) -> None:
    for _ in range(2):
        await write(box)
        await seal(box)
        box.clock.advance(days=31)
    box.clock.advance(days=400)
    await drop_old(box)
    assert (await verify(box)).is_whole
    first = box.rows.activity_retentions[1]
    box.rows.activity_retentions[1] = replace(first, key_id=None, public_key=None, signature=None)
    (finding,) = (await verify(box)).findings
    assert (finding.flaw, finding.sequence) == (Flaw.RETENTION_FORGED, first.sequence)


async def test_a_retention_that_dropped_what_was_young_is_told_from_checkpoints_kept_elsewhere(box: Sandbox) -> None:
    await write(box, 3)
    await seal(box)
    kept = tuple(box.rows.activity_checkpoints.values())
    box.clock.advance(days=500)
    await drop_old(box)
    assert (await verify(box, kept)).is_whole
    (left,) = box.rows.activity_retentions.values()
    false = replace(left, before=left.before - timedelta(days=90))
    signed = MemorySigner().sign(retention_message(false))
    box.rows.activity_retentions[1] = replace(false, signature=signed.signature)
    (finding,) = (await verify(box, kept)).findings
    assert (finding.flaw, finding.sequence, finding.upto) == (Flaw.SEAL_MISSING, 3, 3)


@pytest.mark.parametrize("number", [0, -1])
async def test_a_seal_of_no_place_in_the_chain_vouches_for_nothing(box: Sandbox, number: int) -> None:
    await write(box)
    await seal(box)
    forged = an_entry()
    box.rows.activity[forged.id] = forged
    box.rows.activity_seals[number] = replace(
        box.rows.activity_seals[1], sequence=number, entry_id=forged.id, entry_at=forged.created_at
    )
    (finding,) = (await verify(box)).findings
    assert (finding.flaw, finding.entry_id) == (Flaw.ENTRY_INSERTED, forged.id)


async def test_checkpoints_of_somebody_else_keep_nothing_from_being_signed(box: Sandbox) -> None:
    await write(box)
    await seal(box)
    forged = replace(box.rows.activity_checkpoints[1], sequence=99)
    box.rows.activity_checkpoints[99] = forged
    await write(box)
    await seal(box)
    assert sorted(box.rows.activity_checkpoints) == [1, 2, 99]


async def test_what_was_kept_elsewhere_is_compared_in_parts(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revenge_core.activity.service.verification.PAGE", 2)
    for _ in range(5):
        await write(box)
        await seal(box)
    assert (await verify(box, box.rows.activity_checkpoints.values())).checkpoints == 10
