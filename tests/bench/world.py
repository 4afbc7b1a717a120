"""A running Revenge to measure: the product's own wiring, on a PostgreSQL of its own that commits to disk."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import psycopg
import uvloop

from revenge_adapters import open_revenge
from revenge_adapters.postgres.embedded import EmbeddedServer
from revenge_adapters.wiring.settings import Settings
from revenge_adapters.wiring.settings.cache import Cache
from revenge_adapters.wiring.settings.people import Limits
from revenge_adapters.wiring.settings.records import Passwords, Sessions
from revenge_core.actor import Origin
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.users.entities import NewUser

T = TypeVar("T")

PASSWORD: Final = Secret("copper kettle, nine swans")
ORIGIN: Final = Origin(address="127.0.0.1", user_agent="revenge-bench/1", request_id="bench")
CHEAP: Final = Passwords(memory_kib=8, time_cost=1)
"""For benchmarks that sign in many people on the way to what they measure."""

GENEROUS: Final = Limits(
    global_rate=10_000_000,
    global_burst=10_000_000,
    login_per_minute=1_000_000,
    account_per_minute=1_000_000,
    refresh_per_minute=1_000_000,
)
"""Requests are counted as in earnest, and one client may send as many as it can."""


@dataclass(frozen=True)
class World:
    """A server with people."""

    revenge: Revenge
    names: tuple[str, ...]

    async def sign_in(self, name: str) -> str:
        """An access token of a new session."""
        signed_in = await self.revenge.auth.login(name, PASSWORD, ORIGIN)
        return signed_in.tokens.access_token.reveal()


@asynccontextmanager
async def world(
    data_dir: Path, *, people: int, passwords: Passwords = CHEAP, max_per_user: int = 1000, cache: Cache | None = None
) -> AsyncGenerator[World]:
    """Start everything in `data_dir`, and register so many people."""
    settings = Settings(
        data_dir=data_dir,
        passwords=passwords,
        sessions=Sessions(max_per_user=max_per_user),
        limits=GENEROUS,
        cache=cache or Cache(),
    )
    async with open_revenge(settings) as revenge:
        names = tuple(f"person{number}" for number in range(people))
        places = asyncio.Semaphore(passwords.threads)

        async def register(name: str) -> None:
            async with places:
                await revenge.accounts.register(NewUser(username=name, email=f"{name}@example.org"), PASSWORD, ORIGIN)

        await asyncio.gather(*map(register, names))
        yield World(revenge, names)


def gather_statistics(data_dir: Path) -> None:
    """What autovacuum does within minutes: without it PostgreSQL goes on planning for tables that were empty."""
    with (
        contextlib.closing(EmbeddedServer.open(data_dir)) as server,
        psycopg.connect(server.superuser_url, autocommit=True) as connection,
    ):
        connection.execute("ANALYZE")


@contextmanager
def data_directory() -> Generator[Path]:
    """Where a server may live for a while. Passable, since as root PostgreSQL runs as somebody else."""
    with TemporaryDirectory(prefix="revenge-bench-") as folder:
        place = Path(folder).resolve()
        place.chmod(0o711)
        yield place / "data"


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run on the event loop that the server runs on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
