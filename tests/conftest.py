"""What every test of the house may rely on: one event loop flavour, one scale, reproducible Hypothesis."""

import gc
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from tests.redis_server import RedisServer

collect_ignore = ["downstream"]  # a project of its own: `nox -s wheel` runs it against the built wheel
if find_spec("playwright") is None:
    collect_ignore.append("browser")  # `nox -s browser` has it; nothing else needs it

FAULTS: Final = Path(__file__).parent / "faults"
SCALE: Final = float(os.environ.get("REVENGE_TEST_SCALE", "1"))

hypothesis.settings.register_profile(
    "revenge",
    deadline=None,  # a shared machine says nothing about how long an example should take
    derandomize="CI" in os.environ,  # elsewhere every run looks at new examples
    max_examples=max(1, round(100 * SCALE)),
    print_blob=True,
)
hypothesis.settings.load_profile("revenge")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests and fixtures, contracts included, run on asyncio (rulings R4)."""
    return "asyncio"


@pytest.fixture(scope="session")
def scale() -> float:
    """What a count of rounds, tasks or kills is multiplied by: `REVENGE_TEST_SCALE`, 1 if unset."""
    return SCALE


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A server of the test's own that speaks Redis' protocol, started."""
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything under tests/faults breaks things, marked by hand or not."""
    for item in items:
        if item.path.is_relative_to(FAULTS):
            item.add_marker(pytest.mark.faults)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was loaded stays until the end: going through it over and over takes a third of all the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
