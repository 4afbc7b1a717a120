"""`revenge worker`, one process and several, and Taskiq's own command line."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import psutil
import pytest

from revenge_adapters import open_revenge
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring.settings import Settings
from revenge_core.actor import Actor
from revenge_core.auth.jobs import CleanUp
from revenge_core.background import JobState, Queue
from revenge_core.jobs.entities import WorkerInfo
from revenge_core.revenge import Revenge
from tests.wiring.conftest import CHEAP, servers

HOST: Final = Actor.host()
PATIENCE_SECONDS: Final = 40
WORKER: Final = ("-m", "revenge_cli", "worker")
TASKIQ: Final = (
    *("-m", "taskiq", "worker", "revenge_adapters.wiring.worker:broker", "--workers", "1"),
    *("--receiver", "revenge_adapters.taskiq.receiver:JobReceiver"),
)


@asynccontextmanager
async def running(
    arguments: tuple[str, ...], data_dir: Path, database: RecycledDatabase | None, **more: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A process with settings of its own; whatever is left of it afterwards is killed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("REVENGE_")}
    environ |= {"REVENGE_DATA_DIR": str(data_dir)} | more
    if database is not None:
        environ |= {"REVENGE_DATABASE_URL": database.url, "REVENGE_DATABASE_OWNER_URL": database.owner_url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    family = [psutil.Process(process.pid)]
    try:
        yield process
    finally:
        with suppress(psutil.NoSuchProcess):
            family += family[0].children(recursive=True)
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        await process.communicate()


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what nobody tells us."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await happened():  # noqa: ASYNC110 (for that reason)
            await asyncio.sleep(0.02)


async def workers(revenge: Revenge, count: int) -> tuple[WorkerInfo, ...]:
    """All who work, as soon as there are so many."""

    async def there() -> bool:
        return len(await revenge.jobs.workers(HOST)) == count

    await until(there)
    return await revenge.jobs.workers(HOST)


async def begun(process: asyncio.subprocess.Process, count: int = 1) -> None:
    """Read until so many say that they work."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(count):
            assert b"runs jobs" in await process.stdout.readline()


async def until_done(revenge: Revenge) -> None:
    """Enqueue something that any Revenge can do, and wait until somebody did it."""
    (enqueued,) = await revenge.jobs.enqueue(HOST, CleanUp())

    async def done() -> bool:
        return (await revenge.jobs.get(HOST, enqueued.id)).state is JobState.COMPLETED

    await until(done)


async def ended(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await process.wait()


def two_free_ports() -> int:
    """The first of two neighbours."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first, suppress(OSError, OverflowError):
            port: int = first.getsockname()[1]
            with socket.create_server(("127.0.0.1", port + 1)):
                return port


@pytest.fixture
async def office(given_settings: Callable[..., Settings]) -> AsyncGenerator[Revenge]:
    """A Revenge that runs no jobs."""
    async with open_revenge(given_settings(), worker=False) as revenge:
        yield revenge


@pytest.mark.parametrize("command", [WORKER, TASKIQ], ids=["revenge", "taskiq"])
async def test_a_worker_does_jobs_and_leaves_when_it_is_told_to(
    command: tuple[str, ...], office: Revenge, revenge_postgres: RecycledDatabase, tmp_path: Path
) -> None:
    async with running(command, tmp_path, revenge_postgres) as process:
        await workers(office, 1)
        await until_done(office)
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == 0
    assert await office.jobs.workers(HOST) == ()


async def test_a_worker_takes_jobs_from_the_queues_it_is_told(
    office: Revenge, revenge_postgres: RecycledDatabase, tmp_path: Path
) -> None:
    async with running((*WORKER, "--queue", "low", "--queue", "bulk"), tmp_path, revenge_postgres):
        (worker,) = await workers(office, 1)
        assert worker.queues == {Queue.LOW: 5, Queue.BULK: 3}
        await until_done(office)


@pytest.mark.faults
async def test_several_processes_are_started_again_when_they_die_and_stop_together(
    office: Revenge, revenge_postgres: RecycledDatabase, tmp_path: Path
) -> None:
    async with running((*WORKER, "--processes", "2"), tmp_path, revenge_postgres) as process:
        await begun(process, 2)
        first = await workers(office, 2)
        os.kill(first[0].pid, signal.SIGKILL)

        async def replaced() -> bool:
            return len({one.pid for one in (*first, *await office.jobs.workers(HOST))}) == 3

        await until(replaced)
        await begun(process)
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == 0
        left = {one.pid for one in await office.jobs.workers(HOST)}
    assert left <= {first[0].pid}  # its lease runs out, and others may have noticed


@pytest.mark.faults
async def test_nobody_is_left_when_the_one_who_looks_after_the_processes_is_killed(
    office: Revenge, revenge_postgres: RecycledDatabase, tmp_path: Path
) -> None:
    async with running((*WORKER, "--processes", "2"), tmp_path, revenge_postgres) as process:
        pids = [one.pid for one in await workers(office, 2)]
        process.kill()
        await workers(office, 0)

        async def gone() -> bool:
            return not any(psutil.pid_exists(pid) for pid in pids)

        await until(gone)


@pytest.mark.faults
async def test_a_signal_that_the_whole_group_gets_counts_once(
    office: Revenge, revenge_postgres: RecycledDatabase, tmp_path: Path
) -> None:
    async with running((*WORKER, "--processes", "2"), tmp_path, revenge_postgres) as process:
        await begun(process, 2)
        for one in await workers(office, 2):
            os.kill(one.pid, signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == 0
        assert process.stderr is not None
        assert b"stopped at once" not in await process.stderr.read()
    assert await office.jobs.workers(HOST) == ()


@pytest.mark.faults
async def test_each_process_shows_its_metrics_on_a_port_of_its_own(
    office: Revenge, revenge_postgres: RecycledDatabase, tmp_path: Path
) -> None:
    port = two_free_ports()
    more = {"REVENGE_METRICS_PORT": str(port)}
    async with running((*WORKER, "--processes", "2"), tmp_path, revenge_postgres, **more) as process:
        await begun(process, 2)
        async with httpx.AsyncClient(trust_env=False) as client:
            for number in range(2):
                page = await client.get(f"http://127.0.0.1:{port + number}/metrics")
                assert "revenge_jobs" in page.text
        assert len(await office.jobs.workers(HOST)) == 2


@pytest.mark.faults
async def test_what_keeps_one_process_from_starting_ends_all(tmp_path: Path) -> None:
    nowhere = "postgresql://me:hunter22@127.0.0.1:1/nothing"
    command = (*WORKER, "--processes", "3")
    async with running(command, tmp_path, None, REVENGE_DATABASE_URL=nowhere) as process:
        assert await ended(process) == 69
        assert process.stderr is not None
        assert b"hunter22" not in await process.stderr.read()


async def test_a_worker_shares_the_database_of_our_own_with_a_server(place: Path) -> None:
    async with open_revenge(Settings(data_dir=place / "data", passwords=CHEAP), worker=False) as revenge:
        async with running(WORKER, place / "data", None) as process:
            await workers(revenge, 1)
            await until_done(revenge)
            process.send_signal(signal.SIGINT)
            assert await ended(process) == 0
        assert servers(place)
    assert servers(place) == []


async def test_a_worker_goes_on_with_the_database_of_our_own_when_the_server_stops(place: Path) -> None:
    settings = Settings(data_dir=place / "data", passwords=CHEAP)
    async with AsyncExitStack() as stack:
        async with open_revenge(settings, worker=False):
            process = await stack.enter_async_context(running(WORKER, place / "data", None))
            await begun(process)
        assert servers(place)
        async with open_revenge(settings, worker=False) as revenge:
            await until_done(revenge)
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == 0
    assert servers(place) == []
