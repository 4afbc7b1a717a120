"""How costly a hash may be on this machine: the most that takes no longer than somebody is willing to wait (I2)."""

import os
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from time import perf_counter
from typing import Final

from argon2.low_level import Type, hash_secret_raw

from revenge_core.entity import Entity

OWASP_MINIMUM: Final[Mapping[int, int]] = {1: 47104, 2: 19456, 3: 12288, 4: 9216, 5: 7168}
"""Passes → KiB (OWASP Password Storage Cheat Sheet, Argon2id)."""
DEFAULT_TARGET_SECONDS: Final = 0.1
MOST_MEMORY_KIB: Final = 64 * 1024
"""RFC 9106, 4: its second recommended option, for where memory is short. Each hash that runs takes as much."""
MOST_PASSES: Final = 10
SAMPLES: Final = 5

Measure = Callable[[int, int, int], float]
"""Seconds of one hash, by memory in KiB, passes and lanes."""


class HashCost(Entity, kw_only=True):
    """Settings of `passwords`, and what a hash takes with them here."""

    memory_kib: int
    time_cost: int
    parallelism: int
    seconds: float


def measured(memory_kib: int, time_cost: int, parallelism: int) -> float:
    """How long one hash takes on this machine: the median of a few."""
    salt = os.urandom(16)

    def once() -> float:
        began = perf_counter()
        hash_secret_raw(
            b"a password that nobody has",
            salt,
            time_cost=time_cost,
            memory_cost=memory_kib,
            parallelism=parallelism,
            hash_len=32,
            type=Type.ID,
        )
        return perf_counter() - began

    once()  # the first one also pays for the memory
    return median(once() for _ in range(SAMPLES))


def calibrate(
    target_seconds: float = DEFAULT_TARGET_SECONDS,
    *,
    max_memory_kib: int = MOST_MEMORY_KIB,
    parallelism: int = 1,
    measure: Measure = measured,
) -> HashCost:
    """The costliest parameters whose hash takes at most `target_seconds` here; never less than OWASP's minimum.

    Memory first, since it is what guessing in bulk is short of, then passes (RFC 9106, 4). It hashes for some seconds,
    and measures best while nothing else runs.
    """
    steps = _steps(max_memory_kib)
    best = _cost(*next(steps), parallelism, measure)
    for memory_kib, time_cost in steps:
        next_one = _cost(memory_kib, time_cost, parallelism, measure)
        if next_one.seconds > target_seconds:
            break
        best = next_one
    return best


def _cost(memory_kib: int, time_cost: int, parallelism: int, measure: Measure) -> HashCost:
    seconds = measure(memory_kib, time_cost, parallelism)
    return HashCost(memory_kib=memory_kib, time_cost=time_cost, parallelism=parallelism, seconds=seconds)


def _steps(max_memory_kib: int) -> Iterator[tuple[int, int]]:
    """Memory in KiB and passes, each costlier than the one before; the first is OWASP's minimum with two passes."""
    memory_kib, time_cost = OWASP_MINIMUM[2], 2
    while True:
        yield memory_kib, time_cost
        if (more := memory_kib + memory_kib // 4) <= max_memory_kib:
            memory_kib = more
        elif time_cost < MOST_PASSES:
            time_cost += 1
        else:
            return
