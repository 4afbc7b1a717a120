"""Where a test of the embedded PostgreSQL puts its data directory."""

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.faults.embedded import directory


@pytest.fixture
def place() -> Generator[Path]:
    """A directory everybody may enter (pytest's own are private), in memory where there is room."""
    memory = Path("/dev/shm")  # noqa: S108 - only tests live there
    room = memory.is_dir() and shutil.disk_usage(memory).free > 1_000_000_000
    with directory(memory if room else None) as path:
        yield path


@pytest.fixture
def disk() -> Generator[Path]:
    """The same on a disk, from which programs may be run."""
    with directory(None) as path:
        yield path
