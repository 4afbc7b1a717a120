"""The bounded dictionary: what it keeps, measured against what somebody would keep who knows the future."""

import heapq
import random
from bisect import bisect
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenge_adapters.tinylfu import AGES_AFTER, STEPS_OF_THE_HAND, TinyLfu

ENTRIES: Final = 1000
KEYS: Final = 20_000
REQUESTS: Final = 100_000


def zipf() -> list[int]:
    """Each key is asked for in inverse proportion to its rank (exponent 0.99)."""
    chance = random.Random(5)
    sums = list(accumulate(1 / rank**0.99 for rank in range(1, KEYS + 1)))
    return [bisect(sums, chance.random() * sums[-1]) for _ in range(REQUESTS)]


def with_scans(trace: list[int]) -> Iterator[int]:
    """Now and then somebody asks for two thousand keys once."""
    fresh = KEYS
    for number, key in enumerate(trace, 1):
        yield key
        if number % 5000 == 0:
            yield from range(fresh, fresh + 2000)
            fresh += 2000


def shifting(trace: list[int]) -> Iterator[int]:
    """From time to time other keys are the popular ones."""
    return ((key + number // 25_000 * 5000) % KEYS for number, key in enumerate(trace))


def best_hits(trace: list[int]) -> int:
    """Hits of whoever always lets go of what is asked for again last (Belady's algorithm)."""
    following: dict[int, int] = {}
    again = [0] * len(trace)
    for at in range(len(trace) - 1, -1, -1):
        again[at] = following.get(trace[at], len(trace) + at)
        following[trace[at]] = at
    held: dict[int, int] = {}
    farthest: list[tuple[int, int]] = []
    hits = 0
    for at, key in enumerate(trace):
        if key in held:
            hits += 1
        elif len(held) >= ENTRIES:
            while held.get(farthest[0][1]) != -farthest[0][0]:
                heapq.heappop(farthest)
            if -farthest[0][0] < again[at]:
                continue
            del held[heapq.heappop(farthest)[1]]
        held[key] = again[at]
        heapq.heappush(farthest, (-again[at], key))
    return hits


def our_hits(trace: list[int]) -> int:
    kept = TinyLfu[int, bool](ENTRIES, seed=7)
    hits = 0
    for key in trace:
        if kept.get(key):
            hits += 1
        else:
            kept.put(key, True)
    return hits


@pytest.mark.parametrize(("kind", "share"), [("zipf", 0.85), ("scans", 0.78), ("shifting", 0.75)])
def test_hits_are_near_the_best_that_anybody_could_do(kind: str, share: float) -> None:
    trace = zipf()
    if kind == "scans":
        trace = list(with_scans(trace))
    if kind == "shifting":
        trace = list(shifting(trace))
    assert our_hits(trace) / best_hits(trace) >= share


@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.sampled_from(["put", "get", "pop", "clear"]), st.integers(0, 30)), max_size=300),
)
def test_it_holds_what_was_put_there_or_nothing_and_never_too_much(capacity: int, steps: list[tuple[str, int]]) -> None:
    kept, model = TinyLfu[int, tuple[int, int]](capacity), dict[int, tuple[int, int]]()
    for number, (step, key) in enumerate(steps):
        if step == "put":
            model[key] = (key, number)
            gone = kept.put(key, (key, number))
            if gone is not None:
                assert model.pop(gone[0]) == gone
        elif step == "get":
            assert kept.get(key) == model.get(key)
        elif step == "pop":
            assert kept.pop(key) == model.pop(key, None)
        else:
            kept.clear()
            model.clear()
        assert len(kept) == len(model) <= capacity
        assert kept._entries.keys() == kept._window.keys() | kept._main.keys()


def test_what_everybody_wants_stays_when_strangers_ask_for_anything() -> None:
    kept = TinyLfu[str, int](100)
    for number in range(90):
        kept.put(f"wanted {number}", number)
    for _ in range(5):
        for number in range(90):
            kept.get(f"wanted {number}")
    for number in range(10_000):
        kept.put(f"stranger {number}", number)
        if number % 100 == 0:
            for wanted in range(90):
                kept.get(f"wanted {wanted}")
    assert sum(kept.get(f"wanted {number}") is not None for number in range(90)) >= 85


def test_a_newcomer_never_waits_for_a_round_over_everybody() -> None:
    kept = TinyLfu[int, int](1000)
    for number in range(1000):
        kept.put(number, number)
    for number in range(1000):
        for _ in range(15):
            kept.get(number)
    before = list(kept._main)
    kept.put(-1, 0)
    stayed = before[STEPS_OF_THE_HAND + 1 :]
    assert list(kept._main)[1 : len(stayed) + 1] == stayed or list(kept._main)[: len(stayed)] == stayed


def test_counts_age() -> None:
    kept = TinyLfu[int, int](10, seed=1)
    for _ in range(8):
        kept._sketch.add("once popular")
    assert kept._sketch.count("once popular") == 8
    for number in range(10 * AGES_AFTER):
        kept._sketch.add(number)
    assert kept._sketch.count("once popular") < 8
