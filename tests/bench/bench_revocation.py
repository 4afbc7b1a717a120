"""Two servers on one database: how long a session that one of them ended works on the other (decisions I4)."""

import asyncio
import random
import time
from statistics import median
from typing import Final

from tests.bench.harness import BenchResult, Ratio, percentile
from tests.bench.wire import Client, served
from tests.bench.world import PASSWORD, data_directory, run_async

WORKERS: Final = 8
PAUSE: Final = 0.004
"""Seconds between two requests that ask whether it still works: delays are known no better than that."""
LONGEST_PAUSE: Final = 0.5
SETTLED: Final = 1.5
"""Seconds after which the other server has heard of every login, and remembers what it then reads."""
ME: Final = "/api/v1/users/me"
CHEAP: Final = {"PASSWORDS_MEMORY_KIB": "8", "PASSWORDS_TIME_COST": "1", "SESSIONS_MAX_PER_USER": "1000"}


def run(*, sessions: int = 320) -> BenchResult:
    """So many sessions are ended with notifications, and as many without."""
    told = _delays(sessions, notifications=True)
    untold = _delays(sessions, notifications=False)
    return BenchResult(
        ratios=(
            Ratio(what="median, with notifications", value=median(told), target=0.1, must_be="at most", unit="s"),
            Ratio(what="p99, with notifications", value=percentile(told, 0.99), target=1, must_be="at most", unit="s"),
            Ratio(what="p99, without", value=percentile(untold, 0.99), target=1, must_be="at most", unit="s"),
            Ratio(what="longest of all", value=max(*told, *untold), target=2, must_be="at most", unit="s"),
        ),
        medians={
            "with notifications, median, ms": 1000 * median(told),
            "with notifications, longest, ms": 1000 * max(told),
            "without, median, ms": 1000 * median(untold),
            "without, longest, ms": 1000 * max(untold),
        },
        notes=(
            f"{sessions} sessions each, over the wire: from the answer to DELETE on one server to 401 from the other",
            f"{WORKERS} at a time; the other server remembers the session, and is asked every {1000 * PAUSE:.0f} ms",
        ),
    )


def _delays(sessions: int, *, notifications: bool) -> list[float]:
    settings = {**CHEAP, "DATABASE_NOTIFICATIONS": str(notifications).lower()}
    with data_directory() as place, served(place, **settings) as one, served(place, **settings) as other:
        return run_async(_measure(one.port, other.port, sessions))


async def _measure(one: int, other: int, sessions: int) -> list[float]:
    workers = [_end_sessions(one, other, number, -(-sessions // WORKERS)) for number in range(WORKERS)]
    return [delay for delays in await asyncio.gather(*workers) for delay in delays]


async def _end_sessions(one: int, other: int, number: int, times: int) -> list[float]:
    """Seconds that each session outlived its end, for one person."""
    here, there = await Client.connect(one), await Client.connect(other)
    person = {"username": f"person{number}", "email": f"person{number}@example.org", "password": PASSWORD.reveal()}
    await here.ask("POST", "/api/v1/auth/register", body=person)
    tokens = [(await here.ask("POST", "/api/v1/auth/login", body=person))["access_token"] for _ in range(times)]
    await asyncio.sleep(SETTLED)
    for token in tokens:
        await there.ask("GET", ME, token=token)

    delays: list[float] = []
    for token in tokens:
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE))  # not in step with the feed
        await here.ask("DELETE", "/api/v1/sessions/current", token=token)
        ended = time.perf_counter()
        while (await there.exchange("GET", ME, token=token))[0] == 200:  # noqa: ASYNC110 -- nothing here tells when
            await asyncio.sleep(PAUSE)
        delays.append(time.perf_counter() - ended)
    await here.close()
    await there.close()
    return delays
