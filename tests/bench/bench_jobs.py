"""The job queue beside procrastinate and pgqueuer, on one PostgreSQL that commits to disk (jobs.md).

Each measure runs in a process of its own; systems take turns, so that a machine that drifts does so for all alike.
"""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from statistics import median
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from revenge_adapters.postgres.embedded import EmbeddedServer
from tests.bench.harness import BenchResult, Ratio, percentile
from tests.bench.world import data_directory

OURS: Final = "revenge"
PEERS: Final = ("procrastinate", "pgqueuer-asyncpg", "pgqueuer-psycopg")


def run(*, jobs: int = 20_000, rounds: int = 5, samples: int = 200, finished: int = 1_000_000) -> BenchResult:
    """`jobs` is how many ours drains at a time; peers get as many as they do in about as long."""
    with _database() as url:
        bench = _Bench(url, rounds)
        empty = bench.turns(
            "drain",
            {name: {"jobs": _share(name, jobs), "concurrency": 100, "effect": False} for name in (OURS, *PEERS)},
        )
        busy = bench.turns(
            "drain",
            {
                name: {"jobs": _share(name, jobs) // 4, "concurrency": 50, "effect": True}
                for name in (OURS, "procrastinate", "pgqueuer-asyncpg")
            },
        )
        enqueued = bench.turns(
            "enqueue", {name: {"jobs": jobs // 4, "connections": 16} for name in (OURS, "procrastinate")}
        )
        batched = bench.median("bulk", jobs=jobs, size=500, unique=False)
        copied = bench.median("bulk", jobs=5 * jobs, size=5 * jobs // 4, unique=False)
        uniques = bench.median("bulk", jobs=jobs, size=500, unique=True)
        idle = {
            name: bench.samples(name, "idle", samples=samples) for name in (OURS, "procrastinate", "pgqueuer-asyncpg")
        }
        late = bench.samples(OURS, "lateness", samples=samples)
        cancelled = bench.samples(OURS, "cancelling", samples=max(5, samples // 5))
        after = bench.one(OURS, "drain", jobs=3 * jobs, concurrency=100, effect=False, finished=finished)
        rescued = bench.one(OURS, "rescue")
    return BenchResult(
        ratios=(
            Ratio(
                what="empty jobs drained at concurrency 100",
                value=empty[OURS],
                target=8000,
                must_be="at least",
                unit="jobs/s",
            ),
            _beside("drain of empty jobs", empty, "procrastinate", 12),
            _beside("drain of empty jobs", empty, "pgqueuer-psycopg", 1.5),
            _beside("drain of empty jobs", empty, "pgqueuer-asyncpg", 0.75),
            Ratio(
                what="jobs with one transaction drained at concurrency 50",
                value=busy[OURS],
                target=1800,
                must_be="at least",
                unit="jobs/s",
            ),
            _beside("drain of jobs with a transaction", busy, "procrastinate", 3),
            _beside("drain of jobs with a transaction", busy, "pgqueuer-asyncpg", 0.85),
            Ratio(
                what="enqueued, each in its own transaction, 16 connections",
                value=enqueued[OURS],
                target=2500,
                must_be="at least",
                unit="jobs/s",
            ),
            _beside("enqueuing", enqueued, "procrastinate", 1.2),
            Ratio(what="enqueued 500 at a time", value=batched, target=30_000, must_be="at least", unit="jobs/s"),
            Ratio(what="enqueued by COPY", value=copied, target=100_000, must_be="at least", unit="jobs/s"),
            Ratio(
                what="idle: enqueue to start, median", value=median(idle[OURS]), target=3, must_be="at most", unit="ms"
            ),
            Ratio(
                what="idle: enqueue to start, p99",
                value=percentile(idle[OURS], 0.99),
                target=8,
                must_be="at most",
                unit="ms",
            ),
            Ratio(
                what="idle median ÷ procrastinate",
                value=median(idle[OURS]) / median(idle["procrastinate"]),
                target=0.7,
                must_be="at most",
            ),
            Ratio(
                what="scheduled jobs: lateness, p99",
                value=percentile(late, 0.99),
                target=300,
                must_be="at most",
                unit="ms",
            ),
            Ratio(
                what="cancel from another process, median",
                value=median(cancelled),
                target=50,
                must_be="at most",
                unit="ms",
            ),
            Ratio(
                what="SIGKILL of a worker to its job elsewhere", value=rescued, target=25, must_be="at most", unit="s"
            ),
            Ratio(
                what=f"drain over {finished:,} finished jobs ÷ over none",
                value=after / empty[OURS],
                target=0.8,
                must_be="at least",
            ),
        ),
        medians={
            **{f"drain, empty, concurrency 100, {name}, jobs/s": rate for name, rate in empty.items()},
            **{f"drain, one transaction each, concurrency 50, {name}, jobs/s": rate for name, rate in busy.items()},
            **{f"enqueue, own transactions, 16 connections, {name}, jobs/s": rate for name, rate in enqueued.items()},
            "enqueue, 500 unique ones at a time, jobs/s": uniques,
            **{f"idle, enqueue to start, p50, {name}, ms": median(values) for name, values in idle.items()},
            **{f"idle, enqueue to start, p99, {name}, ms": percentile(values, 0.99) for name, values in idle.items()},
            "scheduled jobs, lateness, p50, ms": median(late),
            "cancel from another process, p99, ms": percentile(cancelled, 0.99),
        },
        notes=(
            "each system in a process of its own: who enqueues shares the processors with worker and database",
            "drain: from the first handler to the last; ours with leases, fencing, group commit and upkeep switched on",
            "pgqueuer over psycopg has one connection; its handlers with a transaction are not measured",
        ),
    )


def _share(name: str, jobs: int) -> int:
    return {"procrastinate": jobs // 10, "pgqueuer-psycopg": jobs // 4}.get(name, jobs)


def _beside(what: str, rates: dict[str, float], peer: str, target: float) -> Ratio:
    return Ratio(what=f"{what} ÷ {peer}", value=rates[OURS] / rates[peer], target=target, must_be="at least")


class _Bench:
    """Measures in processes of their own."""

    def __init__(self, url: str, rounds: int) -> None:
        self._url = url
        self._rounds = rounds

    def one(self, name: str, measure: str, **parameters: object) -> Any:  # noqa: ANN401 -- a number, or many
        """What one measure of one system says."""
        command = [sys.executable, "-m", "tests.bench.queues", name, measure, self._url, json.dumps(parameters)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{name} {measure} failed:\n{done.stderr[-4000:]}")
        return json.loads(done.stdout)

    def turns(self, measure: str, cases: dict[str, dict[str, object]]) -> dict[str, float]:
        """The median of each system, taken in turns."""
        found: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(self._rounds):
            for name, parameters in cases.items():
                found[name].append(self.one(name, measure, **parameters))
        return {name: median(values) for name, values in found.items()}

    def median(self, measure: str, **parameters: object) -> float:
        """The median of ours."""
        found: list[float] = [self.one(OURS, measure, **parameters) for _ in range(self._rounds)]
        return median(found)

    def samples(self, name: str, measure: str, **parameters: object) -> list[float]:
        """All values of one run."""
        found: list[float] = self.one(name, measure, **parameters)
        return found


@contextmanager
def _database() -> Generator[str]:
    with data_directory() as place, closing(EmbeddedServer.open(place)) as server:
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench_queues")
        yield make_conninfo(server.superuser_url, dbname="bench_queues")
