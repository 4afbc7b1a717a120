"""`GET /users/me` from `revenge serve` over TCP, beside a bare Litestar route and raw ASGI under the same uvicorn."""

import asyncio
import sys
import time
from dataclasses import dataclass
from statistics import median
from typing import Final

import psutil

from tests.bench.floors import ME
from tests.bench.harness import BenchResult, Ratio
from tests.bench.wire import Client, Served, running, served
from tests.bench.world import PASSWORD, data_directory, run_async

CONNECTIONS: Final = 16


@dataclass(frozen=True)
class Cost:
    """Of one request: microseconds of the server's processor, and how many were answered per second."""

    cpu: float
    rate: float


def run(*, seconds: float = 1.0, rounds: int = 7) -> BenchResult:
    """Each server is asked for so many `seconds` in each round."""
    floors = [sys.executable, "-m", "tests.bench.floors"]
    with (
        data_directory() as place,
        served(place) as ours,
        running([*floors, "bare"]) as bare,
        running([*floors, "raw"]) as raw,
    ):
        found = run_async(_measure({"raw ASGI": raw, "bare route": bare, "me": ours}, seconds, rounds))
    cpu = {name: [cost.cpu for cost in costs] for name, costs in found.items()}
    return BenchResult(
        ratios=(
            Ratio(
                what="me ÷ bare Litestar route, requests per CPU second of the server",
                value=median(b / a for a, b in zip(cpu["me"], cpu["bare route"], strict=True)),
                target=0.65,
                must_be="at least",
            ),
        ),
        medians={
            **{f"{name}, µs of the server's CPU": median(values) for name, values in cpu.items()},
            **{f"{name}, requests/s": median(cost.rate for cost in costs) for name, costs in found.items()},
        },
        notes=(
            f"uvicorn, uvloop, one worker, no access log; {CONNECTIONS} connections that are kept open",
            "the client shares the processors and is slower than the servers: compare their CPU, not requests/s",
        ),
    )


async def _measure(servers: dict[str, Served], seconds: float, rounds: int) -> dict[str, list[Cost]]:
    token = await _sign_in(servers["me"].port)
    clients = {
        name: [await Client.connect(server.port) for _ in range(CONNECTIONS)] for name, server in servers.items()
    }
    found: dict[str, list[Cost]] = {name: [] for name in servers}
    for turn in range(rounds + 1):
        for name, server in servers.items():
            cost = await _cost(psutil.Process(server.process.pid), clients[name], token, seconds)
            if turn:
                found[name].append(cost)
    for client in [client for each in clients.values() for client in each]:
        await client.close()
    return found


async def _sign_in(port: int) -> str:
    client = await Client.connect(port)
    person = {"username": "person0", "email": "person0@example.org", "password": PASSWORD.reveal()}
    await client.ask("POST", "/api/v1/auth/register", body=person)
    token: str = (await client.ask("POST", "/api/v1/auth/login", body=person))["access_token"]
    await client.close()
    return token


async def _cost(server: psutil.Process, clients: list[Client], token: str, seconds: float) -> Cost:
    started, before = time.perf_counter(), server.cpu_times()

    async def ask(client: Client) -> int:
        times = 0
        while time.perf_counter() - started < seconds:
            await client.ask("GET", ME, token=token)
            times += 1
        return times

    asked = sum(await asyncio.gather(*map(ask, clients)))
    elapsed, after = time.perf_counter() - started, server.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    return Cost(cpu=cpu / asked * 1e6, rate=asked / elapsed)
