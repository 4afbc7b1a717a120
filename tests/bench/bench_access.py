"""Access: who asks, by token and by key, from each place that may know it; decisions; pages of a long audit log."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from typing import Final, cast
from unittest.mock import patch

from litestar.types import ASGIApp

from revenge_adapters.l1 import CachedPrincipals, CachedUsers
from revenge_adapters.l1_keys import CachedKeys
from revenge_adapters.postgres.feed import ChangeFollower
from revenge_adapters.wiring.settings.cache import Cache
from revenge_core.actor import Actor
from revenge_core.apikeys.entities import KeyScope, NewKey
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_http.app import create_app
from revenge_http.options import HttpOptions
from tests.bench.access.decisions import enforcer_seconds, index_seconds
from tests.bench.access.log import SOMEBODY, fill
from tests.bench.floors import ME, bare
from tests.bench.harness import BenchResult, Ratio
from tests.bench.inprocess import Cost, Target
from tests.bench.turns import Case, in_turns
from tests.bench.world import ORIGIN, PASSWORD, World, data_directory, run_async, world
from tests.redis_server import RedisServer

LIST: Final = "/api/v1/rbac/permissions"
"""It needs a permission, and nothing of the database but who asks."""
MANY: Final = 32
PEOPLE: Final = 32
POLICIES: Final = (10, 120, 2_000, 10_000, 100_000)
OF_ENFORCER: Final = (10, 120, 2_000)
"""How many policies pycasbin is asked about: with more of them it takes minutes."""
PAGES: Final = {
    "first page": "/api/v1/admin/activity?limit=50",
    "page of one user": f"/api/v1/admin/activity/users/{SOMEBODY}?limit=50",
    "page of one action": "/api/v1/admin/activity?limit=50&action=session.revoke",
    "page of failures": "/api/v1/admin/activity?limit=50&success=false",
}


def run(
    *,
    rounds: int = 30,
    requests: int = 400,
    reads: int = 640,
    decisions: int = 200_000,
    few: int = 10_000,
    many: int = 10_000_000,
    pages: int = 100,
) -> BenchResult:
    """`few` and `many` are the lengths of the two audit logs; all else is how often something is measured."""
    with data_directory() as place:
        asked = dict(run_async(_requests(place, rounds, requests, reads)))
    with data_directory() as place, closing(RedisServer()) as valkey:
        valkey.start()
        asked |= run_async(_requests_to_l2(place, valkey.url, rounds, reads))
    decided, compiled = _decisions(decisions)
    short, long = (_pages_of(rows, pages, rounds=7) for rows in (few, many))
    cpu = {name: [cost.cpu for cost in costs] for name, costs in asked.items()}
    enforced = {policies: median(enforcer_seconds(policies, 20) for _ in range(5)) for policies in OF_ENFORCER}
    ratios = [
        Ratio(
            what=f"me with {by} from L1 ÷ bare Litestar route, requests per CPU second",
            value=_per_cpu(cpu, "bare route", f"me, {by}"),
            target=0.65,
            must_be="at least",
        )
        for by in ("token", "key")
    ]
    ratios += [
        Ratio(
            what=f"{what}, key ÷ token, requests per CPU second",
            value=_per_cpu(cpu, f"{what}, token", f"{what}, key"),
            target=0.85,
            must_be="at least",
        )
        for what in ("me", "list")
    ]
    ratios += [
        Ratio(
            what="decision at 100,000 policies ÷ at 10",
            value=decided[POLICIES[-1]] / decided[POLICIES[0]],
            target=1.2,
            must_be="at most",
        ),
        Ratio(
            what="decision at 100,000 policies",
            value=1e6 * decided[POLICIES[-1]],
            target=0.5,
            must_be="at most",
            unit="µs",
        ),
        Ratio(
            what="Enforcer ÷ decision, at 120 policies",
            value=enforced[120] / decided[120],
            target=1000,
            must_be="at least",
        ),
        *(
            Ratio(
                what=f"audit log, {page}: {many:,} rows ÷ {few:,}",
                value=long[page] / short[page],
                target=1.3,
                must_be="at most",
            )
            for page in PAGES
        ),
    ]
    medians = {f"{name}, µs of CPU": median(values) for name, values in cpu.items()}
    medians |= {f"{name}, requests/s": 1e6 / median(cost.wall for cost in costs) for name, costs in asked.items()}
    medians |= {f"decision from {policies:,} policies, µs": 1e6 * decided[policies] for policies in POLICIES}
    medians |= {f"index over {policies:,} policies, ms": 1e3 * compiled[policies] for policies in POLICIES}
    medians |= {f"Enforcer, refusal with {known:,} policies, µs": 1e6 * enforced[known] for known in OF_ENFORCER}
    medians |= {f"{page} of {few:,}, ms": 1e-3 * short[page] for page in PAGES}
    medians |= {f"{page} of {many:,}, ms": 1e-3 * long[page] for page in PAGES}
    return BenchResult(
        ratios=ratios,
        medians=medians,
        notes=(
            "one process, no sockets; each ratio of requests is taken within its round, the median over rounds given",
            "list: every permission there is, for whoever holds roles:list",
            "L2: the process keeps nothing of who asks; sessions and profiles come from Valkey, keys from the database",
            "database: the feed is lost, so nothing remembered counts; batched: the same, many requests at a time",
            "audit pages: whole requests, with the total; entries spread over 700 days",
        ),
    )


def _per_cpu(cpu: Mapping[str, Sequence[float]], above: str, below: str) -> float:
    return median(a / b for a, b in zip(cpu[above], cpu[below], strict=True))


async def _requests(place: Path, rounds: int, requests: int, reads: int) -> Mapping[str, Sequence[Cost]]:
    async with world(place, people=PEOPLE) as there:
        app = cast(ASGIApp, create_app(there.revenge, HttpOptions()))
        tokens, keys = await _credentials(there)

        def ask(by: Sequence[str], path: str, made: int, at_once: int = 1) -> Case:
            target = Target(app=app, path=path, tokens=by)
            return lambda: target.cost(made, concurrency=at_once)

        found = await in_turns(
            {
                "bare route": lambda: Target(app=bare(), path=ME, tokens=tokens[:1]).cost(requests),
                "me, token": ask(tokens[:1], ME, requests),
                "me, key": ask(keys[:1], ME, requests),
                "list, token": ask(tokens[:1], LIST, requests),
                "list, key": ask(keys[:1], LIST, requests),
            },
            rounds,
        )
        lost = {
            f"{what}, {by}, {how}": _without_feed(ask(credentials, path, made, at_once))
            for what, path in (("me", ME), ("list", LIST))
            for by, credentials in (("token", tokens), ("key", keys))
            for how, made, at_once in (("database", reads // 2, 1), (f"batched at {MANY}", reads, MANY))
        }
        return found | await in_turns(lost, max(1, rounds // 4))


async def _requests_to_l2(place: Path, valkey: Secret, rounds: int, reads: int) -> Mapping[str, Sequence[Cost]]:
    """A world of its own: the others have no company on the event loop that talks to Valkey."""
    async with world(place, people=PEOPLE, cache=Cache(url=valkey, shared=True)) as there:
        app = cast(ASGIApp, create_app(there.revenge, HttpOptions()))
        tokens, keys = await _credentials(there)

        def ask(by: Sequence[str], path: str, made: int, at_once: int) -> Case:
            target = Target(app=app, path=path, tokens=by)
            return _without_l1(there.revenge, lambda: target.cost(made, concurrency=at_once))

        cases = {
            f"{what}, {by}, {how}": ask(credentials, path, made, at_once)
            for what, path in (("me", ME), ("list", LIST))
            for by, credentials in (("token", tokens), ("key", keys))
            for how, made, at_once in (("L2", reads // 2, 1), (f"L2 at {MANY}", reads, MANY))
        }
        return await in_turns(cases, max(1, rounds // 4))


async def _credentials(there: World) -> tuple[list[str], list[str]]:
    """Access tokens and API keys of people who may see the list."""
    tokens: list[str] = []
    keys: list[str] = []
    for name in there.names:
        signed_in = await there.revenge.auth.login(name, PASSWORD, ORIGIN)
        await there.revenge.grants.assign(Actor.host(), signed_in.user.id, "admin")
        tokens.append(signed_in.tokens.access_token.reveal())
        actor = await there.revenge.auth.authenticate(tokens[-1], ORIGIN)
        made = await there.revenge.api_keys.create(actor, NewKey(name="bench", scopes=frozenset({KeyScope.ADMIN})))
        keys.append(made.secret.reveal())
    return tokens, keys


def _without_l1(revenge: Revenge, case: Case) -> Case:
    """The process keeps nothing of who asks: sessions and profiles come from what servers remember together.

    API keys never do, since their digest is no name for an entry elsewhere: their principals come from the database.
    """
    caches = (revenge.auth._principals, revenge.users._reader, revenge.api_keys._presented._principals)

    async def measure() -> Cost:
        with ExitStack() as patched:
            for reader in caches:
                assert isinstance(reader, CachedPrincipals | CachedUsers | CachedKeys)
                reader.cache._forget(None)
                patched.enter_context(patch.object(reader.cache, "_keep", _not_kept))
            return await case()

    return measure


def _not_kept(_held: object) -> None:
    """Instead of keeping it."""


def _without_feed(case: Case) -> Case:
    def never(_follower: ChangeFollower, _now: float) -> bool:
        return False

    async def measure() -> Cost:
        with patch.object(ChangeFollower, "is_fresh", never):
            return await case()

    return measure


def _decisions(times: int) -> tuple[dict[int, float], dict[int, float]]:
    found = {policies: [index_seconds(policies, times) for _ in range(5)] for policies in POLICIES}
    return (
        {policies: median(decided for decided, _ in measured) for policies, measured in found.items()},
        {policies: median(compiled for _, compiled in measured) for policies, measured in found.items()},
    )


def _pages_of(rows: int, pages: int, *, rounds: int) -> dict[str, float]:
    """Microseconds by the clock of one page of each kind."""
    with data_directory() as place:

        async def prepare() -> None:
            async with world(place, people=1):
                pass

        run_async(prepare())
        fill(place, rows)

        async def measure() -> dict[str, float]:
            async with world(place, people=0) as there:
                signed_in = await there.revenge.auth.login("person0", PASSWORD, ORIGIN)
                await there.revenge.grants.assign(Actor.host(), signed_in.user.id, "admin")
                token = signed_in.tokens.access_token.reveal()
                app = cast(ASGIApp, create_app(there.revenge, HttpOptions()))

                def page_of(path: str) -> Case:
                    return lambda: Target(app=app, path=path, tokens=[token]).cost(pages)

                found = await in_turns({page: page_of(path) for page, path in PAGES.items()}, rounds)
                return {page: median(cost.wall for cost in costs) for page, costs in found.items()}

        return run_async(measure())
