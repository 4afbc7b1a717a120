"""What every store of seals owes."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import pytest

from revenge_core.activity.entities import (
    Action,
    Backlog,
    Checkpoint,
    Digests,
    Entry,
    FieldChange,
    Flaw,
    Seal,
    Signature,
)
from revenge_core.activity.errors import ErasureRefused, RetentionRefused
from revenge_core.activity.policy import (
    BEFORE_ALL,
    digests_of,
    flaw_of,
    is_blank,
    month_of,
    recorded,
    seal_hash,
)
from revenge_core.ids import UserId
from revenge_core.testing.builders import NOW, an_entry, an_id
from revenge_core.testing.contracts.activity import a_full_entry, write
from revenge_core.testing.contracts.world import Contract, World, race

TICK: Final = timedelta(microseconds=1)
LONG_AGO: Final = datetime.fromisoformat("2020-03-15T12:00:00+00:00")
SIGNATURE: Final = Signature(key_id="key", public_key=b"public", signature=b"signature")
WRITERS: Final = 64


async def seal(world: World, limit: int = 1000) -> int:
    """Seal in a transaction of its own."""
    async with world.uow.begin() as tx:
        return await tx.activity_seals.seal(limit)


async def all_seals(world: World) -> tuple[Seal, ...]:
    """The chain, or as much as there is."""
    return await world.seals.seals(after=0, limit=10_000)


def check_chain(seals: Sequence[Seal], entries: Sequence[Entry]) -> None:
    """See that Python comes to the same hashes, and that each entry is in the chain once."""
    written = {entry.id: entry for entry in entries}
    assert sorted(seal.entry_id for seal in seals) == sorted(written)
    previous = BEFORE_ALL
    for number, one in enumerate(seals, 1):
        digests = digests_of(recorded(written[one.entry_id]))
        previous = seal_hash(previous, number, one.entry_at, digests.content)
        assert one == Seal(
            sequence=number,
            entry_id=one.entry_id,
            entry_at=written[one.entry_id].created_at,
            content=digests.content,
            personal=digests.personal,
            hash=previous,
        )


def a_checkpoint(sequence: int, at: datetime = NOW) -> Checkpoint:
    """A checkpoint that nobody signed."""
    return Checkpoint(sequence=sequence, hash=bytes([sequence]) * 32, created_at=at, signed=SIGNATURE)


class ActivitySealsContract(Contract):
    """Fixture: `world`."""

    async def test_nothing_written_is_nothing_sealed(self, world: World) -> None:
        assert await seal(world) == 0
        assert (await all_seals(world), await world.seals.last()) == ((), None)
        assert await world.seals.backlog() == Backlog(entries=0, oldest=None)

    async def test_what_is_written_waits_and_is_sealed_by_time_and_id(self, world: World) -> None:
        late, early, full = an_entry(created_at=NOW + 2 * TICK), an_entry(created_at=NOW), a_full_entry()
        await write(world, late, early, full)
        assert await world.seals.backlog() == Backlog(entries=3, oldest=NOW)
        waiting = await world.seals.waiting(after=None, limit=2)
        waiting += await world.seals.waiting(after=waiting[-1], limit=2)
        assert [one.entry_id for one in waiting] == [early.id, full.id, late.id]
        assert await seal(world) == 3
        seals = await all_seals(world)
        assert [one.entry_id for one in seals] == [early.id, full.id, late.id]
        check_chain(seals, (late, early, full))
        assert await world.seals.last() == seals[-1]
        assert await world.seals.backlog() == Backlog(entries=0, oldest=None)

    async def test_sealing_goes_on_where_it_stopped_whatever_the_size_of_its_steps(self, world: World) -> None:
        entries = [an_entry(created_at=NOW + TICK * n) for n in range(7)]
        await write(world, *entries[:4])
        assert [await seal(world, 3) for _ in range(3)] == [3, 1, 0]
        await write(world, *entries[4:])
        assert [await seal(world, 2) for _ in range(3)] == [2, 1, 0]
        check_chain(await all_seals(world), entries)

    async def test_an_entry_older_than_the_last_that_was_sealed_is_sealed_after_it(self, world: World) -> None:
        new, old = an_entry(created_at=NOW), an_entry(created_at=NOW - timedelta(days=40))
        await write(world, new)
        await seal(world)
        await write(world, old)
        await seal(world)
        assert [one.entry_id for one in await all_seals(world)] == [new.id, old.id]

    async def test_what_is_rolled_back_never_waited(self, world: World) -> None:
        with pytest.raises(ZeroDivisionError):
            async with world.uow.begin() as tx:
                await tx.activity.add(an_entry())
                raise ZeroDivisionError
        assert (await world.seals.backlog()).entries == 0

    @pytest.mark.asvs("16.4.2")
    async def test_many_writers_and_several_sealers_never_break_the_chain(self, world: World) -> None:
        entries = [an_entry(created_at=NOW + TICK * (n % 7)) for n in range(WRITERS * 3)]

        async def writer(number: int) -> None:
            for entry in entries[number * 3 : number * 3 + 3]:
                await write(world, entry)

        async def sealer() -> None:
            for _ in range(20):
                await seal(world, 5)

        await asyncio.gather(*(writer(number) for number in range(WRITERS)), *(sealer() for _ in range(4)))
        while await seal(world):
            pass
        check_chain(await all_seals(world), entries)

    async def test_of_many_who_seal_at_once_one_seals_each_entry(self, world: World) -> None:
        await write(world, *(an_entry() for _ in range(5)))
        sealed = await race(lambda: seal(world))
        assert sorted(map(str, sealed)) == ["0"] * (len(sealed) - 1) + ["5"]

    async def test_rows_come_back_as_they_were_written(self, world: World) -> None:
        full, bare = a_full_entry(), an_entry()
        await write(world, full, bare)
        await seal(world)
        rows = await world.seals.rows(await all_seals(world))
        assert rows == {full.id: recorded(full), bare.id: recorded(bare)}

    async def test_looks_show_every_entry_in_order_and_that_it_is_known(self, world: World) -> None:
        entries = [an_entry(created_at=NOW + TICK * (n // 2)) for n in range(5)]
        await write(world, *entries[:3])
        await seal(world)
        await write(world, *entries[3:])
        part = await world.seals.looks(after=None, since=None, limit=2)
        looks = [*part]
        while part := await world.seals.looks(after=part[-1], since=None, limit=2):
            looks += part
        assert [(one.id, one.created_at) for one in looks] == [(entry.id, entry.created_at) for entry in entries]
        assert [(one.sequence, one.waits) for one in looks] == [(n, False) for n in (1, 2, 3)] + [(None, True)] * 2
        assert all(one.is_single for one in looks)
        since = await world.seals.looks(after=None, since=NOW + TICK, limit=9)
        assert [one.id for one in since] == [entry.id for entry in entries[2:]]


class SealReaderContract(Contract):
    """Fixture: `world`."""

    async def test_checkpoints_come_back_and_the_first_of_a_number_stays(self, world: World) -> None:
        first, second = a_checkpoint(3), a_checkpoint(7, NOW + TICK)
        async with world.uow.begin() as tx:
            for one in (second, first, a_checkpoint(3, NOW + 9 * TICK)):
                await tx.activity_seals.add_checkpoint(one)
        assert await world.seals.checkpoints(after=0, limit=9) == (first, second)
        assert await world.seals.checkpoints(after=3, limit=9) == (second,)
        assert await world.seals.newest_checkpoint() == second
        assert await world.seals.newest_checkpoint(by=NOW) == first
        assert await world.seals.newest_checkpoint(by=NOW - TICK) is None

    async def test_what_was_shipped_does_not_wait_any_more(self, world: World) -> None:
        async with world.uow.begin() as tx:
            for number in (1, 2, 3):
                await tx.activity_seals.add_checkpoint(a_checkpoint(number))
        assert [one.sequence for one in await world.seals.unshipped(limit=2)] == [1, 2]
        async with world.uow.begin() as tx:
            await tx.activity_seals.mark_shipped(2, NOW)
        assert [one.sequence for one in await world.seals.unshipped(limit=2)] == [3]

    async def test_hashes_are_those_of_the_seals_that_are_there(self, world: World) -> None:
        await write(world, an_entry(), an_entry())
        await seal(world)
        first, second = await all_seals(world)
        assert await world.seals.hashes([2, 1, 5]) == {1: first.hash, 2: second.hash}


class ErasureContract(Contract):
    """Fixture: `world`."""

    async def test_what_tells_of_an_account_goes_and_what_is_left_still_fits_its_seal(self, world: World) -> None:
        who = UserId(an_id())
        theirs = [
            an_entry(actor_id=who, address="192.0.2.7", user_agent="Film Club", request_id="r"),
            an_entry(on_behalf_of=who, changes={"email": FieldChange(before="a@example.org", after=None)}),
            an_entry(resource_type="user", resource_id=who, resource_key="ada"),
        ]
        others = an_entry(actor_id=UserId(an_id()), address="192.0.2.8", resource_key="eve")
        said = an_entry(action=Action.USER_PURGE, resource_type="user", resource_id=who)
        await write(world, *theirs, others, said)
        await seal(world)
        seals = {one.entry_id: one for one in await all_seals(world)}
        async with world.uow.begin() as tx:
            assert await tx.activity_seals.erase(who, 2) == 2
            assert await tx.activity_seals.erase(who, 2) == 1
            assert await tx.activity_seals.erase(who, 2) == 0
        rows = await world.seals.rows(list(seals.values()))
        for entry in theirs:
            kept = Digests(content=seals[entry.id].content, personal=seals[entry.id].personal)
            assert is_blank(rows[entry.id])
            assert flaw_of(rows[entry.id], kept) is Flaw.ENTRY_ERASED
        assert rows[others.id] == recorded(others)
        assert rows[said.id] == recorded(said)
        assert await world.seals.purged([who, an_id()]) == {who}

    async def test_an_entry_that_is_erased_before_it_is_sealed_is_sealed_as_it_was_written(self, world: World) -> None:
        who = UserId(an_id())
        entry = an_entry(actor_id=who, address="192.0.2.7", created_at=NOW)
        await write(world, entry, an_entry(action=Action.USER_PURGE, resource_id=who, created_at=NOW + TICK))
        async with world.uow.begin() as tx:
            assert await tx.activity_seals.erase(who, 10) == 1
        await seal(world)
        sealed = (await all_seals(world))[0]
        assert sealed.personal == digests_of(recorded(entry)).personal

    async def test_what_is_no_account_that_the_log_says_was_erased_stays_as_it_is(self, world: World) -> None:
        group = an_id()
        entry = an_entry(resource_type="group", resource_id=group, resource_key="Film Club")
        await write(world, entry)
        with pytest.raises(ErasureRefused):
            async with world.uow.begin() as tx:
                await tx.activity_seals.erase(UserId(group), 10)
        rows = await world.seals.rows(await world.seals.waiting(after=None, limit=9))
        assert rows == {entry.id: recorded(entry)}

    async def test_an_account_that_is_there_is_not_erased(self, world: World) -> None:
        user = await world.add_user()
        await write(world, an_entry(actor_id=user.id, address="192.0.2.7"))
        with pytest.raises(ErasureRefused):
            async with world.uow.begin() as tx:
                await tx.activity_seals.erase(user.id, 10)
        (entry,) = (await world.seals.rows(await world.seals.waiting(after=None, limit=9))).values()
        assert entry.address == "192.0.2.7"


class RetentionContract(Contract):
    """Fixture: `world`."""

    async def test_old_months_go_one_by_one_and_leave_a_trace(self, world: World) -> None:
        async with world.uow.begin() as tx:
            await tx.activity_months.make_ahead(LONG_AGO)
        old = [an_entry(created_at=LONG_AGO + timedelta(days=days)) for days in (0, 1, 31)]
        young = an_entry(created_at=NOW)
        await write(world, *old, young)
        await seal(world)
        seals = await all_seals(world)
        async with world.uow.begin() as tx:
            march = await tx.activity_seals.drop(NOW - timedelta(days=400), NOW)
            assert march is not None
            await tx.activity_seals.sign_retention(march.number, SIGNATURE)
        assert (march.what, march.entries, march.sequence, march.hash) == ("activity_2020_03", 2, 2, seals[1].hash)
        assert march.before == month_of(LONG_AGO + timedelta(days=31))
        assert march.signature is None
        kept = await world.seals.retention()
        assert kept is not None
        assert (kept.number, kept.key_id, kept.signature) == (march.number, "key", b"signature")
        assert list(await world.seals.rows(seals)) == [old[2].id, young.id]
        async with world.uow.begin() as tx:
            assert await tx.activity_seals.drop_seals(1) == 1
            assert await tx.activity_seals.drop_seals(9) == 1
            assert await tx.activity_seals.drop_seals(9) == 0
        assert await all_seals(world) == seals[2:]

    async def test_entries_of_months_that_were_not_prepared_go_too(self, world: World) -> None:
        old, young = an_entry(created_at=LONG_AGO - timedelta(days=900)), an_entry(created_at=NOW)
        await write(world, old, young)
        await seal(world)
        async with world.uow.begin() as tx:
            gone = await tx.activity_seals.drop(LONG_AGO, NOW)
        assert gone is not None
        assert (gone.entries, gone.sequence) == (1, 1)
        async with world.uow.begin() as tx:
            while await tx.activity_seals.drop(LONG_AGO, NOW) is not None:
                pass
        assert [one.id for one in await world.seals.looks(after=None, since=None, limit=9)] == [young.id]

    async def test_the_chain_goes_on_where_all_seals_were_dropped(self, world: World) -> None:
        await write(world, an_entry(created_at=LONG_AGO))
        await seal(world)
        (first,) = await all_seals(world)
        async with world.uow.begin() as tx:
            while await tx.activity_seals.drop(NOW - timedelta(days=400), NOW) is not None:
                pass
            await tx.activity_seals.drop_seals(9)
        await write(world, an_entry())
        await seal(world)
        (second,) = await all_seals(world)
        assert second.sequence == 2
        assert second.hash == seal_hash(first.hash, 2, second.entry_at, second.content)

    async def test_seals_stay_where_one_before_them_does(self, world: World) -> None:
        young, old = an_entry(created_at=NOW), an_entry(created_at=LONG_AGO)
        await write(world, young)
        await seal(world)
        await write(world, old)
        await seal(world)
        async with world.uow.begin() as tx:
            gone = await tx.activity_seals.drop(NOW - timedelta(days=400), NOW)
            assert gone is not None
            assert (gone.entries, gone.sequence, gone.hash) == (1, 0, BEFORE_ALL)
            assert await tx.activity_seals.drop_seals(9) == 0

    @pytest.mark.parametrize("days", [5, 90])
    async def test_young_entries_are_never_dropped(self, world: World, days: int) -> None:
        now = await world.now()
        await write(world, an_entry(created_at=now))
        await seal(world)
        with pytest.raises(RetentionRefused):
            async with world.uow.begin() as tx:
                await tx.activity_seals.drop(now + timedelta(days=days), now)

    async def test_entries_that_are_not_sealed_are_never_dropped(self, world: World) -> None:
        await write(world, an_entry(created_at=LONG_AGO))
        with pytest.raises(RetentionRefused):
            async with world.uow.begin() as tx:
                await tx.activity_seals.drop(NOW - timedelta(days=400), NOW)

    async def test_where_nothing_was_dropped_every_seal_is_needed(self, world: World) -> None:
        await write(world, an_entry(), an_entry())
        await seal(world)
        async with world.uow.begin() as tx:
            await tx.activity_seals.add_checkpoint(a_checkpoint(2))
        async with world.uow.begin() as tx:
            assert await tx.activity_seals.drop_seals(1000) == 0
        assert len(await all_seals(world)) == 2
        assert len(await world.seals.checkpoints(after=0, limit=9)) == 1

    async def test_nothing_old_is_nothing_dropped(self, world: World) -> None:
        await write(world, an_entry())
        await seal(world)
        async with world.uow.begin() as tx:
            while (gone := await tx.activity_seals.drop(NOW - timedelta(days=400), NOW)) is not None:
                assert gone.entries == 0  # a store prepares months that are over by now
        assert await world.seals.looks(after=None, since=None, limit=9)
