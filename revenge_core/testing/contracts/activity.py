"""What every audit log owes."""

import asyncio
from datetime import timedelta

import pytest

from revenge_core.activity.entities import Action, Edge, Entry, EntryFilter, FieldChange, Outcome
from revenge_core.actor import ActorKind
from revenge_core.ids import EntryId, KeyId, SessionId, UserId
from revenge_core.testing.builders import NOW, an_entry, an_id
from revenge_core.testing.contracts.world import RACERS, Contract, World, race

TICK = timedelta(microseconds=1)
EVERYTHING = EntryFilter()


async def write(world: World, *entries: Entry) -> None:
    """Write the entries in one transaction."""
    async with world.uow.begin() as tx:
        for entry in entries:
            await tx.activity.add(entry)


async def newest(
    world: World, wanted: EntryFilter = EVERYTHING, *, limit: int, before: Edge | None = None, skip: int = 0
) -> tuple[Entry, ...]:
    """The newest entries, without names."""
    found = await world.activity.newest(wanted, limit=limit, before=before, skip=skip)
    return tuple(one.entry for one in found)


def place_of(entry: Entry) -> Edge:
    """Where the entry stands in the order of the log."""
    return Edge(at=entry.created_at, id=entry.id)


def a_full_entry() -> Entry:
    """An entry that says everything that one can say."""
    return an_entry(
        created_at=NOW + TICK,
        actor_kind=ActorKind.USER,
        actor_id=UserId(an_id()),
        session_id=SessionId(an_id()),
        key_id=KeyId(an_id()),
        on_behalf_of=UserId(an_id()),
        action=Action.USER_UPDATE,
        outcome=Outcome.SUCCESS,
        reason="because",
        resource_type="user",
        resource_id=an_id(),
        resource_key="Zoë",
        changes={
            "display_name": FieldChange(before=None, after="Zoë 🎬 \"\\'"),
            "epoch": FieldChange(before=1, after=2**40),
            "is_active": FieldChange(before=True, after=False),
            "email": FieldChange(after=""),
        },
        address="2001:db8::7",
        user_agent="Film Club/1.0 (Zürich)",
        request_id="0123-abc",
        salt=bytes(range(16)),
    )


class ActivityLogContract(Contract):
    """Fixture: `world`."""

    @pytest.mark.parametrize("entry", [an_entry(), a_full_entry()], ids=["bare", "full"])
    async def test_an_entry_comes_back_as_it_was_written(self, world: World, entry: Entry) -> None:
        await write(world, entry)
        assert await newest(world, limit=2) == (entry,)

    @pytest.mark.parametrize("action", Action)
    async def test_every_action_can_be_written(self, world: World, action: Action) -> None:
        await write(world, an_entry(action=action))
        (entry,) = await newest(world, limit=1)
        assert entry.action is action

    @pytest.mark.parametrize("days", [-4000, -40, 40, 4000])
    async def test_an_entry_of_any_month_can_be_written(self, world: World, days: int) -> None:
        entry = an_entry(created_at=NOW + timedelta(days=days))
        await write(world, entry)
        assert await newest(world, limit=1) == (entry,)

    async def test_many_writers_lose_nothing(self, world: World) -> None:
        entries = [an_entry() for _ in range(8)]
        await asyncio.gather(*(write(world, entry) for entry in entries))
        assert await newest(world, limit=10) == tuple(reversed(entries))


class ActivityMonthsContract(Contract):
    """Fixture: `world`."""

    @pytest.mark.parametrize("years", [-3, 2])
    async def test_months_are_prepared_once(self, world: World, years: int) -> None:
        now = NOW.replace(year=NOW.year + years)
        async with world.uow.begin() as tx:
            assert await tx.activity_months.make_ahead(now) == 3
        async with world.uow.begin() as tx:
            assert await tx.activity_months.make_ahead(now) == 0

    async def test_entries_of_prepared_months_come_back_beside_all_others(self, world: World) -> None:
        year_on = NOW.replace(year=NOW.year + 1)
        entries = [an_entry(created_at=at + timedelta(days=days)) for at in (NOW, year_on) for days in (0, 31, 62)]
        async with world.uow.begin() as tx:
            await tx.activity_months.make_ahead(year_on)
        await write(world, *entries)
        assert await newest(world, limit=10) == tuple(reversed(entries))

    async def test_of_many_who_prepare_at_once_nobody_fails(self, world: World) -> None:
        async def prepare() -> int:
            async with world.uow.begin() as tx:
                return await tx.activity_months.make_ahead(NOW.replace(year=NOW.year + 1))

        made = await race(prepare)
        assert sorted(made, key=str) == [0] * (RACERS - 1) + [3]


class ActivityReaderContract(Contract):
    """Fixture: `world`."""

    async def test_an_empty_log_has_no_entries(self, world: World) -> None:
        assert await newest(world, limit=10) == ()

    async def test_the_newest_entries_come_first_whatever_their_ids(self, world: World) -> None:
        new, old, latest = (an_entry(created_at=NOW + TICK * age) for age in (2, 1, 3))
        await write(world, new, old, latest)
        assert await newest(world, limit=10) == (latest, new, old)

    async def test_entries_of_the_same_time_come_with_the_larger_id_first(self, world: World) -> None:
        entries = [an_entry() for _ in range(4)]
        await write(world, *entries)
        assert await newest(world, limit=10) == tuple(reversed(entries))

    async def test_times_come_back_in_utc(self, world: World) -> None:
        await write(world, an_entry())
        (entry,) = await newest(world, limit=1)
        assert entry.created_at.utcoffset() == timedelta(0)

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
    async def test_pages_together_hold_every_entry_once_and_in_order(self, world: World, limit: int) -> None:
        entries = [an_entry(created_at=NOW + TICK * (number // 3)) for number in range(7)]
        await write(world, *entries)
        walked: list[Entry] = []
        page = await newest(world, limit=limit)
        while page:
            assert len(page) <= limit
            walked += page
            assert len(walked) <= len(entries), "pages overlap"
            page = await newest(world, limit=limit, before=place_of(page[-1]))
        assert walked == sorted(entries, key=lambda entry: (entry.created_at, entry.id), reverse=True)

    async def test_an_edge_is_a_place_whether_or_not_its_entry_is_there(self, world: World) -> None:
        older, newer = an_entry(), an_entry(created_at=NOW + 2 * TICK)
        await write(world, older, newer)
        between = Edge(at=NOW + TICK, id=EntryId(an_id()))
        assert await newest(world, limit=10, before=between) == (older,)
        assert [one.entry for one in await world.activity.oldest(EntryFilter(), limit=10, after=between)] == [newer]

    async def test_the_log_narrows_to_what_one_user_did(self, world: World) -> None:
        user, other = UserId(an_id()), UserId(an_id())
        mine = [an_entry(actor_id=user, created_at=NOW + TICK * age) for age in (1, 3, 5)]
        await write(world, *mine, an_entry(actor_id=other, created_at=NOW + 4 * TICK), an_entry(on_behalf_of=user))
        assert await newest(world, EntryFilter(actor_id=user), limit=10) == tuple(reversed(mine))
        assert await newest(world, EntryFilter(actor_id=user), limit=1, before=place_of(mine[2])) == (mine[1],)
        assert await newest(world, EntryFilter(actor_id=user), limit=10, before=place_of(mine[0])) == ()
        assert await newest(world, EntryFilter(actor_id=UserId(an_id())), limit=10) == ()
