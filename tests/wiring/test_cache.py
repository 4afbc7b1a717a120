"""Dragonfly in the wiring: what it carries, and that everything goes on without it."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from revenge_adapters import open_revenge
from revenge_adapters.dragonfly.errors import CacheUnavailable
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring.doctor import Finding, diagnose
from revenge_adapters.wiring.errors import SecretFileUnusable, StreamsNotSet
from revenge_adapters.wiring.settings import Auth, Cache, Email, Jobs, Settings
from revenge_adapters.wiring.streams import open_stream_worker
from revenge_core.actor import Actor
from revenge_core.auth.jobs import CleanUp
from revenge_core.background import Job, JobContext, JobSpec, JobState, Queue
from revenge_core.health import Status
from revenge_core.jobs.service import Handlers
from revenge_core.mail.jobs import SendEmail
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.testing.builders import an_email
from revenge_core.users.entities import NewUser
from tests.redis_server import RedisServer
from tests.wiring.test_worker_processes import WORKER, begun, running, until

HOST = Actor.host()
ADA = NewUser(username="ada", email="ada@example.org")
PASSWORD = Secret("a quiet evening")
MASTER = "a secret that servers and stream workers have in common"

Make = Callable[..., Settings]


@pytest.fixture
def with_cache(given_settings: Make, redis_server: RedisServer) -> Make:
    def make(**jobs: object) -> Settings:
        return given_settings(
            auth=Auth(jwt_secret=Secret(MASTER)),
            cache=Cache(url=redis_server.url),
            email=Email(enabled=True, provider="console", from_address="revenge@example.org"),
            jobs=Jobs(**jobs),  # type: ignore[arg-type] # the test knows the fields
        )

    return make


async def done(revenge: Revenge, job_id: int) -> None:
    async def completed() -> bool:
        return (await revenge.jobs.get(HOST, job_id)).state is JobState.COMPLETED

    await until(completed)


async def cache_of(environ: dict[str, str]) -> Finding:
    findings = await asyncio.to_thread(diagnose, environ={"HOME": "/nowhere", **environ})
    (found,) = [finding for finding in findings if finding.id == "cache"]
    assert found.status == "pass" or found.fix
    return found


async def test_jobs_begin_at_once_in_another_process_and_later_without_the_server(
    with_cache: Make, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    slow = with_cache(poll_interval=timedelta(minutes=1))
    quick = with_cache(poll_interval=timedelta(milliseconds=200))
    async with open_revenge(slow, worker=False) as office:
        async with open_revenge(slow, worker=True):
            await done(office, (await office.jobs.enqueue(HOST, CleanUp()))[0].id)
        redis_server.kill()
        with caplog.at_level(logging.CRITICAL):
            async with open_revenge(quick, worker=True):
                await done(office, (await office.jobs.enqueue(HOST, CleanUp()))[0].id)


def test_the_driver_is_not_loaded_by_who_does_not_use_it() -> None:
    wiring = "import sys, revenge_adapters.wiring.worker, revenge_adapters.wiring.doctor; print('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", wiring], check=True, capture_output=True).stdout == b"False\n"


async def test_servers_that_share_find_what_another_has_read_and_others_put_nothing_there(
    with_cache: Make, redis_server: RedisServer
) -> None:
    async def shared_names() -> int:
        return redis_server.say("KEYS", "*:cache:*").count(b":cache:")

    for shares, names in ((False, 0), (True, 2)):
        settings = msgspec.structs.replace(with_cache(), cache=Cache(url=redis_server.url, shared=shares))
        async with open_revenge(settings, worker=False) as revenge:
            if not shares:
                await revenge.accounts.register(ADA, PASSWORD)
            token = (await revenge.auth.login("ada", PASSWORD)).tokens.access_token.reveal()
            await asyncio.sleep(0.7)  # until the sign-in was heard of: what has just changed is not kept
            await revenge.users.me(await revenge.auth.authenticate(token))
        assert await shared_names() == names


async def test_readiness_is_degraded_while_the_server_is_away(with_cache: Make, redis_server: RedisServer) -> None:
    async with open_revenge(with_cache(), worker=False) as revenge:
        assert (await revenge.health.readiness(HOST)).status is Status.HEALTHY
        redis_server.kill()
        found = await revenge.health.readiness(HOST)
        assert found.status is Status.DEGRADED
        assert "cache" in str(found.message)
        redis_server.start()
        assert (await revenge.health.readiness(HOST)).status is Status.HEALTHY


async def test_a_cache_that_is_switched_off_is_not_asked(given_settings: Make) -> None:
    off = Cache(url=Secret("redis://nowhere.invalid"), enabled=False)
    async with open_revenge(given_settings(cache=off), worker=False) as revenge:
        assert (await revenge.health.readiness(HOST)).status is Status.HEALTHY


async def test_the_doctor_says_what_carries_wake_ups(redis_server: RedisServer, tmp_path: Path) -> None:
    place = {"REVENGE_DATA_DIR": str(tmp_path / "data")}
    assert (await cache_of(place)).status == "pass"
    place["REVENGE_CACHE_URL"] = redis_server.url.reveal()
    found = await cache_of(place)
    assert (found.status, "valkey" in found.message) == ("pass", True)
    redis_server.kill()
    assert (await cache_of(place)).status == "warn"


async def test_the_doctor_does_not_show_the_password(tmp_path: Path) -> None:
    environ = {"REVENGE_DATA_DIR": str(tmp_path), "REVENGE_CACHE_URL": "redis://films:hunter2@127.0.0.1:1/0"}
    found = await cache_of(environ)
    assert found.status == "warn"
    assert "127.0.0.1:1" in found.message
    assert "hunter2" not in found.message


async def test_mail_is_sent_by_a_process_without_a_database(
    with_cache: Make, redis_server: RedisServer, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    environ = {
        "REVENGE_AUTH_JWT_SECRET": MASTER,
        "REVENGE_CACHE_URL": redis_server.url.reveal(),
        "REVENGE_EMAIL_ENABLED": "true",
        "REVENGE_EMAIL_FROM_ADDRESS": "revenge@example.org",
        "REVENGE_EMAIL_PROVIDER": "console",
        "REVENGE_JOBS_STREAMS": "high",
    }
    settings = with_cache(streams=(Queue.HIGH,), queues=(Queue.CRITICAL,))
    async with (
        open_revenge(settings, worker=True) as revenge,
        running((*WORKER, "--stream"), away, None, **environ) as process,
    ):
        await begun(process)
        sent = await revenge.mail.send(HOST, an_email(text=Secret("Come at eight.\n")))
        await done(revenge, sent.id)
        job = await revenge.jobs.get(HOST, sent.id)
        assert (job.kind, str(job.attempted_by).rpartition("-")[2]) == (SendEmail.spec.kind, "relay")
        (relay,) = [one for one in await revenge.jobs.workers(HOST) if one.id.endswith("relay")]
        assert relay.queues == {"high": 15}
        process.terminate()
        assert await process.wait() == 0
    assert not away.exists()


class Shelf(Job, kw_only=True):
    """Something that an embedding program wants done."""

    spec: ClassVar[JobSpec] = JobSpec(kind="shelf", queue=Queue.BULK)


class Lamp(Job, kw_only=True):
    """And something that needs no database."""

    spec: ClassVar[JobSpec] = JobSpec(kind="lamp", queue=Queue.BULK, pure=True)


async def test_a_program_runs_kinds_of_its_own_that_are_pure(with_cache: Make) -> None:
    lit: list[int] = []

    def mine(_revenge: Revenge, handlers: Handlers) -> None:
        async def build(_job: Shelf, _ctx: JobContext) -> None: ...

        async def light(_job: Lamp, ctx: JobContext) -> None:
            lit.append(ctx.id)

        handlers.add(Shelf, build)
        handlers.add(Lamp, light)

    settings = with_cache(streams=(Queue.BULK,), queues=(Queue.CRITICAL, Queue.BULK))
    main = with_cache(streams=(Queue.BULK,), queues=(Queue.CRITICAL,))
    async with open_revenge(main, worker=True, jobs=mine) as revenge, open_stream_worker(settings, jobs=mine) as shift:
        assert (shift.info.queues, set(shift.handlers.kinds)) == ({"bulk": 3}, {"lamp", "send_email"})
        shelf, lamp = await revenge.jobs.enqueue(HOST, Shelf(), Lamp())
        await done(revenge, lamp.id)
        assert (await revenge.jobs.get(HOST, shelf.id)).state is JobState.AVAILABLE
    assert lit == [lamp.id]


async def test_a_worker_without_a_database_says_what_it_misses(
    with_cache: Make, given_settings: Make, redis_server: RedisServer, revenge_postgres: RecycledDatabase
) -> None:
    with pytest.raises(StreamsNotSet):
        async with open_stream_worker(with_cache()):
            pass
    with pytest.raises(StreamsNotSet):
        async with open_stream_worker(with_cache(streams=(Queue.BULK,), queues=(Queue.HIGH,))):
            pass
    with pytest.raises(SecretFileUnusable, match="REVENGE_AUTH_JWT_SECRET"):
        async with open_stream_worker(given_settings(cache=Cache(url=redis_server.url))):
            pass
    redis_server.kill()
    with pytest.raises(CacheUnavailable):
        async with open_stream_worker(with_cache(streams=(Queue.BULK,))):
            pass
