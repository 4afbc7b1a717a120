"""What processes remember, alone and together: never older than the feed allows (rulings R25)."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Final

import pytest
from msgspec.structs import replace

from revenge_adapters.boottime import boottime
from revenge_adapters.dragonfly.cache import DragonflyCache, DragonflyEntries
from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.dragonfly.locks import DragonflyLocks
from revenge_adapters.l1 import CachedPrincipals, GuardedCache
from revenge_adapters.locks import ProcessLocks
from revenge_adapters.memory.auth import MemoryPrincipalReader
from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.memory.tables import MemoryTables
from revenge_adapters.system import SystemClock
from revenge_core.auth.entities import Account, SigningKey
from revenge_core.cache.entities import Recipe
from revenge_core.cache.ports import Locks
from revenge_core.secrets import Secret
from revenge_core.testing.builders import NOW, a_device, a_session, a_user
from revenge_core.testing.contracts.cache import (
    OTHER,
    CacheContract,
    Film,
    LocksContract,
    MakeCache,
    Shelf,
    change_of,
)
from revenge_core.testing.feeds import HandFeed
from tests.redis_server import DEBIAN, RedisServer, valkey

SECRET: Final = Secret("a master secret that only tests use, long enough")
LEGS: Final = [pytest.param(program, id=program.name) for program in (valkey(), DEBIAN) if program]


class Shared:
    """What processes have in common besides the database."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.client = RedisClient(server.url)
        self.entries = DragonflyEntries(self.client)
        self.envelopes = Envelopes(SECRET)

    def cache(self, feed: HandFeed, recipe: Recipe[str, Film]) -> DragonflyCache[str, Film]:
        return DragonflyCache(self.entries, self.envelopes, feed, SystemClock(), recipe)

    def tiered(self, feed: HandFeed, recipe: Recipe[str, Film]) -> GuardedCache[str, Film]:
        return GuardedCache(feed, recipe, below=self.cache(feed, recipe))

    async def names(self) -> list[bytes]:
        await self.entries.close()
        return [line for line in self.server.say("KEYS", "*").split(b"\r\n") if line.startswith(b"revenge:")]


@pytest.fixture(params=LEGS)
def leg(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    server = RedisServer(request.param)
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
async def shared(leg: RedisServer) -> AsyncIterator[Shared]:
    shared = Shared(leg)
    yield shared
    await shared.entries.close()
    await shared.client.close()


def in_process(feed: HandFeed, recipe: Recipe[str, Film]) -> GuardedCache[str, Film]:
    return GuardedCache(feed, recipe, capacity=100)


class TestInProcess(CacheContract):
    @pytest.fixture
    def make(self) -> MakeCache:
        return in_process


class TestDragonfly(CacheContract):
    @pytest.fixture
    def make(self, shared: Shared) -> MakeCache:
        return shared.cache

    @pytest.fixture
    def settle(self, shared: Shared) -> Callable[[], Awaitable[None]]:
        return shared.entries.close


class TestTiered(CacheContract):
    @pytest.fixture
    def make(self, shared: Shared) -> MakeCache:
        return shared.tiered

    @pytest.fixture
    def settle(self, shared: Shared) -> Callable[[], Awaitable[None]]:
        return shared.entries.close


class TestDragonflyAway(CacheContract):
    """With the server away a process remembers alone, and that is no less true."""

    @pytest.fixture
    def make(self, shared: Shared) -> MakeCache:
        shared.server.kill()
        return shared.tiered


class TestProcessLocks(LocksContract):
    @pytest.fixture
    def locks(self) -> tuple[Locks, Locks]:
        one = ProcessLocks()
        return one, one


class TestDragonflyLocks(LocksContract):
    @pytest.fixture
    def locks(self, shared: Shared) -> tuple[Locks, Locks]:
        return DragonflyLocks(shared.client, shared.envelopes), DragonflyLocks(shared.client, shared.envelopes)


async def test_memory_is_bounded_and_the_index_of_changes_shrinks_with_it() -> None:
    feed, shelf = HandFeed(), Shelf()
    shelf.films = {str(number): OTHER for number in range(1000)}
    cache = in_process(feed, shelf.recipe())
    for key in shelf.films:
        await cache.get(key)
    assert len(cache) == 100
    assert cache.evictions == 900
    assert len(cache._keys) == 101
    for key in shelf.films:
        feed.announce(change_of(key))
    assert (len(cache), cache._keys) == (0, {})


async def test_reads_under_way_leave_nothing_behind() -> None:
    cache = in_process(HandFeed(), Shelf().recipe())
    await asyncio.gather(*(cache.get("alien") for _ in range(5)))
    assert cache._flights._under_way == {}


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


@pytest.mark.parametrize("form", [Account, SigningKey])
def test_defect_26_no_recipe_is_made_for_what_has_a_secret_or_a_digest_in_it(form: type[Account | SigningKey]) -> None:
    async def load(_key: str) -> None:
        return None

    with pytest.raises(TypeError, match=form.__name__):
        Recipe(name="secrets", form=form, load=load, depends_on=lambda _key, _value: ())


# What processes remember together ------------------------------------------------------------------------------------


async def test_what_one_process_read_another_needs_not(shared: Shared) -> None:
    shelf = Shelf()
    here, there = HandFeed(), HandFeed()
    await shared.tiered(here, shelf.recipe()).get("alien")
    await shared.entries.close()
    assert await shared.tiered(there, shelf.recipe()).get("alien") == Film(title="Alien")
    assert shelf.reads == 1


async def test_what_another_process_knows_to_have_changed_it_does_not_take(shared: Shared) -> None:
    shelf, here, there = Shelf(), HandFeed(), HandFeed()
    await shared.tiered(here, shelf.recipe()).get("alien")
    await shared.entries.close()
    shelf.change("alien", OTHER)
    there.announce(change_of("alien"))
    assert await shared.tiered(there, shelf.recipe()).get("alien") == OTHER


async def test_what_is_of_another_history_or_ahead_or_before_a_gap_is_read_anew(shared: Shared) -> None:
    shelf, here = Shelf(), HandFeed()
    here.announce(change_of("brazil"))
    await shared.cache(here, shelf.recipe()).get("alien")
    await shared.entries.close()
    restored, behind, lost = HandFeed("another"), HandFeed(), HandFeed()
    restored.announce(change_of("brazil"))
    for _ in range(2):
        lost.flush()
    for reads, there in enumerate((restored, behind, lost), 2):
        await shared.cache(there, shelf.recipe()).find("alien")
        assert shelf.reads == reads


async def test_nobody_remembers_longer_than_the_entry_says(shared: Shared) -> None:
    """The defect: what was to be kept for seconds lived on for five minutes in the processes that had it."""
    shelf = Shelf()
    recipe = shelf.recipe(good_for=lambda _: 0.4)
    await shared.tiered(HandFeed(), recipe).get("alien")
    await shared.entries.close()
    await asyncio.sleep(0.2)
    there = shared.tiered(HandFeed(), recipe)
    assert (await there.find("alien")).seconds < 0.21
    shelf.change("alien", OTHER)
    await asyncio.sleep(0.22)
    assert await there.get("alien") == OTHER


async def test_the_server_learns_neither_keys_nor_values_nor_how_many_are_alike(shared: Shared) -> None:
    cache = shared.cache(HandFeed(), Shelf().recipe())
    await cache.get("alien")
    (name,) = await shared.names()
    assert b"alien" not in name.lower()
    assert b"alien" not in shared.server.say("GET", name).lower()
    assert not shared.server.say("PTTL", name).startswith(b":-")


async def test_another_version_of_a_record_has_other_entries(shared: Shared) -> None:
    """Decoding what an older program wrote would fill in defaults, and a default may be a right."""

    class Longer(Film, kw_only=True):
        narrowed: bool = False

    async def load(_key: str) -> Longer:
        return Longer(title="Alien", narrowed=True)

    shelf = Shelf()
    await shared.cache(HandFeed(), shelf.recipe()).get("alien")
    await shared.entries.close()
    recipe = Recipe[str, Longer](name="films", form=Longer, load=load, depends_on=lambda key, _: (change_of(key),))
    newer = DragonflyCache(shared.entries, shared.envelopes, HandFeed(), SystemClock(), recipe)
    assert await newer.get("alien") == Longer(title="Alien", narrowed=True)


@pytest.mark.parametrize("poison", ["noise", "empty", "cut", "swapped", "list", "huge"])
async def test_poison_is_a_miss(shared: Shared, poison: str) -> None:
    shelf = Shelf()
    shelf.change("brazil", OTHER)
    cache = shared.cache(HandFeed(), shelf.recipe())
    for key in ("alien", "brazil"):
        await cache.get(key)
    one, other = await shared.names()
    values = {name: await shared.client.do("GET", name) for name in (one, other)}
    put = {
        "noise": [("SET", name, random.randbytes(len(values[name]))) for name in values],
        "empty": [("SET", name, b"") for name in values],
        "cut": [("SET", name, values[name][:-1]) for name in values],
        "swapped": [("SET", one, values[other]), ("SET", other, values[one])],
        "list": [("DEL", one, other), ("RPUSH", one, b"a"), ("RPUSH", other, b"a")],
        "huge": [("SET", name, values[name] + bytes(100_000)) for name in values],
    }
    await shared.client.do_all(put[poison])
    assert (await cache.get("alien"), await cache.get("brazil")) == (Film(title="Alien"), OTHER)
    assert shelf.reads == 4


async def test_an_entry_that_is_put_back_after_the_change_is_a_miss(shared: Shared) -> None:
    shelf, feed = Shelf(), HandFeed()
    cache = shared.cache(feed, shelf.recipe())
    await cache.get("alien")
    (name,) = await shared.names()
    old = await shared.client.do("GET", name)
    shelf.change("alien", OTHER)
    feed.announce(change_of("alien"))
    await cache.get("alien")
    await shared.entries.close()
    await shared.client.do("SET", name, old)
    assert await cache.get("alien") == OTHER


async def test_a_server_that_says_nothing_is_waited_for_once_and_asked_again_later(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf()
    shelf.films = {str(number): OTHER for number in range(50)}
    shared.entries = DragonflyEntries(shared.client, monotonic=lambda: passed)
    passed = 1000.0
    cache = shared.cache(HandFeed(), shelf.recipe())
    shared.server.freeze()
    began = boottime()
    await asyncio.gather(*(cache.get(key) for key in list(shelf.films)[:25]))
    for key in list(shelf.films)[25:]:
        await cache.get(key)
    assert boottime() - began < 1
    assert shelf.reads == 50
    shared.server.thaw()
    passed += 1.5
    await cache.get("0")
    await shared.entries.close()
    await shared.client.do("PING")
    await cache.get("1")
    assert shelf.reads == 52
    assert len(await shared.names()) == 2


async def test_many_reads_of_one_turn_are_one_trip(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf, trips = Shelf(), list[object]()
    shelf.films = {str(number): OTHER for number in range(30)}
    really = RedisClient.do_all

    async def noted(self: RedisClient, commands: object, **more: object) -> object:
        trips.append(commands)
        return await really(self, commands, **more)  # type: ignore[arg-type] # passed on as it came

    monkeypatch.setattr(RedisClient, "do_all", noted)
    cache = shared.cache(HandFeed(), shelf.recipe())
    await asyncio.gather(*map(cache.get, shelf.films))
    await shared.entries.close()
    assert len(trips) == 2


class TestLocksAway:
    """With the server away everybody goes ahead: what locks are for is only waste."""

    async def test_it_is_ours_and_soon(self, shared: Shared) -> None:
        locks = DragonflyLocks(shared.client, shared.envelopes)
        shared.server.freeze()
        began = boottime()
        async with locks.held("shelf", at_most=timedelta(seconds=30)) as ours:
            assert ours
        assert boottime() - began < 2
        shared.server.thaw()
