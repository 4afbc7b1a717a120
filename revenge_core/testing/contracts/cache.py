"""What every cache does (rulings R25), and every lock."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeAlias

import pytest

from revenge_core.cache.entities import LIFETIME_SECONDS, Recipe
from revenge_core.cache.ports import Cache, Locks
from revenge_core.entity import Entity
from revenge_core.errors import DatabaseUnavailable
from revenge_core.feed import Change, Topic
from revenge_core.testing.contracts.world import let_others_run
from revenge_core.testing.feeds import HandFeed

SHORT_SECONDS: Final = 0.15


class Film(Entity, kw_only=True):
    """What is remembered here."""

    title: str
    seen: int = 0


MakeCache: TypeAlias = Callable[[HandFeed, Recipe[str, Film]], Cache[str, Film]]


def change_of(key: str) -> Change:
    """What is announced when a film changes."""
    return Change(topic=Topic.USER, key=key)


def _long(_film: Film) -> float:
    return LIFETIME_SECONDS


class Shelf:
    """What would be the database: counts reads, and may be held in the middle of one, or be away."""

    def __init__(self) -> None:
        self.films: dict[str, Film] = {"alien": Film(title="Alien")}
        self.reads = 0
        self.open = asyncio.Event()
        self.open.set()
        self.is_away = False

    async def load(self, key: str) -> Film | None:
        """As it is when it is asked for."""
        self.reads += 1
        film = self.films.get(key)
        await self.open.wait()
        if self.is_away:
            raise DatabaseUnavailable
        return film

    def change(self, key: str, film: Film | None = None) -> None:
        """Another film, or nothing, under that key."""
        if film is None:
            del self.films[key]
        else:
            self.films[key] = film

    def recipe(self, *, good_for: Callable[[Film], float] = _long, absent_for: float = 0) -> Recipe[str, Film]:
        """How films are had from here."""
        return Recipe(
            name="films",
            form=Film,
            load=self.load,
            depends_on=lambda key, _: (change_of(key), ANY_FILM),
            good_for=good_for,
            absent_for=absent_for,
        )


ANY_FILM: Final = change_of("any")
OTHER: Final = Film(title="Aliens", seen=1)


class CacheContract:
    """Subclasses say what `make` makes: caches that share what they share, each for a process with a feed."""

    @pytest.fixture
    def make(self) -> MakeCache:
        raise NotImplementedError

    @pytest.fixture
    def settle(self) -> Callable[[], Awaitable[None]]:
        """Waits until what was read is remembered everywhere."""
        return let_others_run

    async def test_a_value_is_read_once_while_the_feed_is_followed(
        self, make: MakeCache, settle: Callable[[], Awaitable[None]]
    ) -> None:
        shelf = Shelf()
        cache = make(HandFeed(), shelf.recipe())
        assert await cache.get("alien") == Film(title="Alien")
        await settle()
        assert [await cache.get("alien"), await cache.get("alien")] == [Film(title="Alien")] * 2
        assert shelf.reads == 1

    async def test_every_call_reads_while_the_feed_is_not_followed_and_nothing_is_kept(
        self, make: MakeCache, settle: Callable[[], Awaitable[None]]
    ) -> None:
        shelf, feed = Shelf(), HandFeed()
        cache = make(feed, shelf.recipe())
        await cache.get("alien")
        await settle()
        feed.fresh = False
        shelf.change("alien", OTHER)
        assert [await cache.get("alien"), await cache.get("alien")] == [OTHER, OTHER]
        assert shelf.reads == 3
        shelf.change("alien", Film(title="Alien 3"))
        feed.announce(change_of("alien"))
        feed.fresh = True
        assert await cache.get("alien") == Film(title="Alien 3")

    @pytest.mark.parametrize("change", [change_of("alien"), ANY_FILM], ids=["its own", "of all"])
    async def test_a_change_makes_the_next_call_read(
        self, make: MakeCache, settle: Callable[[], Awaitable[None]], change: Change
    ) -> None:
        shelf, feed = Shelf(), HandFeed()
        cache = make(feed, shelf.recipe())
        await cache.get("alien")
        await settle()
        shelf.change("alien", OTHER)
        feed.announce(change)
        assert await cache.get("alien") == OTHER

    async def test_a_change_of_something_else_makes_nobody_read(
        self, make: MakeCache, settle: Callable[[], Awaitable[None]]
    ) -> None:
        shelf, feed = Shelf(), HandFeed()
        shelf.change("brazil", Film(title="Brazil"))
        cache = make(feed, shelf.recipe())
        await cache.get("alien")
        await settle()
        feed.announce(change_of("brazil"))
        await cache.get("alien")
        assert shelf.reads == 1

    @pytest.mark.parametrize("how", ["announce", "flush"])
    async def test_a_value_read_before_a_change_is_not_kept_after_it(
        self, make: MakeCache, settle: Callable[[], Awaitable[None]], how: str
    ) -> None:
        shelf, feed = Shelf(), HandFeed()
        cache = make(feed, shelf.recipe())
        shelf.open.clear()
        reading = asyncio.create_task(cache.get("alien"))
        await _until(lambda: shelf.reads == 1)
        shelf.change("alien", OTHER)
        if how == "flush":
            feed.flush()
        else:
            feed.announce(change_of("alien"))
        shelf.open.set()
        assert await reading == Film(title="Alien")  # that was true when it was asked for
        await settle()
        assert await cache.get("alien") == OTHER

    async def test_who_asks_after_a_change_does_not_get_what_was_read_before_it(self, make: MakeCache) -> None:
        shelf, feed = Shelf(), HandFeed()
        cache = make(feed, shelf.recipe())
        shelf.open.clear()
        early = asyncio.create_task(cache.get("alien"))
        await _until(lambda: shelf.reads == 1)
        shelf.change("alien", OTHER)
        feed.announce(change_of("alien"))
        late = [asyncio.create_task(cache.get("alien")) for _ in range(5)]
        await let_others_run()
        shelf.open.set()
        assert await early == Film(title="Alien")
        assert await asyncio.gather(*late) == [OTHER] * 5
        assert shelf.reads == 2

    async def test_of_many_who_ask_one_reads(self, make: MakeCache) -> None:
        shelf = Shelf()
        cache = make(HandFeed(), shelf.recipe())
        shelf.open.clear()
        asking = [asyncio.create_task(cache.get("alien")) for _ in range(20)]
        await _until(lambda: shelf.reads == 1)
        shelf.open.set()
        assert await asyncio.gather(*asking) == [Film(title="Alien")] * 20
        assert shelf.reads == 1

    async def test_who_is_cancelled_while_reading_takes_nobody_along(self, make: MakeCache) -> None:
        shelf = Shelf()
        cache = make(HandFeed(), shelf.recipe())
        shelf.open.clear()
        asking = [asyncio.create_task(cache.get("alien")) for _ in range(5)]
        await _until(lambda: shelf.reads == 1)
        asking[0].cancel()
        asking[3].cancel()
        await let_others_run()
        shelf.open.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        film = Film(title="Alien")
        assert [answer == film for answer in answers] == [False, True, True, False, True]
        assert shelf.reads == 2

    async def test_a_failure_reaches_those_who_waited_and_nobody_after(self, make: MakeCache) -> None:
        shelf = Shelf()
        cache = make(HandFeed(), shelf.recipe())
        shelf.open.clear()
        asking = [asyncio.create_task(cache.get("alien")) for _ in range(3)]
        await _until(lambda: shelf.reads == 1)
        shelf.is_away = True
        shelf.open.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 3
        shelf.is_away = False
        assert await cache.get("alien") == Film(title="Alien")

    async def test_absence_is_not_remembered_unless_the_recipe_says_so(
        self, make: MakeCache, settle: Callable[[], Awaitable[None]]
    ) -> None:
        shelf = Shelf()
        cache = make(HandFeed(), shelf.recipe())
        assert await cache.get("brazil") is None
        await settle()
        shelf.change("brazil", Film(title="Brazil"))
        assert await cache.get("brazil") == Film(title="Brazil")

    async def test_absence_is_remembered_until_its_end_is_announced(
        self, make: MakeCache, settle: Callable[[], Awaitable[None]]
    ) -> None:
        shelf, feed = Shelf(), HandFeed()
        cache = make(feed, shelf.recipe(absent_for=60))
        assert await cache.get("brazil") is None
        await settle()
        assert await cache.get("brazil") is None
        assert shelf.reads == 1
        shelf.change("brazil", Film(title="Brazil"))
        feed.announce(change_of("brazil"))
        assert await cache.get("brazil") == Film(title="Brazil")

    async def test_absence_lasts_no_longer_than_the_recipe_says(
        self, make: MakeCache, settle: Callable[[], Awaitable[None]]
    ) -> None:
        shelf = Shelf()
        cache = make(HandFeed(), shelf.recipe(absent_for=SHORT_SECONDS))
        await cache.get("brazil")
        await settle()
        shelf.change("brazil", Film(title="Brazil"))
        await asyncio.sleep(SHORT_SECONDS + 0.02)
        assert await cache.get("brazil") == Film(title="Brazil")

    async def test_each_value_has_a_lifetime_of_its_own(
        self, make: MakeCache, settle: Callable[[], Awaitable[None]]
    ) -> None:
        shelf = Shelf()
        shelf.change("brazil", Film(title="Brazil", seen=1))
        cache = make(HandFeed(), shelf.recipe(good_for=lambda film: 60 if film.seen else SHORT_SECONDS))
        for key in ("alien", "brazil"):
            await cache.get(key)
        await settle()
        shelf.change("alien", OTHER)
        await asyncio.sleep(SHORT_SECONDS + 0.02)
        assert (await cache.get("alien"), await cache.get("brazil")) == (OTHER, Film(title="Brazil", seen=1))
        assert shelf.reads == 3

    async def test_what_is_good_for_no_time_is_not_kept(
        self, make: MakeCache, settle: Callable[[], Awaitable[None]]
    ) -> None:
        shelf = Shelf()
        cache = make(HandFeed(), shelf.recipe(good_for=lambda _: -1))
        for reads in (1, 2):
            await cache.get("alien")
            await settle()
            assert shelf.reads == reads

    async def test_it_says_how_long_a_value_stays_true(
        self, make: MakeCache, settle: Callable[[], Awaitable[None]]
    ) -> None:
        cache = make(HandFeed(), Shelf().recipe(good_for=lambda _: 30))
        assert 29 < (await cache.find("alien")).seconds <= 30
        await settle()
        found = await cache.find("alien")
        assert found.value == Film(title="Alien")
        assert 29 < found.seconds < 30

    async def test_strange_keys_find_what_is_theirs(
        self, make: MakeCache, settle: Callable[[], Awaitable[None]]
    ) -> None:
        keys = ["", "a:b", "a", "b", "*", "a b\r\n", "\0", "ä", "a" * 5000, "\ud800"]
        shelf = Shelf()
        shelf.films = {key: Film(title=str(number)) for number, key in enumerate(keys)}
        cache = make(HandFeed(), shelf.recipe())
        for _ in range(2):
            assert [film and film.title for film in [await cache.get(key) for key in keys]] == [
                str(number) for number in range(len(keys))
            ]
            await settle()
        assert shelf.reads == len(keys)


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not happened():  # noqa: ASYNC110 -- what is waited for tells nobody
            await asyncio.sleep(0.001)


class LocksContract:
    """Subclasses give two processes' `locks`, which share what they share."""

    @pytest.fixture
    def locks(self) -> tuple[Locks, Locks]:
        raise NotImplementedError

    async def test_one_holds_it_at_a_time(self, locks: tuple[Locks, Locks]) -> None:
        held = 0

        async def hold(mine: Locks) -> bool:
            nonlocal held
            async with mine.held("shelf", at_most=timedelta(seconds=30)) as ours:
                if ours:
                    held += 1
                    assert held == 1
                await asyncio.sleep(0.1)
                held -= ours
            return ours

        assert sum(await asyncio.gather(*(hold(mine) for mine in locks * 10))) == 1

    async def test_it_is_free_at_the_end_also_of_a_block_that_failed(self, locks: tuple[Locks, Locks]) -> None:
        for mine in locks * 2:
            with pytest.raises(ZeroDivisionError):
                async with mine.held("shelf", at_most=timedelta(seconds=30)) as ours:
                    assert ours
                    raise ZeroDivisionError

    async def test_other_names_are_other_locks(self, locks: tuple[Locks, Locks]) -> None:
        one, other = locks
        at_most = timedelta(seconds=30)
        async with one.held("shelf", at_most=at_most) as first, other.held("lamp", at_most=at_most) as second:
            assert (first, second) == (True, True)

    async def test_it_ends_by_itself_and_who_was_too_late_lets_go_of_nothing(self, locks: tuple[Locks, Locks]) -> None:
        one, other = locks
        async with one.held("shelf", at_most=timedelta(seconds=SHORT_SECONDS)) as first:
            await asyncio.sleep(SHORT_SECONDS + 0.05)
            late = other.held("shelf", at_most=timedelta(seconds=30))
            assert (first, await late.__aenter__()) == (True, True)
        async with one.held("shelf", at_most=timedelta(seconds=30)) as again:
            assert not again
        await late.__aexit__(None, None, None)
        async with one.held("shelf", at_most=timedelta(seconds=30)) as again:
            assert again
