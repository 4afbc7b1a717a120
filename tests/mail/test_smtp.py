"""What the mailer makes of mail servers that refuse, put off, hang, break off, or are not who they say."""

import asyncio
import logging
import traceback
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from revenge_adapters import mail_smtp
from revenge_adapters.mail_smtp import Security, SmtpMailer, SmtpServer
from revenge_core.mail.errors import MailRefused, MailUnavailable
from revenge_core.secrets import Secret
from revenge_core.testing.builders import a_message
from tests.smtp_server import DROP, HANG, SLOW, SLOWLY, MailServer

LINK = "https://films.example.org/reset-password?token=4f1d0c9a77b3"
SHORT = timedelta(milliseconds=200)


def ours(caplog: pytest.LogCaptureFixture) -> str:
    """What our own loggers said; the mail server of the test has one as well, and repeats all that it hears."""
    return "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("revenge"))


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server


def mailer_for(port: int, timeout: timedelta = timedelta(seconds=30)) -> SmtpMailer:
    return SmtpMailer(SmtpServer(host="127.0.0.1", port=port, security=Security.NONE, timeout=timeout))


@asynccontextmanager
async def greeting(words: bytes) -> AsyncGenerator[int]:
    """A port where somebody says this and nothing else, until the visitor leaves."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.current_task())
        writer.write(words)
        with suppress(ConnectionError):
            await reader.read()
            writer.close()
            await writer.wait_closed()

    talks: list[asyncio.Task[None] | None] = []
    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listening:
        yield int(listening.sockets[0].getsockname()[1])
    await asyncio.gather(*filter(None, talks))


# Answers


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("EHLO", "421 4.3.2 shutting down", MailUnavailable),
        ("MAIL", "451 4.3.0 try again", MailUnavailable),
        ("MAIL", "550 5.7.1 this sender may not", MailUnavailable),
        ("MAIL", "530 5.7.0 authentication required", MailUnavailable),
        ("MAIL", "552 5.3.4 too large", MailRefused),
        ("RCPT", "450 4.2.0 greylisted", MailUnavailable),
        ("RCPT", "530 5.7.0 authentication required", MailUnavailable),
        ("RCPT", "550 5.1.1 nobody of that name", MailRefused),
        ("RCPT", "553 5.1.3 no such address", MailRefused),
        ("DATA", "451 4.3.0 disk full", MailUnavailable),
        ("DATA", "552 5.3.4 too large", MailRefused),
        ("DATA", "554 5.6.0 looks like spam", MailRefused),
    ],
)
async def test_what_is_about_the_message_is_final_and_the_rest_is_tried_again(
    server: MailServer, command: str, answer: str, error: type[Exception]
) -> None:
    server.answers[command].append(answer)
    with pytest.raises(error, match=answer.replace(".", r"\.")):
        await mailer_for(server.port).send(a_message())
    assert server.messages == []


async def test_a_server_that_puts_strangers_off_takes_the_message_when_it_comes_again(server: MailServer) -> None:
    message = a_message()
    server.answers["RCPT"] += ["450 4.2.0 greylisted, come back in 300 seconds"]
    mailer = mailer_for(server.port)
    with pytest.raises(MailUnavailable):
        await mailer.send(message)
    assert await mailer.send(message) == "250 2.0.0 OK: queued as 1"
    assert server.messages == [message]


@pytest.mark.parametrize(
    "words", [b"554 no service here\r\n", b"421 busy\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xfe\r\n"]
)
async def test_somebody_who_is_no_mail_server_or_wants_no_mail_gets_none(words: bytes) -> None:
    async with greeting(words) as port:
        with pytest.raises(MailUnavailable) as problem:
            await mailer_for(port).send(a_message())
    assert f"127.0.0.1:{port}" in problem.value.detail
    assert problem.value.detail.isprintable()


async def test_nobody_there_is_told_with_what_to_look_at() -> None:
    async with greeting(b"") as port:
        pass
    with pytest.raises(MailUnavailable, match=r"cannot be reached.*email\.smtp\.host"):
        await mailer_for(port).send(a_message())


async def test_a_server_without_international_addresses_refuses_them_for_good() -> None:
    async with MailServer(utf8=False) as server:
        with pytest.raises(MailRefused, match="SMTPUTF8"):
            await mailer_for(server.port).send(a_message(to="ада@example.org"))
        await mailer_for(server.port).send(a_message(to="ada@bücher.example"))
        assert [message.email.to for message in server.messages] == ["ada@bücher.example"]


async def test_a_server_that_refuses_is_left_with_a_goodbye(server: MailServer) -> None:
    server.answers["RCPT"].append("550 5.1.1 nobody of that name")
    with pytest.raises(MailRefused):
        await mailer_for(server.port).send(a_message())
    assert server.goodbyes == 1


# Silence, and lines that break


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_server_that_hangs_is_given_up(
    server: MailServer, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_smtp, "JUDGING", SHORT)
    server.answers[command].append(HANG)
    with pytest.raises(MailUnavailable):
        await mailer_for(server.port, SHORT).send(a_message())
    await mailer_for(server.port).send(a_message())


async def test_a_server_that_says_nothing_at_all_is_given_up() -> None:
    async with greeting(b"") as port:
        with pytest.raises(MailUnavailable):
            await mailer_for(port, SHORT).send(a_message())


async def test_a_server_may_look_at_a_message_for_longer_than_at_a_command(server: MailServer) -> None:
    limit = timedelta(seconds=1)
    server.answers["DATA"].append(SLOW)
    await mailer_for(server.port, limit).send(a_message())
    assert limit < SLOWLY
    assert len(server.messages) == 1


async def test_a_message_whose_answer_was_lost_is_sent_again_to_the_last_byte(server: MailServer) -> None:
    message = a_message(html=Secret("<p>It works.</p>\n"))
    server.answers["DATA"].append(DROP)
    mailer = mailer_for(server.port)
    with pytest.raises(MailUnavailable, match="nobody knows whether"):
        await mailer.send(message)
    await mailer.send(message)
    first, second = server.raw
    assert first == second
    assert message.id.encode() in first


@pytest.mark.parametrize("command", ["MAIL", "RCPT"])
async def test_a_line_that_breaks_earlier_is_a_reason_to_try_again(server: MailServer, command: str) -> None:
    server.answers[command].append(DROP)
    with pytest.raises(MailUnavailable):
        await mailer_for(server.port).send(a_message())


@pytest.mark.parametrize("goodbye", [HANG, DROP, "500 what?"])
async def test_how_the_server_says_goodbye_changes_nothing(
    server: MailServer, goodbye: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_smtp, "LEAVING", SHORT)
    server.answers["QUIT"].append(goodbye)
    await mailer_for(server.port).send(a_message())
    assert len(server.messages) == 1


async def test_a_cancelled_attempt_lets_go_at_once(server: MailServer) -> None:
    server.answers["RCPT"].append(HANG)
    sending = asyncio.create_task(mailer_for(server.port).send(a_message()))
    await server.hanging.wait()
    sending.cancel()
    done, _ = await asyncio.wait([sending], timeout=10)
    assert done == {sending}
    assert sending.cancelled()


# What nobody may see


@pytest.mark.parametrize(
    ("command", "code"), [("RCPT", 550), ("RCPT", 450), ("DATA", 554), ("DATA", 451), ("DATA", 250)]
)
async def test_what_a_server_repeats_of_a_message_is_hidden(
    server: MailServer, command: str, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="revenge")
    message = a_message(text=Secret(f"Follow {LINK} or type 271828.\n"))
    server.answers[command].append(f"{code} no {LINK} no 271828 for <{message.email.to}>, case 99887766")
    told = ""
    try:
        told = await mailer_for(server.port).send(message)
    except (MailRefused, MailUnavailable) as problem:
        told = "".join(traceback.format_exception(problem))
    told += ours(caplog)
    assert "99887766" in told
    for hidden in ("4f1d0c9a77b3", "271828", message.email.to):
        assert hidden not in told


async def test_a_long_answer_is_cut_and_put_on_one_line(server: MailServer) -> None:
    server.answers["RCPT"].append("550-first\r\n550-sec\x07ond\r\n550 " + "blah " * 500)
    with pytest.raises(MailRefused, match=r"550 first sec\?ond blah blah") as problem:
        await mailer_for(server.port).send(a_message())
    assert len(problem.value.detail) < 500


async def test_the_log_names_the_message_and_not_the_person(
    server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="revenge")
    message = a_message()
    await mailer_for(server.port).send(message)
    assert message.id in ours(caplog)
    assert message.email.to not in ours(caplog)
