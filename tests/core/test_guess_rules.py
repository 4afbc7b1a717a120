"""What holds of the brake whatever is tried, from wherever, in whatever order (decisions I7, rulings R19)."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from revenge_adapters import Sandbox, sandbox
from revenge_core.actor import Origin
from revenge_core.auth.entities import GuessCount, GuessRules
from revenge_core.auth.errors import TooManyAttempts
from revenge_core.auth.policy import allowance_of, charged, earlier_by, forgotten_after, subjects_of, used_now, wait
from revenge_core.ids import DeviceId, UserId
from revenge_core.testing.builders import NOW

RULES: Final = GuessRules()
ROUNDING: Final = 1e-3
ACCOUNTS: Final = (UserId(UUID(int=1)), UserId(UUID(int=2)), None)
"""Two people, and a name that nobody has."""
ADDRESSES: Final = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1")
DEVICE: Final = DeviceId(UUID(int=3))
DELAYS: Final = (0.0, 0.0, 0.0, 0.5, 5.0, 10.0, 29.999, 30.0, 120.0)


@dataclass(frozen=True)
class Try:
    """One password, some time after the one before."""

    account: UserId | None
    address: str
    is_known: bool
    is_right: bool
    delay: float


TRIES: Final = st.lists(
    st.builds(
        Try,
        account=st.sampled_from(ACCOUNTS),
        address=st.sampled_from(ADDRESSES),
        is_known=st.sampled_from([False, False, False, True]),
        is_right=st.sampled_from([False, False, False, False, True]),
        delay=st.sampled_from(DELAYS),
    ),
    max_size=120,
)
FLOODS: Final = st.lists(
    st.builds(
        Try,
        account=st.just(ACCOUNTS[0]),
        address=st.integers(0, 200).map(lambda number: f"198.51.100.{number}"),
        is_known=st.just(False),
        is_right=st.just(False),
        delay=st.just(0.0),
    ),
    min_size=60,
    max_size=120,
)


@dataclass(frozen=True)
class Told:
    """What became of a try."""

    one: Try
    at: datetime
    retry_after: float | None

    @property
    def was_let_through(self) -> bool:
        return self.retry_after == 0


async def play(box: Sandbox, tries: Iterable[Try]) -> list[Told]:
    """Charge each try, and refund those that are right."""
    told: list[Told] = []
    for one in tries:
        box.clock.advance(seconds=one.delay)
        device = DEVICE if one.is_known and one.account is not None else None
        before = dict(box.rows.guesses)
        try:
            guess = await box.revenge.guessing.charge(one.account, "nobody", Origin(address=one.address), device=device)
        except TooManyAttempts as refused:
            told.append(Told(one, box.clock.now(), refused.retry_after))
            continue
        told.append(Told(one, box.clock.now(), 0))
        if one.is_right:
            async with box.tables.draft() as rows:  # as a sign-in does, at the end of its transaction
                for key, amount in guess.taken.items():
                    count = rows.guesses[key]
                    earlier = earlier_by(amount, allowance_of(key, RULES))
                    rows.guesses[key] = structs.replace(count, at=count.at - earlier)
            assert changes_nothing(before, box.rows.guesses, box.clock.now())
    return told


def changes_nothing(before: dict[str, GuessCount], after: dict[str, GuessCount], now: datetime) -> bool:
    def used(counts: dict[str, GuessCount], key: str) -> float:
        return used_now(counts[key], allowance_of(key, RULES), now) if key in counts else 0

    return all(abs(used(after, key) - used(before, key)) <= ROUNDING for key in after)


def wrong_ones(told: list[Told]) -> list[Told]:
    return [each for each in told if each.was_let_through and not each.one.is_right]


@given(TRIES)
def test_from_one_address_an_account_is_never_guessed_at_more_often_than_the_allowance_says(tries: list[Try]) -> None:
    moments: dict[object, list[datetime]] = defaultdict(list)
    for each in wrong_ones(asyncio.run(play(sandbox(), tries))):
        if not each.one.is_known:
            moments[each.one.account, each.one.address].append(each.at)
    for times in moments.values():
        for first, began in enumerate(times):
            for last in range(first, len(times)):
                allowed = RULES.per_pair.burst + (times[last] - began) / RULES.per_pair.regain
                assert last - first + 1 <= allowed + ROUNDING


@given(TRIES)
def test_a_known_device_is_never_let_through_more_often_than_its_own_allowance_and_a_strangers(
    tries: list[Try],
) -> None:
    moments: dict[object, list[datetime]] = defaultdict(list)
    for each in wrong_ones(asyncio.run(play(sandbox(), tries))):
        if each.one.is_known and each.one.account is not None:
            moments[each.one.account].append(each.at)
    for times in moments.values():
        for first, began in enumerate(times):
            for last in range(first, len(times)):
                span = times[last] - began
                own = RULES.per_device.burst + span / RULES.per_device.regain
                strangers = len(ADDRESSES) * (RULES.per_pair.burst + span / RULES.per_pair.regain)
                assert last - first + 1 <= own + strangers + ROUNDING


@given(FLOODS, TRIES)
def test_defect_11_nobody_elses_guesses_refuse_an_address_its_own_try(flood: list[Try], tries: list[Try]) -> None:
    told = asyncio.run(play(sandbox(), [*flood, *tries]))
    for index, each in enumerate(told):
        own = [
            before
            for before in told[:index]
            if before.one.address == each.one.address
            and before.was_let_through
            and not before.one.is_right
            and each.at - before.at < RULES.per_pair.regain
        ]
        assert each.was_let_through or own


@given(st.lists(st.sampled_from(ADDRESSES), max_size=60))
def test_right_passwords_never_use_anything_up(addresses: list[str]) -> None:
    tries = [Try(account=ACCOUNTS[0], address=one, is_known=False, is_right=True, delay=0) for one in addresses]
    assert all(each.was_let_through for each in asyncio.run(play(sandbox(), tries)))


@pytest.mark.parametrize(("key", "burst"), [("pair:x y", 5), ("address:y", 30), ("account:x", 50), ("device:x y", 10)])
def test_each_kind_of_key_has_its_allowance(key: str, burst: int) -> None:
    assert allowance_of(key, RULES).burst == burst


def test_an_allowance_comes_back_evenly_and_never_above_what_it_was() -> None:
    allowance = RULES.per_pair
    count = GuessCount(key="pair:x y", used=0, at=NOW)
    for _ in range(20):
        count = charged(count, allowance, NOW)
    assert count.used == 5
    assert [used_now(count, allowance, NOW + timedelta(seconds=at)) for at in (0, 15, 30, 150, 999)] == [
        5,
        4.5,
        4,
        0,
        0,
    ]
    assert wait(count, allowance, NOW) == 30
    assert wait(count, allowance, NOW + timedelta(seconds=30)) == 0


def test_a_clock_that_is_behind_gives_nothing_back() -> None:
    count = charged(GuessCount(key="pair:x y", used=4, at=NOW), RULES.per_pair, NOW - timedelta(hours=1))
    assert (count.used, count.at) == (5, NOW)


def test_counts_are_kept_for_as_long_as_they_mean_something() -> None:
    slow = GuessRules(per_pair=RULES.per_pair.__class__(burst=5, regain=timedelta(hours=6)))
    assert (forgotten_after(RULES), forgotten_after(slow)) == (timedelta(days=1), timedelta(hours=30))


@given(TRIES)
def test_whoever_waits_as_long_as_they_are_told_is_let_through(tries: list[Try]) -> None:
    box = sandbox()
    for each in asyncio.run(play(box, tries)):
        if not each.was_let_through and each.at == box.clock.now():
            assert each.retry_after is not None
            again = replace(each.one, delay=each.retry_after + ROUNDING)
            assert all(one.was_let_through for one in asyncio.run(play(box, [again])))
            return


@pytest.mark.parametrize(
    ("key", "subjects"),
    [
        (f"pair:{ACCOUNTS[0]} 2001:db8::/64", (ACCOUNTS[0], "2001:db8::/64")),
        (f"pair:{'ab' * 32} 192.0.2.7", (None, "192.0.2.7")),
        (f"account:{ACCOUNTS[1]}", (ACCOUNTS[1], None)),
        ("address:192.0.2.7", (None, "192.0.2.7")),
        (f"device:{ACCOUNTS[0]} {DEVICE}", (ACCOUNTS[0], None)),
    ],
)
def test_a_key_names_its_subjects(key: str, subjects: tuple[UserId | None, str | None]) -> None:
    assert subjects_of(key) == subjects
