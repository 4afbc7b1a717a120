"""The benchmarks themselves: that they tell a met target from a missed one, and, with `-m bench`, that each runs."""

import importlib
import json
import math
from pathlib import Path
from typing import Final

import pytest

from tests.bench import harness
from tests.bench.harness import BenchResult, Ratio

TINY: Final[dict[str, dict[str, float]]] = {
    "access": {"rounds": 4, "requests": 10, "reads": 64, "decisions": 1000, "few": 1000, "many": 2000, "pages": 2},
    "cache": {"rounds": 1, "requests": 64},
    "jobs": {"jobs": 400, "rounds": 1, "samples": 5, "finished": 1000},
    "login": {"seconds": 0.05, "rounds": 1, "alone": 2, "samples": 5},
    "me": {"rounds": 1, "requests": 10, "read_rounds": 1, "reads": 64},
    "peers": {"seconds": 0.2, "storm": 0.5, "rounds": 1},
    "revocation": {"sessions": 8},
    "startup": {"commands": 1, "starts": 1},
    "testdb": {"tests": 2, "rounds": 1},
    "wire": {"seconds": 0.1, "rounds": 1},
}


def test_a_small_size_is_known_for_every_benchmark() -> None:
    assert harness.names() == sorted(TINY)


@pytest.mark.parametrize("name", sorted(TINY))
def test_every_benchmark_can_be_imported(name: str) -> None:
    assert callable(importlib.import_module(f"tests.bench.bench_{name}").run)


@pytest.mark.bench
@pytest.mark.parametrize("name", sorted(TINY))
def test_every_benchmark_finds_numbers_at_a_small_size(name: str) -> None:
    module = importlib.import_module(f"tests.bench.bench_{name}")
    result: BenchResult = module.run(**TINY[name])
    assert result.ratios or any(note.startswith("missing: ") for note in result.notes)
    assert all(math.isfinite(ratio.value) and ratio.value > 0 for ratio in result.ratios)
    assert all(math.isfinite(value) for value in result.medians.values())


def test_a_target_is_met_up_to_its_bound_and_not_beyond() -> None:
    def floor(value: float) -> bool:
        return Ratio(what="", value=value, target=2, must_be="at least").is_met

    def ceiling(value: float) -> bool:
        return Ratio(what="", value=value, target=2, must_be="at most").is_met

    assert (floor(2), floor(1.99)) == (True, False)
    assert (ceiling(2), ceiling(2.01)) == (True, False)


def test_cases_take_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []
    values = iter([100.0, 1.0, 2.0, 3.0])

    def first() -> float:
        order.append("first")
        return next(values)

    def second() -> float:
        order.append("second")
        return 7.0

    assert harness.interleaved({"first": first, "second": second}, rounds=3) == {"first": 2.0, "second": 7.0}
    assert order == ["first", "second"] * 4


def test_a_percentile_is_a_value_that_occurred() -> None:
    assert harness.percentile([5.0, 1.0, 3.0, 2.0, 4.0], 0.99) == 5.0
    assert harness.percentile([5.0, 1.0, 3.0, 2.0, 4.0], 0.5) == 3.0


def test_what_is_kept_names_the_target_and_no_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "KEPT", tmp_path)
    ratio = Ratio(what="start", value=1.5, target=2, must_be="at most", unit="s")
    record = json.loads(harness.keep("some", BenchResult(ratios=[ratio], medians={"start, s": 1.5})).read_text())
    assert record["ratios"] == [{"what": "start", "value": 1.5, "target": "at most 2 s", "met": True}]
    assert set(record["machine"]) == {"architecture", "processors", "memory_gib", "system", "load"}
