"""How costly a hash may be: as much as fits into the time, never less than what is safe (decisions I2)."""

import pytest

from revenge_adapters.wiring.calibrate import MOST_MEMORY_KIB, MOST_PASSES, OWASP_MINIMUM, Measure, calibrate, measured


def always(seconds: float) -> Measure:
    """A machine on which every hash takes as long."""

    def measure(_memory_kib: int, _time_cost: int, _parallelism: int) -> float:
        return seconds

    return measure


def as_fast_as(gib_per_second: float) -> Measure:
    """A machine that fills so much memory in a second."""

    def measure(memory_kib: int, time_cost: int, _parallelism: int) -> float:
        return memory_kib * time_cost / (gib_per_second * 1024 * 1024)

    return measure


@pytest.mark.parametrize("target", [0.02, 0.1, 0.25, 1.0])
@pytest.mark.parametrize("speed", [0.5, 1.0, 4.0])
def test_the_costliest_hash_that_fits_is_chosen(target: float, speed: float) -> None:
    cost = calibrate(target, measure=as_fast_as(speed))
    assert cost.memory_kib >= OWASP_MINIMUM[2]
    assert cost.time_cost >= 2
    if cost.memory_kib > OWASP_MINIMUM[2] or cost.time_cost > 2:
        assert cost.seconds <= target
    if cost.time_cost < MOST_PASSES:
        assert cost.seconds * 1.5 + 0.001 > target


def test_a_slow_machine_still_does_what_is_safe() -> None:
    cost = calibrate(0.01, measure=always(9))
    assert (cost.memory_kib, cost.time_cost, cost.parallelism, cost.seconds) == (OWASP_MINIMUM[2], 2, 1, 9.0)


def test_a_fast_machine_takes_more_memory_first_and_then_more_passes_up_to_an_end() -> None:
    cost = calibrate(10, measure=always(0))
    assert MOST_MEMORY_KIB * 0.8 < cost.memory_kib <= MOST_MEMORY_KIB
    assert cost.time_cost == MOST_PASSES


def test_no_more_memory_is_taken_than_allowed_but_what_is_safe() -> None:
    assert calibrate(10, max_memory_kib=1, measure=always(0)).memory_kib == OWASP_MINIMUM[2]
    assert calibrate(10, max_memory_kib=30_000, parallelism=4, measure=always(0)).memory_kib <= 30_000


def test_it_measures_on_this_machine() -> None:
    assert measured(64, 1, 1) > 0
