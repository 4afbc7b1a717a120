"""What one process remembers: never older than the feed allows (rulings R25)."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.l1 import CachedPrincipals, FeedView, GuardedCache
from revenge_adapters.memory.auth import MemoryPrincipalReader
from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.memory.tables import MemoryTables
from revenge_core.feed import Change, Topic
from revenge_core.testing.builders import NOW, a_device, a_session, a_user


class HandFeed(FeedView):
    """A feed that moves when the test says so."""

    def __init__(self) -> None:
        self.fresh = True
        self.generation = 0
        self.cursor = 0
        self.numbers: dict[Change, int] = {}
        self.subscribers: list[Callable[[Change | None], None]] = []

    @override
    def is_fresh(self, now: float) -> bool:
        return self.fresh

    @override
    def position(self) -> tuple[int, int]:
        return self.generation, self.cursor

    @override
    def changed_since(self, changes: Iterable[Change], position: tuple[int, int]) -> bool:
        return position[0] != self.generation or any(self.numbers.get(c, 0) > position[1] for c in changes)

    @override
    def subscribe(self, forget: Callable[[Change | None], None]) -> None:
        self.subscribers.append(forget)

    def announce(self, change: Change) -> None:
        self.cursor += 1
        self.numbers[change] = self.cursor
        for forget in self.subscribers:
            forget(change)

    def flush(self) -> None:
        self.generation += 1
        for forget in self.subscribers:
            forget(None)


def change_of(key: str) -> Change:
    return Change(topic=Topic.USER, key=key)


class Source:
    """What would be the database: counts reads, and may be held in the middle of one."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {"ada": 1}
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, key: str) -> int | None:
        self.reads += 1
        value = self.values.get(key)
        await self.gate.wait()
        return value


def a_cache(feed: HandFeed, source: Source, *, capacity: int = 10, lifetime: float = 60) -> GuardedCache[str, int]:
    return GuardedCache(feed, source.load, lambda key, _: (change_of(key),), capacity=capacity, lifetime=lifetime)


async def test_a_value_is_read_once_while_the_feed_is_fresh() -> None:
    feed, source = HandFeed(), Source()
    cache = a_cache(feed, source)
    assert [await cache.get("ada") for _ in range(3)] == [1, 1, 1]
    assert source.reads == 1


async def test_every_call_reads_while_the_feed_is_stale_and_nothing_is_kept() -> None:
    feed, source = HandFeed(), Source()
    cache = a_cache(feed, source)
    await cache.get("ada")
    feed.fresh = False
    source.values["ada"] = 2
    assert [await cache.get("ada"), await cache.get("ada")] == [2, 2]
    assert source.reads == 3


async def test_a_change_makes_the_next_call_read() -> None:
    feed, source = HandFeed(), Source()
    cache = a_cache(feed, source)
    await cache.get("ada")
    source.values["ada"] = 2
    feed.announce(change_of("ada"))
    assert await cache.get("ada") == 2


async def test_a_value_read_before_a_change_is_not_kept_after_it() -> None:
    feed, source = HandFeed(), Source()
    cache = a_cache(feed, source)
    source.gate.clear()
    reading = asyncio.create_task(cache.get("ada"))
    await asyncio.sleep(0)
    source.values["ada"] = 2
    feed.announce(change_of("ada"))
    source.gate.set()
    assert await reading == 1  # the read began before the change: that answer was true then
    assert await cache.get("ada") == 2


async def test_a_value_read_before_a_flush_is_not_kept_after_it() -> None:
    feed, source = HandFeed(), Source()
    cache = a_cache(feed, source)
    source.gate.clear()
    reading = asyncio.create_task(cache.get("ada"))
    await asyncio.sleep(0)
    source.values["ada"] = 2
    feed.flush()
    source.gate.set()
    await reading
    assert await cache.get("ada") == 2


async def test_absence_is_never_remembered() -> None:
    feed, source = HandFeed(), Source()
    cache = a_cache(feed, source)
    assert await cache.get("grace") is None
    source.values["grace"] = 7
    assert await cache.get("grace") == 7


async def test_a_value_is_forgotten_at_the_end_of_its_lifetime_without_any_event() -> None:
    feed, source = HandFeed(), Source()
    cache = a_cache(feed, source, lifetime=0)
    await cache.get("ada")
    await cache.get("ada")
    assert source.reads == 2


async def test_memory_is_bounded_and_the_index_of_changes_shrinks_with_it() -> None:
    feed, source = HandFeed(), Source()
    source.values = {str(number): number for number in range(100)}
    cache = a_cache(feed, source, capacity=10)
    for key in source.values:
        await cache.get(key)
    assert len(cache._values) == 10
    assert len(cache._keys) == 10


async def test_a_session_that_was_used_since_it_was_read_is_not_taken_for_expired() -> None:
    tables, clock = MemoryTables(), ManualClock(NOW)
    user = a_user()
    device = a_device(user.id)
    session = a_session(device, idle_expires_at=NOW)
    tables.rows.users[user.id], tables.rows.sessions[session.id] = user, session
    principals = CachedPrincipals(MemoryPrincipalReader(tables), HandFeed(), clock)
    await principals.principal(session.id)
    used = replace(session, idle_expires_at=NOW + timedelta(hours=1))
    tables.rows.sessions[session.id] = used  # activity announces nothing
    principal = await principals.principal(session.id)
    assert principal is not None
    assert principal.session == used


@given(steps=st.lists(st.tuples(st.sampled_from(["get", "write", "flush"]), st.sampled_from("abc")), max_size=40))
def test_no_sequence_of_reads_writes_and_flushes_ever_shows_an_old_value(steps: list[tuple[str, str]]) -> None:
    async def play() -> None:
        feed, source = HandFeed(), Source()
        source.values = dict.fromkeys("abc", 0)
        cache = a_cache(feed, source, capacity=2)
        for step, key in steps:
            if step == "write":
                source.values[key] += 1
                feed.announce(change_of(key))
            elif step == "flush":
                feed.flush()
            assert await cache.get(key) == source.values[key]

    asyncio.run(play())
