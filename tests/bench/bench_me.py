"""`GET /users/me`, in process: with everything on, beside raw ASGI and a bare Litestar route (performance.md)."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, cast
from unittest.mock import patch

from litestar.types import ASGIApp

from revenge_adapters.l1 import CachedPrincipals
from revenge_adapters.postgres.feed import ChangeFollower
from revenge_core.revenge import Revenge
from revenge_http import app as app_module
from revenge_http.access import public
from revenge_http.operations import Call, Operation, operation
from revenge_http.options import HttpOptions
from revenge_http.problems import ProblemWriter
from revenge_http.throttle import Throttle
from revenge_http.users import User
from tests.bench.floors import ME, SOMEBODY, bare, raw
from tests.bench.harness import BenchResult, Ratio
from tests.bench.inprocess import Cost, Target
from tests.bench.turns import Case, in_turns
from tests.bench.world import ORIGIN, data_directory, run_async, world

OPEN: Final = "/api/v1/users/open"
MANY: Final = 32
PEOPLE: Final = 4
LOOKUPS: Final = 2000


def run(*, rounds: int = 60, requests: int = 400, read_rounds: int = 7, reads: int = 640) -> BenchResult:
    """Many short rounds of what needs no database, since a machine's speed changes within a second; few of the rest."""
    with data_directory() as place:
        found = run_async(_measure(place, rounds, requests, read_rounds, reads))
    cpu = {name: [cost.cpu for cost in costs] for name, costs in found.items()}
    medians = {
        "knowing who asks (me less open route) ÷ bare route": median(
            (me - opened) / bare
            for me, opened, bare in zip(cpu["me"], cpu["open route"], cpu["bare route"], strict=True)
        )
    }
    for name, costs in found.items():
        medians[f"{name}, µs of CPU"] = median(cpu[name])
        medians[f"{name}, requests/s"] = 1e6 / median(cost.wall for cost in costs)
    return BenchResult(
        ratios=(
            Ratio(
                what="me ÷ bare Litestar route, requests per CPU second",
                value=_ratio(cpu["bare route"], cpu["me"]),
                target=0.65,
                must_be="at least",
            ),
            Ratio(
                what="router, authentication, permission, L1 and answer, without the edge ÷ bare Litestar route",
                value=_ratio(cpu["me, without the edge"], cpu["bare route"]),
                target=1.35,
                must_be="at most",
            ),
            Ratio(what="an L1 hit", value=median(cpu["L1 hit"]), target=0.5, must_be="at most", unit="µs"),
            Ratio(
                what="a token seen before",
                value=median(cpu["token seen before"]),
                target=1,
                must_be="at most",
                unit="µs",
            ),
        ),
        medians=medians,
        notes=(
            "one process, no sockets; the garbage collector runs as in earnest",
            "each ratio is taken within its round; the median over the rounds is given",
            "bare route: the same record, encoded by Litestar. raw ASGI: the same bytes",
            "open route: the same record from a public operation, under the same middleware as me",
            "unknown session: new to this process, one query. no feed: nothing remembered counts, three queries",
            f"at {MANY}: as many requests at the same time",
        ),
    )


def _ratio(above: Sequence[float], below: Sequence[float]) -> float:
    return median(a / b for a, b in zip(above, below, strict=True))


async def _measure(
    place: Path, rounds: int, requests: int, read_rounds: int, reads: int
) -> Mapping[str, Sequence[Cost]]:
    async with world(place, people=PEOPLE) as there:
        tokens = [await there.sign_in(there.names[number % PEOPLE]) for number in range(reads)]
        app = _ours(there.revenge, open_route)
        everybody = Target(app=app, path=ME, tokens=tokens)

        def one(app: ASGIApp, path: str = ME) -> Case:
            return lambda: Target(app=app, path=path, tokens=tokens[:1]).cost(requests)

        found = await in_turns(
            {
                "raw ASGI": one(raw()),
                "bare route": one(bare()),
                "open route": one(app, OPEN),
                "me, without the edge": one(_inner(there.revenge)),
                "me": one(app),
                **await _lookups(there.revenge, tokens[0]),
            },
            rounds,
        )
        return found | await in_turns(
            {
                "me, unknown session": _forgetful(there.revenge, everybody, reads, 1),
                f"me, unknown session at {MANY}": _forgetful(there.revenge, everybody, reads, MANY),
                "me, no feed": _without_feed(everybody, reads // 2, 1),
                f"me, no feed at {MANY}": _without_feed(everybody, reads // 2, MANY),
            },
            read_rounds,
        )


def _ours(revenge: Revenge, *more: Operation) -> ASGIApp:
    with patch.object(app_module, "OPERATIONS", (*app_module.OPERATIONS, *more)):
        return cast(ASGIApp, app_module.create_app(revenge, HttpOptions()))


def _inner(revenge: Revenge) -> ASGIApp:
    """Our router alone: no request id, client address, sizes or headers."""
    options = HttpOptions()
    throttle = Throttle(revenge.limits, options)
    router = app_module.create_inner(revenge, options, ProblemWriter(options), throttle)

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 -- ASGI as it is
        scope["origin"] = ORIGIN
        await router(scope, receive, send)

    return app


@operation("GET", OPEN, "openRoute", public())
async def open_route(call: Call) -> User:
    """The same for everybody, so that the difference to `me` is knowing who asks."""
    return SOMEBODY


async def _lookups(revenge: Revenge, token: str) -> Mapping[str, Case]:
    """What every request asks this process itself."""
    principals, keys = revenge.auth._principals, revenge.auth._keys
    assert isinstance(principals, CachedPrincipals)
    session = (await revenge.auth.authenticate(token)).session_id
    assert session is not None
    get, verify, now = principals.cache.get, keys._tokens.verify, revenge.auth._clock.now()

    async def hits() -> Cost:
        began = time.process_time()
        for _ in range(LOOKUPS):
            await get(session)
        return _each(began)

    async def tokens() -> Cost:
        began = time.process_time()
        for _ in range(LOOKUPS):
            verify(token, now=now)
        return _each(began)

    return {"L1 hit": hits, "token seen before": tokens}


def _each(began: float) -> Cost:
    microseconds = (time.process_time() - began) / LOOKUPS * 1e6
    return Cost(cpu=microseconds, wall=microseconds)


def _forgetful(revenge: Revenge, target: Target, requests: int, concurrency: int) -> Case:
    """Every request comes with a session that the process does not remember."""
    principals = revenge.auth._principals
    assert isinstance(principals, CachedPrincipals)

    async def measure() -> Cost:
        principals.cache._forget(None)
        return await target.cost(requests, concurrency=concurrency)

    return measure


def _without_feed(target: Target, requests: int, concurrency: int) -> Case:
    """The feed is lost, so everything is asked of the database every time."""

    async def measure() -> Cost:
        with patch.object(ChangeFollower, "is_fresh", _never):
            return await target.cost(requests, concurrency=concurrency)

    return measure


def _never(_follower: ChangeFollower, _now: float) -> bool:
    return False
