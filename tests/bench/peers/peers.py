"""Who is measured beside us: how each is installed and served, and how one signs in and asks for one's account."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import msgspec
import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from revenge_adapters.wiring.settings.records import Passwords
from tests.bench.peers.install import APPS, node_environment, python_environment
from tests.bench.peers.load import Answer, request
from tests.bench.world import PASSWORD

PATIENCE_SECONDS: Final = 60.0
PEOPLE: Final = 240
DATABASE: Final = "bench_peer"
CSRF: Final = "c" * 32
THREADS: Final = 4 * len(os.sched_getaffinity(0))
"""Of gunicorn's gthread: the upper end of what its documentation advises, 2 to 4 for each processor."""


@dataclass(frozen=True, kw_only=True)
class Manners:
    """How one talks to a server."""

    login: Callable[[int], bytes]
    me: Callable[[Answer], bytes]
    """From the answer to a login."""
    register: Callable[[int], bytes] | None = None
    """None where people are there from the beginning."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another program."""

    name: str
    command: Callable[[int], "Command"]
    """For a port. Installs first. Raises CannotInstallError."""
    manners: Manners
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    targets: Mapping[str, float]
    """What our figure has to be, divided by the peer's: `me`, `unfed`, `login`; of `storm`, theirs divided by ours."""


@dataclass(frozen=True)
class Command:
    """How a server is started, after what has to be done before, and where."""

    serve: list[str]
    place: str
    before: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Server:
    """A process that listens, with those that it started."""

    port: int
    process: int

    def cpu_seconds(self) -> float:
        """What all of them took of the processors so far."""
        first = psutil.Process(self.process)
        taken = [one.cpu_times() for one in (first, *first.children(recursive=True))]
        return sum(one.user + one.system for one in taken)


def person(number: int) -> dict[str, str]:
    """Somebody, as they register."""
    return {
        "username": f"person{number}",
        "name": f"person{number}",
        "email": f"person{number}@example.org",
        "password": PASSWORD.reveal(),
    }


def only(number: int, *fields: str) -> dict[str, str]:
    """Those fields of somebody."""
    return {name: person(number)[name] for name in fields}


def place_of(number: int) -> dict[str, str]:
    """Fifty people at one address would be taken for one who guesses, which ours brakes."""
    return {"x-forwarded-for": f"10.0.{number // 250}.{1 + number % 250}"}


def _bearer(path: str, field: str) -> Callable[[Answer], bytes]:
    def me(answer: Answer) -> bytes:
        return request("GET", path, headers={"authorization": f"Bearer {msgspec.json.decode(answer.body)[field]}"})

    return me


def _cookies(path: str, *names: str) -> Callable[[Answer], bytes]:
    def me(answer: Answer) -> bytes:
        kept = [answer.header("set-cookie", f"{name}=").partition(";")[0] for name in names]
        return request("GET", path, headers={"cookie": "; ".join(kept)})

    return me


def _uvicorn(app: str) -> Callable[[int], Command]:
    def command(port: int) -> Command:
        uvicorn = python_environment(app) / "uvicorn"
        quiet = ("--no-access-log", "--log-level", "warning")
        return Command([str(uvicorn), f"{app}_app:app", "--port", str(port), *quiet], str(APPS))

    return command


def _gunicorn(port: int) -> Command:
    programs = python_environment("django")
    serve = ["gunicorn", "django_app:application", "--worker-class", "gthread", "--workers", "1"]
    serve += ["--threads", str(THREADS), "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    return Command(
        [str(programs / serve[0]), *serve[1:]], str(APPS), [str(programs / "python"), "django_app.py", str(PEOPLE)]
    )


def _node(_port: int) -> Command:
    return Command(["node", "better_auth_app.mjs"], str(node_environment()))


FASTAPI_USERS: Final = Manners(
    register=lambda number: request("POST", "/auth/register", json=only(number, "username", "email", "password")),
    login=lambda number: request(
        "POST", "/auth/login", form={"username": person(number)["email"], "password": PASSWORD.reveal()}
    ),
    me=_bearer("/users/me", "access_token"),
)
BETTER_AUTH: Final = Manners(
    register=lambda number: request("POST", "/api/auth/sign-up/email", json=only(number, "name", "email", "password")),
    login=lambda number: request("POST", "/api/auth/sign-in/email", json=only(number, "email", "password")),
    me=_cookies("/api/auth/get-session", "better-auth.session_token"),
)
PEERS: Final = (
    Peer(
        name="fastapi-users, JWT",
        command=_uvicorn("fastapi_users"),
        manners=FASTAPI_USERS,
        targets={"me": 20, "unfed": 10, "storm": 100, "login": 2.5},
    ),
    Peer(
        name="fastapi-users, database tokens",
        command=_uvicorn("fastapi_users"),
        manners=FASTAPI_USERS,
        variables={"BENCH_TOKENS": "database"},
        targets={"me": 20, "unfed": 10, "storm": 100, "login": 2.5},
    ),
    Peer(
        name="litestar-users, JWT",
        command=_uvicorn("litestar_users"),
        manners=Manners(
            register=lambda number: request("POST", "/register", json=only(number, "username", "email", "password")),
            login=lambda number: request("POST", "/login", json=only(number, "email", "password")),
            me=lambda answer: request("GET", "/users/me", headers={"authorization": answer.header("authorization")}),
        ),
        targets={"me": 20, "storm": 100},
    ),
    Peer(
        name="DRF with simplejwt",
        command=_gunicorn,
        manners=Manners(
            login=lambda number: request("POST", "/api/token/", json=only(number, "username", "password")),
            me=_bearer("/api/me/", "access"),
        ),
        targets={"me": 20, "storm": 100, "login": 2},
    ),
    Peer(
        name="allauth, sessions",
        command=_gunicorn,
        manners=Manners(
            login=lambda number: request(
                "POST",
                "/_allauth/browser/v1/auth/login",
                headers={"cookie": f"csrftoken={CSRF}", "x-csrftoken": CSRF},
                json=only(number, "username", "password"),
            ),
            me=_cookies("/session/me/", "sessionid"),
        ),
        targets={"me": 40, "storm": 100},
    ),
    Peer(
        name="better-auth, sessions",
        command=_node,
        manners=BETTER_AUTH,
        targets={"me": 20, "storm": 100, "login": 6},
    ),
    Peer(
        name="better-auth, cookie cache",
        command=_node,
        manners=Manners(
            register=BETTER_AUTH.register,
            login=BETTER_AUTH.login,
            me=_cookies("/api/auth/get-session", "better-auth.session_token", "better-auth.session_data"),
        ),
        variables={"BENCH_COOKIE_CACHE": "1"},
        targets={"me": 20, "storm": 100, "login": 6},
    ),
)
OURS: Final = Manners(
    register=lambda number: request(
        "POST", "/api/v1/auth/register", json=only(number, "username", "email", "password"), headers=place_of(number)
    ),
    login=lambda number: request(
        "POST", "/api/v1/auth/login", json=only(number, "username", "password"), headers=place_of(number)
    ),
    me=_bearer("/api/v1/users/me", "access_token"),
)


@contextmanager
def running(peer: Peer, postgres: str, passwords: Passwords) -> Generator[Server]:
    """Serve a peer from a new database of its own for the length of a block; hands it out.

    Raises CannotInstallError.
    """
    port = _free_port()
    command = peer.command(port)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    variables = {**_surroundings(postgres, passwords, port), **peer.variables}
    if command.before:
        subprocess.run(command.before, cwd=command.place, env=variables, check=True, stdout=subprocess.DEVNULL)
    with subprocess.Popen(command.serve, cwd=command.place, env=variables, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process, peer.name)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def analyze(postgres: str) -> None:
    """What autovacuum does within minutes, in the peer's database: ours has it, too."""
    with psycopg.connect(make_conninfo(postgres, dbname=DATABASE), autocommit=True) as connection:
        connection.execute("ANALYZE")


def _surroundings(postgres: str, passwords: Passwords, port: int) -> dict[str, str]:
    where = conninfo_to_dict(postgres)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))},
        "PYTHONDONTWRITEBYTECODE": "1",  # the checkout stays as it is
        "NODE_ENV": "production",
        "PGHOST": str(where["host"]),
        "PGPORT": str(where.get("port", 5432)),
        "PGUSER": str(where["user"]),
        "PGDATABASE": DATABASE,
        "BENCH_PORT": str(port),
        "BENCH_MEMORY_KIB": str(passwords.memory_kib),
        "BENCH_PASSES": str(passwords.time_cost),
        "BENCH_PASSWORD": PASSWORD.reveal(),
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int, process: "subprocess.Popen[bytes]", name: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{name} does not listen (Python {sys.version_info.major}.{sys.version_info.minor})")
