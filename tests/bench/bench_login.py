"""Signing in: its throughput beside that of the bare hash, its own cost, and what others feel of many at once."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final
from unittest.mock import patch

from msgspec.structs import replace

from revenge_adapters.passwords_argon2 import Argon2Hasher
from revenge_adapters.wiring.settings.records import Passwords
from revenge_core.secrets import Secret
from tests.bench.harness import BenchResult, Ratio, percentile
from tests.bench.wire import Client, served
from tests.bench.world import ORIGIN, PASSWORD, World, data_directory, gather_statistics, run_async, world

AT_ONCE: Final = 50
"""Sign-ins at the same time; 2 are hashed and 64 may wait."""
PEOPLE: Final = 100
PAUSE: Final = 0.002
"""Seconds between two requests of the one whose latency is measured."""
ME: Final = "/api/v1/users/me"
LOGIN: Final = "/api/v1/auth/login"


@dataclass
class Storm:
    """What one request took, in seconds, round by round, and how many logins per second went on meanwhile."""

    idle: list[list[float]] = field(default_factory=list[list[float]])
    stormy: list[list[float]] = field(default_factory=list[list[float]])
    logins: list[float] = field(default_factory=list[float])

    @property
    def ratio(self) -> float:
        """p99 in the storm ÷ p99 before it."""
        return median(b / a for a, b in zip(_p99(self.idle), _p99(self.stormy), strict=True))

    def medians(self, threads: str) -> dict[str, float]:
        """What is kept of it."""
        during = f"me during {AT_ONCE} logins, {threads}"
        return {
            f"me idle, {threads}, p99, ms": 1000 * median(_p99(self.idle)),
            f"{during}, median, ms": 1000 * median(map(median, self.stormy)),
            f"{during}, p99, ms": 1000 * median(_p99(self.stormy)),
            f"{during}, p99 ÷ idle": self.ratio,
            f"logins/s meanwhile, {threads}": median(self.logins),
        }


def run(*, seconds: float = 1.0, rounds: int = 5, alone: int = 100, samples: int = 400) -> BenchResult:
    """Each rate is taken over so many `seconds`; `samples` of another request make a round of the storm."""
    with data_directory() as place:
        rates, without_hash = run_async(_throughput(place, seconds, rounds, alone))
    with data_directory() as place, served(place) as server:
        storm = run_async(_storm(server.port, rounds, samples))
    with data_directory() as place, served(place, PASSWORDS_THREADS="1") as server:
        narrow = run_async(_storm(server.port, rounds, samples))
    return BenchResult(
        ratios=(
            Ratio(
                what="logins ÷ bare hashes of the same pool",
                value=median(login / bare for bare, login in rates),
                target=0.85,
                must_be="at least",
            ),
            Ratio(what=f"p99 of me during {AT_ONCE} logins ÷ idle p99", value=storm.ratio, target=4, must_be="at most"),
        ),
        medians={
            "bare hashes/s": median(bare for bare, _ in rates),
            "logins/s": median(login for _, login in rates),
            "login without the hash, ms": 1000 * median(without_hash),
            **storm.medians(f"{Passwords().threads} hashing threads"),
            **narrow.medians("1 hashing thread"),
        },
        notes=(
            "Argon2id with the product's defaults: 19 MiB, 2 passes, 1 lane, niced threads",
            f"throughput: Auth.login in process, {AT_ONCE} tasks, PostgreSQL on disk, each commit synced",
            f"storm: a revenge serve of its own; {AT_ONCE} connections log in without a pause, one asks for me",
            "client, server and database share the processors, and hashing threads take what is left of them",
        ),
    )


def _p99(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [percentile(taken, 0.99) for taken in rounds]


async def _throughput(
    place: Path, seconds: float, rounds: int, alone: int
) -> tuple[list[tuple[float, float]], list[float]]:
    """Per round bare hashes and logins per second; then the seconds of single logins whose hash costs nothing."""
    async with world(place, people=PEOPLE, passwords=Passwords(), max_per_user=10) as there:
        account = await there.revenge.auth._accounts.by_login(there.names[0])
        assert account is not None
        stored = account.credential.password_hash
        hasher = there.revenge.auth._passwords._hasher

        async def bare(_number: int) -> None:
            assert await hasher.verify(stored, PASSWORD)

        async def login(number: int) -> None:
            await _login(there, number)

        found: list[tuple[float, float]] = []
        for turn in range(rounds + 1):
            gather_statistics(place)
            rates = await _rate(bare, seconds), await _rate(login, seconds)
            if turn:
                found.append(rates)
        with patch.object(Argon2Hasher, "verify", _matches_at_once):
            without_hash = [await _seconds(_login(there, number)) for number in range(alone)]
    return found, without_hash


async def _login(there: World, number: int) -> None:
    """Each from a place of its own: fifty at once from one address would be taken for guesses."""
    origin = replace(ORIGIN, address=f"10.0.0.{number % PEOPLE}")
    await there.revenge.auth.login(there.names[number % len(there.names)], PASSWORD, origin)


async def _matches_at_once(_hasher: Argon2Hasher, _stored: Secret, _password: Secret, *, known: bool = False) -> bool:
    return True


async def _seconds(work: Awaitable[None]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def _rate(work: Callable[[int], Awaitable[None]], seconds: float) -> float:
    """How often per second `work` is done, by tasks that go on as soon as they are free; whole pieces of work only."""
    numbers = itertools.count()
    started = time.perf_counter()

    async def worker() -> int:
        done = 0
        while time.perf_counter() - started < seconds:
            await work(next(numbers))
            done += 1
        return done

    done = sum(await asyncio.gather(*(worker() for _ in range(AT_ONCE))))
    return done / (time.perf_counter() - started)


async def _storm(port: int, rounds: int, samples: int) -> Storm:
    observer = await Client.connect(port)
    crowd = [await Client.connect(port, f"10.0.0.{number}") for number in range(1, 1 + AT_ONCE)]
    people = [
        {"username": f"person{number}", "email": f"person{number}@example.org", "password": PASSWORD.reveal()}
        for number in range(1 + AT_ONCE)
    ]
    for person in people:
        await observer.ask("POST", "/api/v1/auth/register", body=person)
    token = (await observer.ask("POST", LOGIN, body=people.pop()))["access_token"]

    found = Storm()
    for turn in range(rounds + 1):
        calm = await _observe(observer, token, samples)
        over = asyncio.Event()
        started = time.perf_counter()
        storm = [
            asyncio.create_task(_log_in_until(over, client, person))
            for client, person in zip(crowd, people, strict=True)
        ]
        rough = await _observe(observer, token, samples)
        over.set()
        logins = sum(await asyncio.gather(*storm))
        if turn:
            found.idle.append(calm)
            found.stormy.append(rough)
            found.logins.append(logins / (time.perf_counter() - started))
    for client in (observer, *crowd):
        await client.close()
    return found


async def _observe(client: Client, token: str, samples: int) -> list[float]:
    taken: list[float] = []
    for _ in range(samples):
        await asyncio.sleep(PAUSE)
        started = time.perf_counter()
        await client.ask("GET", ME, token=token)
        taken.append(time.perf_counter() - started)
    return taken


async def _log_in_until(over: asyncio.Event, client: Client, person: dict[str, str]) -> int:
    """How often that was done."""
    times = 0
    while not over.is_set():
        await client.ask("POST", LOGIN, body=person)
        times += 1
    return times
