"""A place for an embedded database, and settings for a quick server."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring.settings import Database, Passwords, Settings
from revenge_core.secrets import Secret

CHEAP = Passwords(memory_kib=8, time_cost=1)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that PostgreSQL's user may enter (pytest's own are private), left without a server."""
    path = Path(tempfile.mkdtemp(prefix="revenge-")).resolve()
    path.chmod(0o755)
    yield path
    for server in servers(path):
        with suppress(psutil.NoSuchProcess):
            server.kill()
    shutil.rmtree(path)


def servers(place: Path) -> list[psutil.Process]:
    """Every PostgreSQL process that works below this place."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() == "postgres" and Path(process.cwd()).is_relative_to(place):
                found.append(process)
    return found


@pytest.fixture
def given_settings(revenge_postgres: RecycledDatabase, tmp_path: Path) -> Callable[..., Settings]:
    """Settings for a server on the test's own database."""

    def make(**sections: object) -> Settings:
        url = Database(url=Secret(revenge_postgres.url), owner_url=Secret(revenge_postgres.owner_url), pool_min=1)
        return Settings(**{"data_dir": tmp_path, "database": url, "passwords": CHEAP, **sections})  # type: ignore[arg-type]

    return make
