"""Who is behind a session: remembered here, remembered together in Dragonfly, or read from PostgreSQL.

Decides whether `cache.shared` is on by default: only if the shared cache beats reads that are batched.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Final

from revenge_adapters.dragonfly.cache import DragonflyCache, DragonflyEntries
from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.l1 import CachedPrincipals
from revenge_adapters.postgres.auth import PostgresPrincipalReader
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.embedded import EmbeddedServer
from revenge_adapters.postgres.feed import ChangeFollower
from revenge_core.auth.entities import Principal
from revenge_core.cache.entities import Recipe
from revenge_core.ids import SessionId
from revenge_core.secrets import Secret
from tests.bench.harness import BenchResult, Ratio
from tests.bench.world import data_directory, run_async, world
from tests.redis_server import RedisServer

Ask = Callable[[SessionId], Awaitable[Principal | None]]

SESSIONS: Final = 256
MANY: Final = 32


def run(*, rounds: int = 9, requests: int = 2048) -> BenchResult:
    """In turns, so that a machine whose speed changes does so for all alike."""
    with data_directory() as place:
        found = run_async(_measure(place, rounds, requests))
    cpu = {name: median(cost[0] for cost in costs) for name, costs in found.items()}
    medians = {f"{name}, µs of CPU": value for name, value in cpu.items()}
    medians |= {f"{name}, µs until answered": median(cost[1] for cost in costs) for name, costs in found.items()}
    return BenchResult(
        ratios=(
            Ratio(what="L1 hit, µs", value=cpu["L1 at 1"], target=1, must_be="at most"),
            Ratio(
                what=f"batched query ÷ shared cache, {MANY} at a time, CPU: why the shared one is off",
                value=cpu[f"batched query at {MANY}"] / cpu[f"shared at {MANY}"],
                target=1,
                must_be="at most",
            ),
            Ratio(
                what="shared cache ÷ batched query, one at a time, CPU: why it can be switched on",
                value=cpu["shared at 1"] / cpu["batched query at 1"],
                target=1,
                must_be="at most",
            ),
        ),
        medians=medians,
        notes=(
            f"{SESSIONS} sessions; CPU of this process only; PostgreSQL and Valkey over unix sockets on this machine",
            "shared: sealed entries in Valkey, one MGET for all that is asked for in one turn of the event loop",
            "one query: a statement for each. batched query: one for all of a turn",
        ),
    )


async def _measure(place: Path, rounds: int, requests: int) -> Mapping[str, Sequence[tuple[float, float]]]:
    async with world(place, people=4) as there, _readers(place) as cases:
        actors = [
            await there.revenge.auth.authenticate(await there.sign_in(there.names[number % 4]))
            for number in range(SESSIONS)
        ]
        ids = [actor.session_id for actor in actors if actor.session_id is not None]
        await asyncio.sleep(1)  # until every sign-in was heard of
        found: dict[str, list[tuple[float, float]]] = {}
        for turn in range(rounds + 1):
            for name, ask in cases.items():
                for concurrency in (1, MANY):
                    cost = await _cost(ask, ids, requests, concurrency)
                    if turn:
                        found.setdefault(f"{name} at {concurrency}", []).append(cost)
        return found


@asynccontextmanager
async def _readers(place: Path) -> AsyncGenerator[Mapping[str, Ask]]:
    server = RedisServer()
    with EmbeddedServer.open(place) as embedded:
        database = Database(embedded.url, min_size=4, max_size=10)
        await database.open()
        follower = ChangeFollower(embedded.url)
        server.start()
        client = RedisClient(server.url)
        entries = DragonflyEntries(client)
        reader = PostgresPrincipalReader(database)
        alone = CachedPrincipals(reader, follower, follower)
        recipe: Recipe[SessionId, Principal] = alone.cache._recipe
        shared = DragonflyCache(entries, Envelopes(Secret("a benchmark's secret")), follower, follower, recipe)

        async def one_query(session_id: SessionId) -> Principal | None:
            return next(iter(await reader._principals([session_id])), None)

        try:
            await follower.start()
            yield {
                "L1": alone.principal,
                "shared": shared.get,
                "batched query": reader.principal,
                "one query": one_query,
            }
        finally:
            await entries.close()
            await client.close()
            await follower.close()
            await database.close()
            server.close()


async def _cost(ask: Ask, ids: Sequence[SessionId], requests: int, concurrency: int) -> tuple[float, float]:
    """Microseconds of CPU and until answered, of each request."""
    waited = 0.0

    async def client(number: int) -> None:
        nonlocal waited
        for turn in range(requests // concurrency):
            began = time.perf_counter()
            if await ask(ids[(number + turn * concurrency) % len(ids)]) is None:
                raise RuntimeError("a session is missing")
            waited += time.perf_counter() - began

    began = time.process_time()
    await asyncio.gather(*map(client, range(concurrency)))
    return (time.process_time() - began) / requests * 1e6, waited / requests * 1e6
