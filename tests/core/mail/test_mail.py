"""Mail from the transaction that wants it to the person that reads it."""

import contextlib
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_adapters.memory.uow import MemoryUnitOfWork
from revenge_core.activity.entities import Action, Outcome
from revenge_core.actor import Actor
from revenge_core.background import JobState
from revenge_core.errors import Forbidden, Unauthenticated
from revenge_core.jobs.entities import JobDetail
from revenge_core.mail import Email, Mailbox, MailInvalid, MailOff, MailRefused, MailRules, MailUnavailable
from revenge_core.mail.jobs import SendEmail
from revenge_core.permissions import Permission
from revenge_core.secrets import Secret
from revenge_core.testing.attempt import Attempt
from revenge_core.testing.builders import a_user, an_actor, an_email
from tests.core.people import entries

LINK = "https://films.example.org/verify-email?token=4f1d0c9a77"
SYSTEM = Actor.system()


async def enqueue(box: Sandbox, email: Email) -> int:
    async with MemoryUnitOfWork(box.tables).begin() as tx:
        return (await box.revenge.mail.enqueue(tx, email)).id


async def job(box: Sandbox, job_id: int) -> JobDetail:
    return await box.revenge.jobs.get(SYSTEM, job_id)


async def test_a_message_goes_out_after_its_transaction_and_not_before(box: Sandbox) -> None:
    email = an_email(html=Secret("<p>It works.</p>\n"), reply_to="help@example.org")
    async with MemoryUnitOfWork(box.tables).begin() as tx:
        await box.revenge.mail.enqueue(tx, email)
    assert box.mail.sent == []
    await box.jobs.run()
    (message,) = box.mail.sent
    assert message.email == email
    assert message.sender == MailRules().sender
    assert message.date == box.clock.now()


async def test_a_transaction_that_failed_writes_to_nobody(box: Sandbox) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with MemoryUnitOfWork(box.tables).begin() as tx:
            await box.revenge.mail.enqueue(tx, an_email())
            _ = 1 / 0
    await box.jobs.run()
    assert box.mail.sent == []


async def test_what_could_never_be_sent_is_not_taken(box: Sandbox) -> None:
    with pytest.raises(MailInvalid) as refused:
        await enqueue(box, an_email(to="ada", subject="a\r\nBcc: eve@example.org", text=Secret(f"{LINK}\x00")))
    assert [problem.pointer for problem in refused.value.problems] == ["/to", "/subject", "/text"]
    assert LINK not in repr(refused.value.problems)
    assert box.rows.jobs == {}


async def test_the_queue_holds_no_link_that_lets_people_in(box: Sandbox) -> None:
    job_id = await enqueue(box, an_email(text=Secret(f"{LINK}\n"), html=Secret(f"<a href='{LINK}'>in</a>")))
    kept = box.rows.jobs[job_id].args
    assert b"4f1d0c9a77" not in kept
    assert b'"sealed"' in kept
    shown = await box.revenge.jobs.get(SYSTEM, job_id, args=True)
    assert "4f1d0c9a77" not in repr(shown)


async def test_every_attempt_sends_the_same_message(box: Sandbox) -> None:
    job_id = await enqueue(box, an_email())
    box.mail.is_away = True
    await box.jobs.run()
    assert (await job(box, job_id)).state is JobState.RETRYABLE
    box.clock.advance(minutes=1, seconds=7)
    box.mail.is_away = False
    await box.jobs.run()
    (message,) = box.mail.sent
    await box.revenge.mail.deliver(SendEmail(message_id=message.id, date=message.date, email=message.email), Attempt())
    assert box.mail.sent == [message, message]
    assert message.date < box.clock.now()
    assert (await job(box, job_id)).state is JobState.COMPLETED


async def test_two_messages_have_two_ids(box: Sandbox) -> None:
    for _ in range(2):
        await enqueue(box, an_email())
    await box.jobs.run()
    assert len({message.id for message in box.mail.sent}) == 2


async def test_a_server_that_is_away_is_asked_soon_then_seldom_and_after_two_days_no_more(box: Sandbox) -> None:
    job_id = await enqueue(box, an_email())
    box.mail.is_away = True
    tries: list[datetime] = []
    while (waiting := await job(box, job_id)).state is not JobState.DISCARDED:
        box.clock.advance(seconds=(waiting.scheduled_at - box.clock.now()).total_seconds())
        tries.append(box.clock.now())
        await box.jobs.run()
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert sum(pause <= timedelta(minutes=15) for pause in pauses) >= 4
    assert max(pauses) <= timedelta(hours=4.4)
    assert timedelta(days=2) <= tries[-1] - tries[0] <= timedelta(days=2.5)
    assert waiting.errors[-1].error == "mail_unavailable: The mail server does not answer"


async def test_a_poisoned_message_is_a_dead_letter_and_holds_up_nobody(box: Sandbox) -> None:
    box.mail.refused.add("nobody@example.org")
    ids = [await enqueue(box, an_email(to=to)) for to in ("ada@example.org", "nobody@example.org", "max@example.org")]
    await box.jobs.run()
    assert [message.email.to for message in box.mail.sent] == ["ada@example.org", "max@example.org"]
    dead = await job(box, ids[1])
    assert dead.state is JobState.DISCARDED
    assert dead.attempt == 1
    assert "550" in dead.errors[-1].error
    assert "nobody@example.org" not in repr(dead)


async def test_a_dead_letter_that_somebody_tries_again_has_its_old_id(box: Sandbox) -> None:
    box.mail.refused.add("ada@example.org")
    job_id = await enqueue(box, an_email(to="ada@example.org"))
    written = box.clock.now()
    (before,) = box.jobs.enqueued(SendEmail)
    await box.jobs.run()
    box.mail.refused.clear()
    box.clock.advance(days=1)
    await box.revenge.jobs.retry(SYSTEM, [job_id])
    await box.jobs.run()
    (message,) = box.mail.sent
    assert (message.id, message.date) == (before.message_id, written)


async def test_a_row_that_somebody_else_wrote_is_looked_at_as_well(box: Sandbox) -> None:
    bad = SendEmail(
        message_id="1@example.org",
        date=box.clock.now(),
        email=Email(to="ada@example.org\r\nRCPT TO:<eve@example.org>", subject="Hello", text=Secret("Hello")),
    )
    (enqueued,) = await box.revenge.jobs.enqueue(SYSTEM, bad)
    await box.jobs.run()
    assert box.mail.sent == []
    dead = await job(box, enqueued.id)
    assert dead.state is JobState.DISCARDED
    assert "mail_invalid: /to must not hold" in dead.errors[-1].error


@pytest.mark.parametrize(("late", "state"), [(-1, JobState.COMPLETED), (0, JobState.CANCELLED)])
async def test_a_link_that_has_expired_is_not_sent(box: Sandbox, late: int, state: JobState) -> None:
    job_id = await enqueue(box, an_email(good_until=box.clock.now() + timedelta(hours=1)))
    box.mail.is_away = True
    await box.jobs.run()
    box.mail.is_away = False
    box.clock.advance(hours=1, seconds=late)
    await box.jobs.run()
    assert (await job(box, job_id)).state is state
    assert len(box.mail.sent) == (state is JobState.COMPLETED)


async def test_mail_is_from_whom_the_settings_say_at_the_time_of_sending() -> None:
    sender = Mailbox(address="films@example.org", name="Films")
    box = sandbox(mail_rules=MailRules(sender=sender))
    await enqueue(box, an_email())
    await box.jobs.run()
    (message,) = box.mail.sent
    assert message.sender == sender
    assert message.id.endswith("@example.org")


def test_features_can_ask_whether_mail_goes_anywhere() -> None:
    assert sandbox().revenge.mail.is_on
    assert not sandbox(mail_rules=MailRules(is_on=False)).revenge.mail.is_on


# Tests of the settings


async def test_a_test_goes_out_at_once_and_tells_what_the_server_said(box: Sandbox) -> None:
    sent = await box.revenge.mail.send_test(Actor.host(), "ada@example.org")
    (message,) = box.mail.sent
    assert (sent.to, sent.message_id, sent.answer) == ("ada@example.org", message.id, "250 kept as number 1")
    assert "Revenge" in message.email.text.reveal()
    assert box.rows.jobs == {}
    (entry,) = entries(box, Action.MAIL_TEST, Outcome.SUCCESS)
    assert (entry.resource_type, entry.resource_key) == ("mail", message.id)


@pytest.mark.parametrize("error", [MailRefused, MailUnavailable])
async def test_a_test_that_fails_tells_why_and_is_audited_too(box: Sandbox, error: type[Exception]) -> None:
    if error is MailRefused:
        box.mail.refused.add("ada@example.org")
    else:
        box.mail.is_away = True
    with pytest.raises(error) as problem:
        await box.revenge.mail.send_test(Actor.host(), "ada@example.org")
    (entry,) = entries(box, Action.MAIL_TEST, Outcome.FAILURE)
    assert entry.reason == problem.value.code  # type: ignore[attr-defined] # both have one
    assert box.rows.jobs == {}


async def test_a_test_is_for_those_who_may(box: Sandbox) -> None:
    with pytest.raises(Unauthenticated):
        await box.revenge.mail.send_test(Actor.anonymous(), "ada@example.org")
    with pytest.raises(Forbidden):
        await box.revenge.mail.send_test(an_actor(a_user(), Permission.SETTINGS_WRITE), "ada@example.org")
    await box.revenge.mail.send_test(an_actor(a_user(), Permission.MAIL_TEST), "ada@example.org")
    assert len(box.mail.sent) == 1


async def test_a_test_to_no_address_is_refused(box: Sandbox) -> None:
    with pytest.raises(MailInvalid):
        await box.revenge.mail.send_test(Actor.host(), "ada")


async def test_a_server_without_mail_says_so_when_it_is_tested() -> None:
    box = sandbox(mail_rules=MailRules(is_on=False))
    with pytest.raises(MailOff):
        await box.revenge.mail.send_test(Actor.host(), "ada@example.org")
    assert box.mail.sent == []


def test_a_message_shows_nothing_of_its_text() -> None:
    email = an_email(text=Secret(LINK), html=Secret(LINK))
    assert "4f1d0c9a77" not in repr(email) + str(replace(email, to="ada@example.org"))
