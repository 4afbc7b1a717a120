"""Kinds of jobs that a setting adds to our own programs."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Final

import httpx
import pytest

from revenge_adapters import open_revenge
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring.handlers import named_jobs
from revenge_adapters.wiring.settings import Auth, Cache, Jobs, Settings, SettingsInvalid
from revenge_core.actor import Actor
from revenge_core.background import Job, JobSpec, JobState, Queue
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from tests.faults.served import free_port
from tests.redis_server import RedisServer
from tests.wiring.test_worker_processes import TASKIQ, WORKER, begun, ended, running, until

HOST: Final = Actor.host()
MASTER: Final = "a secret that servers and stream workers have in common"
SERVE: Final = ("-m", "revenge_cli", "serve", "--port", "0")
CLUB: Final = """
from typing import ClassVar

from revenge_core.background import Job, JobContext, JobSpec, Queue
from revenge_core.jobs import Handlers
from revenge_core.revenge import Revenge


class Reel(Job, kw_only=True):
    spec: ClassVar = JobSpec(kind="reel", queue=Queue.LOW, pure=True)


async def show(job: Reel, ctx: JobContext) -> None: ...


class Club:
    @staticmethod
    def work(revenge: Revenge, handlers: Handlers) -> None:
        handlers.add(Reel, show)


work = Club.work
members = 12
"""

LIBRARY: Final = {"film_society": CLUB, "burnt_society": "1 / 0"}

Make = Callable[..., Settings]


class Reel(Job, kw_only=True):
    """What the club knows how to do."""

    spec: ClassVar[JobSpec] = JobSpec(kind="reel", queue=Queue.LOW, pure=True)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A directory with packages of somebody else's."""
    for name, text in LIBRARY.items():
        (tmp_path / "library" / name).mkdir(parents=True)
        (tmp_path / "library" / name / "jobs.py").write_text(text)
    return tmp_path / "library"


@pytest.fixture
def at_hand(library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """They can be imported here."""
    monkeypatch.setattr(sys, "path", [str(library), *sys.path])
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in LIBRARY]:
        del sys.modules[name]


async def is_done(revenge: Revenge, job_id: int) -> bool:
    return (await revenge.jobs.get(HOST, job_id)).state is JobState.COMPLETED


@pytest.mark.parametrize("command", [WORKER, SERVE, TASKIQ], ids=["worker", "serve", "taskiq"])
async def test_a_program_of_ours_runs_kinds_that_a_setting_names(
    command: tuple[str, ...], library: Path, given_settings: Make, revenge_postgres: RecycledDatabase, tmp_path: Path
) -> None:
    more = {"PYTHONPATH": str(library), "REVENGE_JOBS_MODULE": "film_society.jobs:work"}
    async with open_revenge(given_settings(), worker=False) as revenge:
        (reel,) = await revenge.jobs.enqueue(HOST, Reel())
        async with running(command, tmp_path, revenge_postgres, **more) as process:
            await until(lambda: is_done(revenge, reel.id))
            process.terminate()
            assert await ended(process) == 0


@pytest.mark.usefixtures("at_hand")
async def test_a_worker_without_a_database_does_too_and_counts_them(
    library: Path, given_settings: Make, redis_server: RedisServer, tmp_path: Path
) -> None:
    port = free_port()
    settings = given_settings(
        cache=Cache(url=redis_server.url),
        auth=Auth(jwt_secret=Secret(MASTER)),
        jobs=Jobs(module="film_society.jobs:work", queues=(Queue.CRITICAL,), streams=(Queue.LOW,)),
    )
    more = {
        "PYTHONPATH": str(library),
        "REVENGE_AUTH_JWT_SECRET": MASTER,
        "REVENGE_CACHE_URL": redis_server.url.reveal(),
        "REVENGE_JOBS_MODULE": "film_society.jobs:work",
        "REVENGE_JOBS_STREAMS": "low",
        "REVENGE_METRICS_PORT": str(port),
    }
    async with (
        open_revenge(settings, jobs=named_jobs(settings), worker=True) as revenge,
        running((*WORKER, "--stream"), tmp_path / "away", None, **more) as process,
    ):
        await begun(process)
        (reel,) = await revenge.jobs.enqueue(HOST, Reel())
        await until(lambda: is_done(revenge, reel.id))
        async with httpx.AsyncClient(trust_env=False) as client:
            page = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    assert 'revenge_jobs_completed_total{job_type="reel",status="success"} 1.0' in page
    assert "revenge_database" not in page


@pytest.mark.usefixtures("at_hand")
@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("nobody:work", "No module named 'nobody'"),
        ("film_society.films:work", "No module named 'film_society.films'"),
        ("film_society.jobs:play", "no attribute 'play'"),
        ("film_society.jobs:members", "is no function"),
        ("burnt_society.jobs:work", "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_imported_or_called_is_named(named: str, told: str) -> None:
    with pytest.raises(SettingsInvalid, match=told) as caught:
        named_jobs(Settings(jobs=Jobs(module=named)))
    assert [(problem.key, named in problem.detail) for problem in caught.value.found] == [("jobs.module", True)]


@pytest.mark.usefixtures("at_hand")
def test_the_function_may_belong_to_something() -> None:
    assert named_jobs(Settings(jobs=Jobs(module="film_society.jobs:Club.work"))) is not None
    assert named_jobs(Settings()) is None


async def test_a_worker_that_cannot_import_it_does_not_start(tmp_path: Path) -> None:
    for command in (WORKER, SERVE):
        async with running(command, tmp_path / command[2], None, REVENGE_JOBS_MODULE="nobody:work") as process:
            assert await ended(process) == 2
            assert process.stderr is not None
            assert b"jobs.module" in await process.stderr.read()
            assert not (tmp_path / command[2]).exists()
