"""A worker that is killed when the mail server has a message, and nobody knows it yet."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from revenge_adapters import open_revenge
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring.settings import load_settings
from revenge_core.actor import Actor
from revenge_core.background import JobState
from revenge_core.jobs.entities import JobDetail
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.testing.builders import an_email
from tests.smtp_server import HANG, MailServer

SYSTEM: Final = Actor.system()


async def completed(revenge: Revenge, job_id: int) -> JobDetail:
    while True:
        job = await revenge.jobs.get(SYSTEM, job_id)
        if job.state is JobState.COMPLETED:
            return job
        await asyncio.sleep(0.1)


@asynccontextmanager
async def a_worker(environ: dict[str, str]) -> AsyncGenerator[asyncio.subprocess.Process]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REVENGE_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "revenge_cli", "worker", env=inherited | environ, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_message_in_the_hands_of_a_killed_worker_is_sent_again_as_the_same_message(
    revenge_postgres_fresh: RecycledDatabase, tmp_path: Path
) -> None:
    async with MailServer() as server:
        environ = {
            "HOME": str(tmp_path),
            "REVENGE_DATA_DIR": str(tmp_path),
            "REVENGE_DATABASE_URL": revenge_postgres_fresh.url,
            "REVENGE_DATABASE_OWNER_URL": revenge_postgres_fresh.owner_url,
            "REVENGE_JOBS_LEASE": "4s",
            "REVENGE_EMAIL_ENABLED": "true",
            "REVENGE_EMAIL_FROM_ADDRESS": "revenge@films.example.org",
            "REVENGE_EMAIL_SMTP_HOST": "127.0.0.1",
            "REVENGE_EMAIL_SMTP_PORT": str(server.port),
            "REVENGE_EMAIL_SMTP_USE_STARTTLS": "false",
        }
        server.answers["DATA"].append(HANG)
        async with open_revenge(load_settings(environ=environ).settings, worker=False) as revenge:
            email = an_email(html=Secret("<p>It works.</p>\n"))
            sent = await revenge.mail.send(SYSTEM, email)
            async with asyncio.timeout(60):
                async with a_worker(environ):
                    await server.hanging.wait()
                async with a_worker(environ):
                    job = await completed(revenge, sent.id)
    assert job.attempt == 2
    first, second = server.raw
    assert first == second
    assert [message.email for message in server.messages] == [email, email]
    assert len({message.id for message in server.messages}) == 1
