"""What every store of counts of guesses owes."""

import asyncio
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from revenge_core.auth.entities import GuessCount
from revenge_core.testing.builders import NOW, an_id
from revenge_core.testing.contracts.world import RACERS, Contract, World, let_others_run, race

MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)


def a_count(key: str, **changes: object) -> GuessCount:
    """A count with one guess in it."""
    return replace(GuessCount(key=key, used=1, at=NOW), **changes)


async def keep(world: World, *counts: GuessCount) -> None:
    """Keep the counts in a transaction of its own."""
    async with world.uow.begin() as tx:
        await tx.guesses.lock([count.key for count in counts], NOW)
        await tx.guesses.put(counts)


async def kept(world: World, *keys: str, at: datetime = NOW) -> dict[str, GuessCount]:
    """The counts, as a transaction of its own sees them."""
    async with world.uow.begin() as tx:
        return await tx.guesses.lock(keys, at)


class GuessStoreContract(Contract):
    """Fixture: `world`."""

    async def test_where_nothing_was_counted_nothing_is_used(self, world: World) -> None:
        assert await kept(world, "b", "a", at=NOW) == {
            "a": GuessCount(key="a", used=0, at=NOW),
            "b": GuessCount(key="b", used=0, at=NOW),
        }

    async def test_a_count_comes_back_as_it_was_kept(self, world: World) -> None:
        counts = (
            a_count("account:x", used=2.25, at=NOW + TICK),
            a_count("pair:x 2001:db8::/64", refused=7, told_at=NOW + 2 * TICK),
        )
        await keep(world, *counts)
        found = await kept(world, *(count.key for count in counts), at=NOW + MINUTE)
        assert found == {count.key: count for count in counts}
        assert all(count.at.utcoffset() == timedelta(0) for count in found.values())

    async def test_what_was_counted_in_a_transaction_that_fails_was_not(self, world: World) -> None:
        with pytest.raises(LookupError):
            async with world.uow.begin() as tx:
                counts = await tx.guesses.lock(["a"], NOW)
                await tx.guesses.put([replace(count, used=3) for count in counts.values()])
                raise LookupError
        assert (await kept(world, "a"))["a"].used == 0

    async def test_of_many_who_count_nobody_is_lost(self, world: World) -> None:
        async def guess() -> None:
            async with world.uow.begin() as tx:
                counts = await tx.guesses.lock(["b", "a"], NOW)
                await let_others_run()
                await tx.guesses.put([replace(count, used=count.used + 1) for count in counts.values()])

        assert await race(guess) == [None] * RACERS
        assert {count.used for count in (await kept(world, "a", "b")).values()} == {RACERS}

    async def test_of_many_who_give_back_nobody_is_lost(self, world: World) -> None:
        await keep(world, a_count("a", at=NOW), a_count("b", at=NOW))

        async def give_back() -> None:
            async with world.uow.begin() as tx:
                await tx.guesses.give_back({"b": 2 * TICK, "a": TICK})
                await let_others_run()

        assert await race(give_back) == [None] * RACERS
        assert await kept(world, "a", "b") == {
            "a": a_count("a", at=NOW - RACERS * TICK),
            "b": a_count("b", at=NOW - 2 * RACERS * TICK),
        }

    async def test_what_was_forgotten_meanwhile_is_not_given_back(self, world: World) -> None:
        async with world.uow.begin() as tx:
            await tx.guesses.give_back({"a": MINUTE})
        assert (await kept(world, "a"))["a"] == GuessCount(key="a", used=0, at=NOW)

    async def test_whoever_locks_the_same_in_another_order_waits_in_no_circle(self, world: World) -> None:
        keys = [f"key {number}" for number in range(4)]

        async def lock(turn: int) -> None:
            async with world.uow.begin() as tx:
                await tx.guesses.lock(keys[turn:] + keys[:turn], NOW)
                await let_others_run()

        await asyncio.gather(*(lock(turn % 4) for turn in range(RACERS)))

    async def test_counts_of_a_subject_are_forgotten_wherever_it_is_named(self, world: World) -> None:
        account, other, address = str(an_id()), str(an_id()), "2001:db8::/64"
        keys = {
            f"account:{account}",
            f"address:{address}",
            f"pair:{account} {address}",
            f"pair:{other} {address}",
            f"pair:{other} 192.0.2.7",
            f"device:{account} {other}",
        }
        await keep(world, *map(a_count, sorted(keys)))
        async with world.uow.begin() as tx:
            assert await tx.guesses.clear(account) == 3
            assert await tx.guesses.clear("2001:db8::") == 0
            assert await tx.guesses.clear(address) == 2
            assert await tx.guesses.clear("192.0.2.7") == 1

    async def test_old_counts_are_forgotten_some_at_a_time(self, world: World) -> None:
        await keep(world, *(a_count(f"key {number}", at=NOW + number * TICK) for number in range(4)))
        async with world.uow.begin() as tx:
            assert await tx.guesses.forget(before=NOW + 3 * TICK, limit=2) == 2
        async with world.uow.begin() as tx:
            assert await tx.guesses.forget(before=NOW + 3 * TICK, limit=2) == 1
            assert await tx.guesses.forget(before=NOW + 3 * TICK, limit=2) == 0
        assert [count.key for count in await world.guesses.used(limit=9)] == ["key 3"]

    async def test_refusals_that_were_not_told_are_found_once_it_is_time(self, world: World) -> None:
        silent = a_count("silent", refused=3, told_at=NOW)
        await keep(world, silent, a_count("told", told_at=NOW), a_count("recent", refused=1, told_at=NOW + MINUTE))
        async with world.uow.begin() as tx:
            assert await tx.guesses.lock_untold(told_before=NOW, limit=9) == ()
            assert await tx.guesses.lock_untold(told_before=NOW + TICK, limit=9) == (silent,)
            assert await tx.guesses.lock_untold(told_before=NOW + 2 * MINUTE, limit=1) != ()


class GuessReaderContract(Contract):
    """Fixture: `world`."""

    async def test_counts_come_with_the_latest_first_and_then_by_key(self, world: World) -> None:
        first, second, third = a_count("b", at=NOW + TICK), a_count("a"), a_count("c")
        await keep(world, third, second, first)
        assert await world.guesses.used(limit=9) == (first, second, third)
        assert await world.guesses.used(limit=2) == (first, second)

    async def test_counts_of_which_nothing_is_used_are_left_out(self, world: World) -> None:
        await keep(world, a_count("a", used=0), a_count("b", used=0.5))
        assert [count.key for count in await world.guesses.used(limit=9)] == ["b"]
