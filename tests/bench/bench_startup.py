"""How long the shell and the server take to be there, and what the server holds while nobody asks for anything."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

import psutil

from tests.bench.harness import BenchResult, Ratio, interleaved
from tests.bench.wire import REVENGE, Served, served
from tests.bench.world import data_directory

NOTHING: Final = [sys.executable, "-c", "pass"]
HELP: Final = [str(REVENGE), "--help"]
VERSION: Final = [str(REVENGE), "--version"]
SETTLED: Final = 3.0
"""Seconds after which a server that nobody uses has done all it does by itself."""


def run(*, commands: int = 15, starts: int = 5) -> BenchResult:
    """Short commands are run in turns; each start on a new data directory is followed by one on the same."""
    short = interleaved(
        {
            "python -c pass": lambda: _milliseconds(NOTHING),
            "revenge --version": lambda: _milliseconds(VERSION),
            "revenge --help": lambda: _milliseconds(HELP),
        },
        rounds=commands,
    )
    cold: list[float] = []
    warm: list[float] = []
    held: list[tuple[float, float]] = []
    for _ in range(starts):
        with data_directory() as place:
            cold.append(_until_ready(place, _nothing))
            warm.append(_until_ready(place, lambda server: held.append(_memory(server))))
    pss, rss = median(pss for pss, _ in held), median(rss for _, rss in held)
    return BenchResult(
        ratios=(
            Ratio(what="revenge --help", value=short["revenge --help"], target=80, must_be="at most", unit="ms"),
            Ratio(
                what="revenge serve, warm, to the first good /readyz",
                value=median(warm),
                target=2,
                must_be="at most",
                unit="s",
            ),
            Ratio(what="the same on a new data directory", value=median(cold), target=4, must_be="at most", unit="s"),
            Ratio(
                what="memory of an idle server, without PostgreSQL (PSS)",
                value=pss,
                target=120,
                must_be="at most",
                unit="MB",
            ),
        ),
        medians={
            **{f"{name}, ms": value for name, value in short.items()},
            "revenge --help ÷ python -c pass": short["revenge --help"] / short["python -c pass"],
            "serve, warm, s": median(warm),
            "serve, cold, s": median(cold),
            "idle server, PSS, MB": pss,
            "idle server, RSS, MB": rss,
        },
        notes=(
            "each command as a process of its own, bytecode compiled before; cold: initdb and migrations included",
            f"memory: {SETTLED:.0f} s after the start; what several processes share counts by its share in PSS",
        ),
    )


def _milliseconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - started)


def _until_ready(place: Path, then: Callable[[Served], None]) -> float:
    """Seconds from the start of a server to its first good answer about readiness."""
    started = time.perf_counter()
    with served(place) as server:
        server.wait_until_ready()
        taken = time.perf_counter() - started
        then(server)
    return taken


def _nothing(_server: Served) -> None: ...


def _memory(server: Served) -> tuple[float, float]:
    """Megabytes that the server holds, proportional and resident; PostgreSQL is a child and does not count."""
    time.sleep(SETTLED)
    found = psutil.Process(server.process.pid).memory_full_info()
    return found.pss / 1e6, found.rss / 1e6
