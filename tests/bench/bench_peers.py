"""Beside the peers: one's own account, the same while others sign in, and signing in (performance.md).

Each peer is a minimal application as its own documentation has it (`tests/bench/peers/apps`), in an environment of its
own, on the same PostgreSQL server, with one worker. Ours and the peer take turns under the same load.
"""

import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Final

from revenge_adapters.postgres.embedded import EmbeddedServer
from revenge_adapters.wiring.settings.records import Passwords
from tests.bench.harness import BenchResult, Ratio, percentile
from tests.bench.peers.install import CannotInstallError
from tests.bench.peers.load import latencies_during, lines, rate
from tests.bench.peers.peers import OURS, PEERS, PEOPLE, THREADS, Manners, Peer, Server, analyze, running
from tests.bench.wire import REVENGE, USUAL, Served
from tests.bench.wire import running as running_ours
from tests.bench.world import CHEAP, data_directory, gather_statistics, run_async

CONNECTIONS: Final = 32
AT_ONCE: Final = 50
"""Sign-ins at the same time, of one person each."""
OBSERVERS: Final = 4
"""Who asks for the own account meanwhile: one alone would be answered too seldom by a server that takes seconds."""
SIGN_INS: Final = 8
"""Connections that sign in without a pause where signing in is what is measured."""
WITHOUT_HASH: Final = MappingProxyType(
    {
        "PASSWORDS_MEMORY_KIB": str(CHEAP.memory_kib),
        "PASSWORDS_TIME_COST": str(CHEAP.time_cost),
        "SESSIONS_MAX_PER_USER": "1000",
    }
)
"""Ours where signing in is what is measured: people sign in more often in a second than in a year, and their eleventh
session would end the first each time."""
STRANGERS: Final = 1000
"""Where the numbers of those begin who sign in at little cost: nobody's hash is renewed back and forth."""
LIFETIME_SECONDS: Final = 3600.0
EVERYBODY: Final = tuple(peer.name for peer in PEERS)

Pairs = list[tuple[float, float]]


@dataclass(frozen=True)
class Size:
    """How much is measured: seconds of each rate, seconds of each storm, rounds that count."""

    seconds: float
    storm: float
    rounds: int


@dataclass(frozen=True)
class Found:
    """Of one peer: ours and the peer's, per round."""

    me: Pairs = field(default_factory=list[tuple[float, float]])
    cpu: Pairs = field(default_factory=list[tuple[float, float]])
    """Microseconds of the server's processor for each `me`, without PostgreSQL's."""
    unfed: Pairs = field(default_factory=list[tuple[float, float]])
    login: Pairs = field(default_factory=list[tuple[float, float]])
    meanwhile: Pairs = field(default_factory=list[tuple[float, float]])
    calm: list[float] = field(default_factory=list[float])
    rough: list[float] = field(default_factory=list[float])
    """Seconds of each request during our storm, and during the peer's; of all rounds together."""

    @property
    def p99(self) -> tuple[float, float]:
        """Ours, and the peer's."""
        return percentile(self.calm, 0.99), percentile(self.rough, 0.99)


@dataclass(frozen=True)
class Guest:
    """A server with people."""

    server: Server
    manners: Manners
    me: Sequence[bytes] = ()
    """One's own account, of as many people as there are connections."""
    first: int = 0
    """Where the numbers of those begin who sign in."""

    async def accounts(self, size: Size) -> tuple[float, float]:
        """Accounts per second, and microseconds of the server's processor for each."""
        started, before = time.perf_counter(), self.server.cpu_seconds()
        per_second = await rate(self.server.port, [[one] for one in self.me], size.seconds)
        asked = per_second * (time.perf_counter() - started)
        return per_second, (self.server.cpu_seconds() - before) / asked * 1e6

    async def logins(self, size: Size) -> float:
        """Sign-ins per second, each of another person than the one before."""
        numbers = range(self.first, self.first + PEOPLE)
        own = [[self.manners.login(number) for number in numbers[begin::SIGN_INS]] for begin in range(SIGN_INS)]
        return await rate(self.server.port, own, size.seconds)

    async def storm(self, size: Size) -> tuple[list[float], float]:
        """Seconds that one's own account took each time while others sign in, and their sign-ins per second."""
        crowd = [self.manners.login(number) for number in range(CONNECTIONS, CONNECTIONS + AT_ONCE)]
        return await latencies_during(self.server.port, self.me[:OBSERVERS], crowd, size.storm)


@dataclass(frozen=True)
class Ours:
    """Three of ours: as it is, without what it remembers, and with passwords that cost nothing."""

    usual: Server
    unfed: Server
    cheap: Server


def run(*, seconds: float = 1.0, storm: float = 4.0, rounds: int = 5, only: Sequence[str] = EVERYBODY) -> BenchResult:
    """Each rate is taken over so many `seconds`; a `storm` lasts so many."""
    with data_directory() as place, closing(EmbeddedServer.open(place)) as server:
        found, missing = run_async(_everybody(place, server.superuser_url, Size(seconds, storm, rounds), only))
    return BenchResult(
        ratios=[ratio for peer in PEERS if peer.name in found for ratio in _ratios(peer, found[peer.name])],
        medians={what: value for name, one in found.items() for what, value in _medians(name, one).items()},
        notes=(
            *missing,
            "ratios of rates are taken within a round, ours and the peer's one after the other; their median is given",
            f"me: {CONNECTIONS} connections, each of another person; ours is revenge serve with everything on",
            "where the client is what is slow, compare the servers' CPU; it leaves PostgreSQL's out",
            "from PostgreSQL: ours with a feed that is never fresh, so that nothing remembered counts",
            f"storm: {AT_ONCE} connections sign in without a pause, {OBSERVERS} ask for me; p99 of all rounds together",
            "Argon2id with our defaults for all; without the hash: 8 KiB and one pass for all, a few microseconds",
            f"logins without the hash: {SIGN_INS} connections, {PEOPLE} people, none of whose sessions is ended for it",
            "ours keeps a session and an audit entry of each login; JWT peers keep nothing",
            f"uvicorn as it is; gunicorn with {THREADS} threads; client, servers and PostgreSQL share the processors",
        ),
    )


async def _everybody(place: Path, postgres: str, size: Size, only: Sequence[str]) -> tuple[dict[str, Found], list[str]]:
    found: dict[str, Found] = {}
    missing: list[str] = []
    with _serve(place) as usual, _serve(place, "-m", "tests.bench.peers.unfed") as unfed:
        await _register(usual.port, OURS, CONNECTIONS + AT_ONCE)
        with _serve(place, **WITHOUT_HASH) as cheap:
            await _register(cheap.port, OURS, PEOPLE, first=STRANGERS)
            gather_statistics(place)
            ours = Ours(*(Server(one.port, one.process.pid) for one in (usual, unfed, cheap)))
            for peer in PEERS:
                if peer.name in only:
                    try:
                        found[peer.name] = await _beside(peer, ours, postgres, size)
                    except CannotInstallError as error:
                        missing.append(f"missing: {peer.name} could not be installed ({error})")
    return found, missing


async def _beside(peer: Peer, ours: Ours, postgres: str, size: Size) -> Found:
    found = Found()
    with running(peer, postgres, Passwords()) as server:
        await _register(server.port, peer.manners, CONNECTIONS + AT_ONCE)
        analyze(postgres)
        usual, theirs = await _signed_in(ours.usual, OURS), await _signed_in(server, peer.manners)
        unfed = replace(usual, server=ours.unfed)
        for turn in range(size.rounds + 1):
            remembered, asked, answered = [await guest.accounts(size) for guest in (usual, unfed, theirs)]
            calm, our_logins = await usual.storm(size)
            rough, their_logins = await theirs.storm(size)
            if turn:
                found.me.append((remembered[0], answered[0]))
                found.unfed.append((asked[0], answered[0]))
                found.cpu.append((remembered[1], answered[1]))
                found.meanwhile.append((our_logins, their_logins))
                found.calm.extend(calm)
                found.rough.extend(rough)
    with running(peer, postgres, CHEAP) as server:
        await _register(server.port, peer.manners, PEOPLE)
        analyze(postgres)
        cheap, theirs = Guest(ours.cheap, OURS, first=STRANGERS), Guest(server, peer.manners)
        for turn in range(size.rounds + 1):
            pair = await cheap.logins(size), await theirs.logins(size)
            if turn:
                found.login.append(pair)
    return found


async def _register(port: int, manners: Manners, people: int, *, first: int = 0) -> None:
    if manners.register is not None:
        async with lines(port, 1) as (line,):
            for number in range(first, first + people):
                await line.ask(manners.register(number))


async def _signed_in(server: Server, manners: Manners) -> Guest:
    """As many people as there are connections; nobody of them is in the storm, which would end their sessions."""
    async with lines(server.port, 1) as (line,):
        me = [manners.me(await line.ask(manners.login(number))) for number in range(CONNECTIONS)]
        for one in me:
            await line.ask(one)
    return Guest(server, manners, me)


@contextmanager
def _serve(place: Path, *program: str, **settings: str) -> Generator[Served]:
    """Our server on the database in `place`: the program that is installed, or another module."""
    command = [sys.executable, *program] if program else [str(REVENGE)]
    variables = {f"REVENGE_{name}": value for name, value in {**USUAL, **settings}.items()}
    serve = [*command, "serve", "--data-dir", str(place), "--port", "0"]
    with running_ours(serve, variables, patience=LIFETIME_SECONDS) as served:
        yield served


def _ratios(peer: Peer, found: Found) -> Iterator[Ratio]:
    ours, theirs = found.p99
    measured = {
        "me": (f"me ÷ {peer.name}", _ratio(found.me)),
        "unfed": (f"me, always from PostgreSQL ÷ {peer.name}", _ratio(found.unfed)),
        "storm": (f"p99 of me during {AT_ONCE} logins: {peer.name} ÷ ours", theirs / ours),
        "login": (f"logins without the hash ÷ {peer.name}", _ratio(found.login)),
    }
    for name, target in peer.targets.items():
        what, value = measured[name]
        yield Ratio(what=what, value=value, target=target, must_be="at least")


def _ratio(pairs: Pairs) -> float:
    return median(ours / theirs for ours, theirs in pairs)


def _medians(name: str, found: Found) -> dict[str, float]:
    pairs = {
        "me, {}, requests/s": found.me,
        "me, {}, µs of the server's CPU": found.cpu,
        "me from PostgreSQL, {}, requests/s": found.unfed,
        "logins/s in the storm, {}": found.meanwhile,
        "logins/s without the hash, {}": found.login,
    }
    medians = {
        what.format(whose): median(pair[index] for pair in values)
        for what, values in pairs.items()
        for index, whose in enumerate((f"ours beside {name}", name))
        if "PostgreSQL" not in what or index == 0
    }
    ours, theirs = found.p99
    return medians | {
        f"me in the storm, ours beside {name}, p99, ms": 1000 * ours,
        f"me in the storm, {name}, p99, ms": 1000 * theirs,
    }
