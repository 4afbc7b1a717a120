"""Which database: the one that the settings name, or one of our own, started if need be (decisions P12)."""

import asyncio
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from revenge_adapters.postgres.embedded.account import preferred
from revenge_adapters.postgres.embedded.errors import EmbeddedPostgresError
from revenge_adapters.postgres.embedded.files import make_home
from revenge_adapters.postgres.embedded.server import APPLICATION, EmbeddedServer
from revenge_adapters.wiring.errors import SecretFileUnusable
from revenge_adapters.wiring.settings.records import Settings
from revenge_adapters.wiring.settings.values import masked
from revenge_core.entity import Entity
from revenge_core.errors import DatabaseUnavailable
from revenge_core.secrets import Secret

OLDEST_POSTGRESQL: Final = 15
CONNECT_SECONDS: Final = 5


class Place(Entity, kw_only=True):
    """A PostgreSQL that answers, and how to get in."""

    url: Secret
    owner_url: Secret
    """Equal to `url` where only one is given: then nothing but a trigger guards the audit log (rulings R27)."""
    app_role: str | None
    """Whom migrations grant what the application may do; None where the owner is the application."""
    name: str
    """For people: no password in it."""
    embedded: EmbeddedServer | None = None

    @contextmanager
    def naming(self) -> Generator[None]:
        """Say which database it was that is not available, and what the driver said."""
        try:
            yield
        except DatabaseUnavailable as problem:
            cause = problem.__cause__
            told = f" ({' '.join(str(cause).split())})" if cause is not None and str(cause) else ""
            raise DatabaseUnavailable(
                f"{self.name} cannot be used{told}. See that it runs and that database.url is right; "
                "`revenge doctor` looks closer",
                retry_after=problem.retry_after,
            ) from problem


class Peer(Entity, kw_only=True):
    """Who is at the other end, and who we are there."""

    major: int
    user: str


def meet(url: Secret) -> Peer:
    """Connect once, to see whom one talks to.

    Raises:
        DatabaseUnavailable: nobody answers, or not to us.
    """
    try:
        with psycopg.connect(url.reveal(), connect_timeout=CONNECT_SECONDS) as connection:
            return Peer(major=connection.info.server_version // 10_000, user=connection.info.user)
    except psycopg.Error as problem:
        raise DatabaseUnavailable from problem


async def find_place(settings: Settings, stack: AsyncExitStack) -> Place:
    """Start or join the database without holding up the loop; `stack` leaves it. The data directory exists afterwards.

    Raises:
        DatabaseUnavailable: our own cannot be started.
        SecretFileUnusable: the database is given, and the directory for the secret cannot be made.
    """
    if settings.database.url is not None:
        _make_home(settings)
        return given_place(settings.database.url, settings.database.owner_url)
    opening = asyncio.create_task(asyncio.to_thread(_open, settings))

    async def close() -> None:  # also when the one who opens gave up meanwhile
        await asyncio.wait([opening])
        if opening.exception() is None:
            await asyncio.to_thread(opening.result().close)

    stack.push_async_callback(close)
    return _own_place(await asyncio.shield(opening), settings)


@contextmanager
def borrowed_place(settings: Settings) -> Generator[Place]:
    """The same for a moment, and synchronous: for commands that only look at the database, or migrate it.

    Raises:
        DatabaseUnavailable: our own cannot be started.
    """
    if settings.database.url is not None:
        yield given_place(settings.database.url, settings.database.owner_url)
        return
    server = _open(settings)
    try:
        yield _own_place(server, settings)
    finally:
        server.close()


def is_made(settings: Settings) -> bool:
    """Whether there is a database to look at: a given one, or ours from an earlier start.

    One that this user may not look at counts as made: opening it then says who owns it.
    """
    if settings.database.url is not None:
        return True
    try:
        return (settings.data_dir / "postgres" / "PG_VERSION").exists()
    except PermissionError:
        return True


def given_place(url: Secret, owner_url: Secret | None) -> Place:
    """A database that somebody else runs."""
    role = conninfo_to_dict(url.reveal()).get("user")
    separate = owner_url is not None and owner_url != url
    return Place(
        url=url,
        owner_url=owner_url or url,
        app_role=str(role) if separate and role else None,
        name=f"the database {masked(url)}",
    )


def _own_place(server: EmbeddedServer, settings: Settings) -> Place:
    return Place(
        url=Secret(server.url),
        owner_url=Secret(server.owner_url),
        app_role=APPLICATION,
        name=f"the database in {settings.data_dir}",
        embedded=server,
    )


def _make_home(settings: Settings) -> None:
    """Beside a given database the data directory holds the master secret and nothing else."""
    try:
        make_home(settings.data_dir, preferred())
    except OSError as problem:
        detail = f"{problem.filename or settings.data_dir} cannot be made: {problem.strerror or problem}"
        raise SecretFileUnusable(f"{detail}. Choose another place with --data-dir, or see who owns it") from problem


def _open(settings: Settings) -> EmbeddedServer:
    try:
        return EmbeddedServer.open(settings.data_dir, installation=settings.database.binaries)
    except EmbeddedPostgresError as problem:
        raise DatabaseUnavailable(str(problem)) from problem
