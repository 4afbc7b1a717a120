"""Mail the whole way: from a call, through the database and a worker, to a mail server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import psycopg
import pytest

from revenge_adapters import open_revenge
from revenge_adapters.wiring.settings import Email, Settings, Smtp
from revenge_core.actor import Actor
from revenge_core.background import JobState
from revenge_core.jobs.entities import JobFilter
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.testing.builders import an_email
from tests.smtp_server import MailServer

Make = Callable[..., Settings]

LINK = "https://films.example.org/verify-email?token=4f1d0c9a77b3"
SYSTEM = Actor.system()


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server


def mail_to(server: MailServer) -> Email:
    smtp = Smtp(host="127.0.0.1", port=server.port, use_starttls=False, timeout=timedelta(seconds=10))
    return Email(enabled=True, from_address="revenge@films.example.org", smtp=smtp)


async def tried(revenge: Revenge, *ids: int) -> list[JobState]:
    """The states of the jobs once each of them was tried."""
    async with asyncio.timeout(30):
        while True:
            states = [(await revenge.jobs.get(SYSTEM, job_id)).state for job_id in ids]
            if not {JobState.AVAILABLE, JobState.RUNNING} & set(states):
                return states
            await asyncio.sleep(0.05)


async def everything_stored(url: str) -> str:
    """All rows of all tables of the queue, as text."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        rows = await connection.execute("SELECT job::text FROM revenge.jobs AS job")
        return "\n".join(row[0] for row in await rows.fetchall())


async def test_a_message_goes_from_a_call_to_a_mailbox_and_its_link_is_nowhere_between(
    given_settings: Make, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    settings = given_settings(email=mail_to(server))
    email = an_email(to="ada@example.org", text=Secret(f"Grüße! {LINK}\n"), html=Secret(f"<a href='{LINK}'>in</a>\n"))
    async with open_revenge(settings, worker=True) as revenge:
        sent = await revenge.mail.send(SYSTEM, email)
        assert await tried(revenge, sent.id) == [JobState.COMPLETED]
    (message,) = server.messages
    assert message.email == email
    assert settings.database.url is not None
    stored = await everything_stored(settings.database.url.reveal())
    assert "ada@example.org" in stored
    assert "4f1d0c9a77b3" not in stored + caplog.text


async def test_a_poisoned_message_is_a_dead_letter_beside_messages_that_arrive(
    given_settings: Make, server: MailServer
) -> None:
    server.unknown.add("nobody@example.org")
    settings = given_settings(email=mail_to(server))
    addresses = ["ada@example.org", "nobody@example.org", "max@example.org"]
    async with open_revenge(settings, worker=True) as revenge:
        ids = [(await revenge.mail.send(SYSTEM, an_email(to=address))).id for address in addresses]
        assert await tried(revenge, *ids) == [JobState.COMPLETED, JobState.DISCARDED, JobState.COMPLETED]
        dead = await revenge.jobs.list(SYSTEM, JobFilter(states=(JobState.DISCARDED,), kinds=("send_email",)))
        assert [job.id for job in dead.items] == [ids[1]]
        told = (await revenge.jobs.get(SYSTEM, ids[1])).errors[-1].error
    assert "550 5.1.1" in told
    assert "nobody@example.org" not in told
    assert {message.email.to for message in server.messages} == {"ada@example.org", "max@example.org"}


async def test_a_message_that_was_put_off_waits_with_its_reason_and_arrives_when_tried_again(
    given_settings: Make, server: MailServer
) -> None:
    server.answers["RCPT"].append("450 4.2.0 greylisted")
    settings = given_settings(email=mail_to(server))
    async with open_revenge(settings, worker=True) as revenge:
        sent = await revenge.mail.send(SYSTEM, an_email())
        assert await tried(revenge, sent.id) == [JobState.RETRYABLE]
        job = await revenge.jobs.get(SYSTEM, sent.id)
        assert "450 4.2.0 greylisted" in job.errors[-1].error
        assert timedelta(0) < job.scheduled_at - job.errors[-1].at < timedelta(minutes=2)
        await revenge.jobs.retry(SYSTEM, [sent.id])
        assert await tried(revenge, sent.id) == [JobState.COMPLETED]
    assert len(server.messages) == 1


async def test_a_server_without_mail_drops_what_it_would_send_and_says_so(
    given_settings: Make, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_revenge(given_settings(), worker=True) as revenge:
        assert not revenge.mail.is_on
        sent = await revenge.mail.send(SYSTEM, an_email())
        assert await tried(revenge, sent.id) == [JobState.COMPLETED]
    assert "goes nowhere" in caplog.text
