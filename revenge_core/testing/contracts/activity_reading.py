"""What every reader of the audit log owes to whoever looks for something in it."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from revenge_core.activity.entities import Action, Edge, Entry, EntryFilter, Outcome
from revenge_core.ids import EntryId, UserId
from revenge_core.testing.builders import NOW, an_entry, an_id
from revenge_core.testing.contracts.activity import newest, place_of, write
from revenge_core.testing.contracts.world import Contract, World

DAY = timedelta(days=1)
ACTORS = (None, UserId(UUID(int=1)), UserId(UUID(int=2)))
THINGS = (None, UUID(int=7), UUID(int=8))
ADDRESSES = (None, None, "192.0.2.7", "2001:db8::7")
ACTIONS = (Action.USER_LOGIN, Action.USER_UPDATE, Action.SESSION_REVOKE)
AGES = (-40, -1, 0, 0, 1, 29, 31, 64, 200, 900, 4000)
"""In days: months that are prepared and months that are not, and entries of the same moment."""

entries = st.builds(
    an_entry,
    created_at=st.sampled_from(AGES).map(lambda days: NOW - days * DAY),
    actor_id=st.sampled_from(ACTORS),
    action=st.sampled_from(ACTIONS),
    resource_type=st.sampled_from((None, "user", "session")),
    resource_id=st.sampled_from(THINGS),
    outcome=st.sampled_from(Outcome),
    address=st.sampled_from(ADDRESSES),
)
times = st.sampled_from([None, *(NOW - days * DAY for days in AGES)])
filters = st.builds(
    EntryFilter,
    actor_id=st.sampled_from(ACTORS),
    action=st.sampled_from((None, None, *ACTIONS)),
    resource_type=st.sampled_from((None, None, "user")),
    resource_id=st.sampled_from(THINGS),
    outcome=st.sampled_from((None, None, *Outcome)),
    address=st.sampled_from(ADDRESSES),
    since=times,
    until=times,
)


def fits(entry: Entry, wanted: EntryFilter) -> bool:
    """The filter in the plainest words."""
    given = {name: getattr(wanted, name) for name in wanted.__struct_fields__ if getattr(wanted, name) is not None}
    since, until = given.pop("since", entry.created_at), given.pop("until", entry.created_at)
    return since <= entry.created_at <= until and all(getattr(entry, name) == value for name, value in given.items())


def in_order(found: Sequence[Entry]) -> list[Entry]:
    """The order of the log, the oldest first."""
    return sorted(found, key=lambda entry: (entry.created_at, entry.id))


class ActivityFilterContract(Contract):
    """Fixture: `world`."""

    @settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        log=st.lists(entries, max_size=25), wanted=filters, limit=st.integers(1, 4), late=st.lists(entries, max_size=3)
    )
    async def test_pages_of_any_filter_hold_each_entry_once_while_others_write(
        self, world: World, log: list[Entry], wanted: EntryFilter, limit: int, late: list[Entry]
    ) -> None:
        log, late = self.afresh(log), self.afresh(late)
        await write(world, *log)
        there = await self.everything(world)
        expected = [one for one in reversed(in_order(there)) if fits(one, wanted)]
        walked = list(await newest(world, wanted, limit=limit))
        await write(world, *late)
        while walked and (page := await newest(world, wanted, limit=limit, before=place_of(walked[-1]))):
            assert len(page) <= limit
            walked += page
        assert [one for one in walked if one not in late] == expected
        assert walked == list(reversed(in_order(walked)))
        assert len({one.id for one in walked}) == len(walked)

    @settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(log=st.lists(entries, max_size=25), wanted=filters, skip=st.integers(0, 12), enough=st.integers(1, 12))
    async def test_a_filter_means_the_same_everywhere(
        self, world: World, log: list[Entry], wanted: EntryFilter, skip: int, enough: int
    ) -> None:
        await write(world, *self.afresh(log))
        fitting = [one for one in in_order(await self.everything(world)) if fits(one, wanted)]
        backwards = fitting[::-1]
        assert await newest(world, wanted, limit=5, skip=skip) == tuple(backwards[skip : skip + 5])
        oldest = await world.activity.oldest(wanted, limit=5)
        assert [one.entry for one in oldest] == fitting[:5]
        counted = await world.activity.count(wanted, exact_up_to=enough)
        assert counted.is_exact == (len(fitting) <= enough)
        assert counted.number == len(fitting) if counted.is_exact else counted.number > enough

    @pytest.mark.parametrize("days", [-40, 0, 20, 40, 100, 1000, 9000])
    async def test_an_entry_is_found_however_old_it_is(self, world: World, days: int) -> None:
        entry = an_entry(created_at=NOW - days * DAY, action=Action.USER_BOOTSTRAP)
        await write(world, entry, an_entry())
        assert await newest(world, EntryFilter(action=Action.USER_BOOTSTRAP), limit=2) == (entry,)
        assert (await world.activity.count(EntryFilter(action=Action.USER_BOOTSTRAP), exact_up_to=1)).number == 1

    async def test_both_ends_of_a_time_are_in_it(self, world: World) -> None:
        entry = an_entry()
        await write(world, entry)
        assert await newest(world, EntryFilter(since=NOW, until=NOW), limit=2) == (entry,)
        tick = timedelta(microseconds=1)
        assert await newest(world, EntryFilter(since=NOW + tick), limit=2) == ()
        assert await newest(world, EntryFilter(until=NOW - tick), limit=2) == ()

    async def test_people_are_called_what_they_are_called_now(self, world: World) -> None:
        user = await world.add_user(username="ada")
        gone = UserId(an_id())
        await write(world, an_entry(actor_id=user.id), an_entry(actor_id=gone), an_entry())
        found = await world.activity.newest(EntryFilter(), limit=10)
        assert [one.username for one in found] == [None, None, "ada"]
        assert [one.username for one in await world.activity.oldest(EntryFilter(), limit=1)] == ["ada"]

    async def test_the_first_entry_of_all_has_a_time(self, world: World) -> None:
        assert await world.activity.oldest_time() is None
        await write(world, an_entry(created_at=NOW - 4000 * DAY), an_entry())
        assert await world.activity.oldest_time() == NOW - 4000 * DAY

    async def test_what_was_done_is_counted_the_most_frequent_first(self, world: World) -> None:
        often, also, seldom, old = Action.USER_LOGIN, Action.USER_LOGOUT, Action.AVATAR_UPLOAD, Action.USER_UPDATE
        done = (*[often] * 3, *[also] * 2, *[seldom] * 2)
        await write(world, *(an_entry(action=one) for one in done), an_entry(action=old, created_at=NOW - 8 * DAY))
        found = await world.activity.actions(since=NOW - 7 * DAY, limit=9, among=8)
        assert [(one.action, one.count.number) for one in found] == [(often, 3), (seldom, 2), (also, 2)]
        assert all(one.count.is_exact for one in found)

    async def test_what_was_done_is_counted_among_so_many_entries_and_no_more(self, world: World) -> None:
        ages = {0: Action.USER_LOGIN, 1: Action.USER_LOGIN, 2: Action.USER_LOGOUT, 3: Action.AVATAR_UPLOAD}
        await write(world, *(an_entry(action=one, created_at=NOW - age * DAY) for age, one in ages.items()))
        found = await world.activity.actions(since=NOW - 7 * DAY, limit=2, among=3)
        assert [(one.action, one.count.is_exact) for one in found] == [
            (Action.USER_LOGIN, False),
            (Action.AVATAR_UPLOAD, False),
        ]

    @staticmethod
    def afresh(log: list[Entry]) -> list[Entry]:
        """The same entries with other ids: examples share one log."""
        return [replace(one, id=EntryId(an_id())) for one in log]

    @staticmethod
    async def everything(world: World) -> tuple[Entry, ...]:
        found: list[Entry] = []
        edge: Edge | None = None
        while page := await world.activity.oldest(EntryFilter(), limit=200, after=edge):
            found += (one.entry for one in page)
            edge = place_of(found[-1])
        return tuple(found)
