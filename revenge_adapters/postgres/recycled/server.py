"""The PostgreSQL of one test session: in memory where there is room, careless on purpose, gone with its process."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from revenge_adapters.postgres.embedded import EmbeddedPostgresError
from revenge_adapters.postgres.embedded.cluster import SUPERUSER, Cluster
from revenge_adapters.postgres.recycled.pool import SIZE, RecycledPool
from revenge_adapters.postgres.recycled.scratch import MEMORY, scratch_directory, scratch_root

OWNER = "revenge_owner"
APPLICATION = "revenge_app"

_SETTINGS = {
    # a crash of the machine takes the data with it anyway
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # tests are over before it would help, and it would be one more who uses a database
    "autovacuum": "off",
    "track_counts": "on",
    "max_connections": "200",
    # errors that tests provoke go to the startup log
    "logging_collector": "off",
}


class TestServer:
    """A running cluster with the two roles of the product; knows the URLs of its databases."""

    __test__: Final = False  # pytest takes what is called Test… for tests
    owner: str = OWNER
    application: str = APPLICATION
    superuser: str = SUPERUSER

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def url(self, role: str, database: str) -> str:
        """Where `role` reaches `database`, as a libpq URL."""
        return self._cluster.url(role, database)

    @property
    def directory(self) -> Path:
        """The scratch directory that holds all of it."""
        return self._cluster.home.parent


@contextmanager
def postgres_server(*, installation: Path | None = None) -> Generator[TestServer]:
    """Run a PostgreSQL of our own for the length of a block; what killed predecessors left behind is removed first.

    Not even SIGKILL leaves it running: its life is tied to this process. Raises EmbeddedPostgresError.
    """
    root = scratch_root()
    settings = dict(_SETTINGS)
    if root == MEMORY:
        settings["dynamic_shared_memory_type"] = "mmap"  # inside the directory, so that it goes with it
    with scratch_directory(root, put_down=put_down) as directory:
        if os.geteuid() == 0:
            directory.chmod(0o711)  # the server runs as somebody else, who passes through
        cluster = Cluster.prepare(_home(directory), installation=installation, settings=settings)
        cluster.initialise(sync=False)
        cluster.start()
        try:
            _create_roles(cluster)
            yield TestServer(cluster)
        finally:
            cluster.stop()


@contextmanager
def recycled_pool(
    prepare: Callable[[str], None], *, size: int = SIZE, installation: Path | None = None
) -> Generator[RecycledPool]:
    """Run a server and a pool on it for the length of a block.

    `prepare` gets the URL of the template's owner, fills the template, and closes its connections. `installation` names
    the PostgreSQL to use instead of the one that `find_installation` chooses. Raises EmbeddedPostgresError and what
    `prepare` raises.
    """
    with postgres_server(installation=installation) as server:
        pool = RecycledPool(server, prepare, size=size)
        try:
            yield pool
        finally:
            pool.close()


def _home(directory: Path) -> Path:
    return directory / "server"


def _create_roles(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        for role in (OWNER, APPLICATION):
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))


def put_down(directory: Path) -> None:
    """Stop the server that an abandoned scratch directory may still hold."""
    # Usually nothing runs there any more; what cannot even be looked at loses its files all the same.
    with suppress(EmbeddedPostgresError):
        Cluster.prepare(_home(directory)).stop()
