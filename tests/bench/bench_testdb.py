"""A database per test: what the recycled pool costs, beside a clone of the template (platforms.md)."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import psycopg
from psycopg import sql

from revenge_adapters.postgres.migrate import migrate
from revenge_adapters.postgres.recycled import APPLICATION, RecycledPool, postgres_server
from revenge_adapters.postgres.recycled.server import TestServer
from tests.bench.harness import BenchResult, Ratio, interleaved

WRITE: Final = "INSERT INTO revenge.changes (number, topic, key) VALUES (1, 'user', 'somebody')"

SUITE: Final = """
import psycopg
import pytest

everything = [pytest.mark.parametrize("n", range({tests})), pytest.mark.parametrize("turn", range({rounds} + 1))]


def each(test):
    for mark in everything:
        test = mark(test)
    return test


@each
def test_bare(turn, n): ...


@each
def test_empty(turn, n, revenge_postgres): ...


@each
def test_writing(turn, n, revenge_postgres):
    with psycopg.connect(revenge_postgres.owner_url) as connection:
        connection.execute({write!r})


@each
def test_cloned(turn, n, revenge_postgres_fresh): ...
"""

STOPWATCH: Final = """
import json, time
import pytest

spans = {}


def pytest_collection_modifyitems(items):
    # Blocks of one kind: what cleaning costs must fall on the tests that cause it.
    items.sort(key=lambda item: (item.callspec.params["turn"], item.originalname, item.callspec.params["n"]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    started = time.perf_counter()
    result = yield
    block = item.originalname.removeprefix("test_"), item.callspec.params["turn"]
    spans.setdefault(block, []).append(time.perf_counter() - started)
    return result


def pytest_sessionfinish(session, exitstatus):
    means = {}
    for (kind, turn), seconds in spans.items():
        if turn:
            means.setdefault(kind, []).append(sum(seconds) / len(seconds))
    (session.config.rootpath / "means.json").write_text(json.dumps(means))
"""


def run(*, tests: int = 40, rounds: int = 5) -> BenchResult:
    """`tests` is how many make a block; a block of each kind makes a round."""
    with postgres_server() as server:
        pool = RecycledPool(server, _prepare)
        try:
            take, bare_take, clone = _hand_outs(server, pool, tests, rounds)
        finally:
            pool.close()
    walls = _suite(tests, rounds)
    return BenchResult(
        ratios=(
            Ratio(what="hand-out of a recycled database", value=take, target=1, must_be="at most", unit="ms"),
            Ratio(
                what="wall time of an empty test that has a database",
                value=walls["empty"],
                target=5,
                must_be="at most",
                unit="ms",
            ),
            Ratio(
                what="cloning and dropping ÷ hand-out",
                value=clone / take,
                target=10,
                must_be="at least",
            ),
        ),
        medians={
            "hand-out of a recycled database, ms": take,
            "taking and giving back with nothing between, ms": bare_take,
            "CREATE DATABASE … TEMPLATE, then DROP, ms": clone,
            "pytest, a test without a database, ms": walls["bare"],
            "pytest, an empty test with a recycled database, ms": walls["empty"],
            "pytest, the same that connects and writes a row, ms": walls["writing"],
            "pytest, an empty test with a fresh clone, ms": walls["cloned"],
        },
        notes=(
            "each hand-out follows one whose holder connected and wrote; with nothing between, cleaning sets the pace",
            "pytest: fixtures of the plugin, set-up and tear-down included; means of blocks, medians of rounds",
        ),
    )


def _prepare(owner_url: str) -> None:
    migrate(owner_url, app_role=APPLICATION)


def _hand_outs(server: TestServer, pool: RecycledPool, tests: int, rounds: int) -> tuple[float, float, float]:
    """Milliseconds of a hand-out, of one in a row without pause, and of cloning and dropping by hand; medians."""

    def hand_outs() -> float:
        return median(_one_lease(pool) for _ in range(tests))

    def in_a_row() -> float:
        started = time.perf_counter()
        for _ in range(tests):
            with pool.lease():
                pass
        return 1000 * (time.perf_counter() - started) / tests

    def clones() -> float:
        with psycopg.connect(server.url(server.superuser, "postgres"), autocommit=True) as admin:
            return median(_one_clone(admin) for _ in range(max(2, tests // 8)))

    found = interleaved({"take": hand_outs, "in a row": in_a_row, "clone": clones}, rounds=rounds)
    return found["take"], found["in a row"], found["clone"]


def _one_lease(pool: RecycledPool) -> float:
    started = time.perf_counter()
    with pool.lease() as database:
        taken = time.perf_counter() - started
        with psycopg.connect(database.owner_url) as connection:
            connection.execute(WRITE)
    return 1000 * taken


def _one_clone(admin: psycopg.Connection[tuple[object, ...]]) -> float:
    started = time.perf_counter()
    admin.execute("CREATE DATABASE revenge_bench TEMPLATE revenge_test_template STRATEGY file_copy")
    admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier("revenge_bench")))
    return 1000 * (time.perf_counter() - started)


def _suite(tests: int, rounds: int) -> dict[str, float]:
    """Milliseconds per test of each kind, as pytest runs them in a process of its own."""
    with TemporaryDirectory(prefix="revenge-bench-") as folder:
        Path(folder, "test_suite.py").write_text(SUITE.format(tests=tests, rounds=rounds, write=WRITE))
        Path(folder, "conftest.py").write_text(STOPWATCH)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder]
        done = subprocess.run(command, cwd=folder, env={**os.environ}, check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"the suite failed:\n{done.stdout}{done.stderr}")
        means: dict[str, list[float]] = json.loads(Path(folder, "means.json").read_text())
    return {kind: 1000 * median(values) for kind, values in means.items()}
