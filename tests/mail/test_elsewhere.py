"""Mail that goes to a developer's terminal, or nowhere."""

import io
import logging

import pytest

from revenge_adapters.mail_console import ConsoleMailer
from revenge_adapters.mail_null import NullMailer
from revenge_core.secrets import Secret
from revenge_core.testing.builders import a_message

LINK = "https://films.example.org/verify-email?token=4f1d0c9a77"


async def test_a_developer_sees_the_links_on_standard_error_and_nowhere_else(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    message = a_message(subject="Welcome", text=Secret(f"Click\n{LINK}\n"))
    answer = await ConsoleMailer().send(message)
    written = capsys.readouterr()
    assert f"\n{LINK}\n" in written.err
    for told in (message.email.to, "Subject: Welcome", message.id):
        assert told in written.err
    assert written.out == ""
    assert LINK not in answer + caplog.text


async def test_a_terminal_obeys_nothing_in_a_message() -> None:
    stream = io.StringIO()
    await ConsoleMailer(stream).send(a_message(subject="a\x1b[2Jb", text=Secret("c\x1b]0;d\x07e\nf\u202eg\n")))
    assert stream.getvalue().isascii()
    assert set(stream.getvalue()) & set("\x07\x1b") == set()


def test_a_server_that_writes_mail_out_warns_when_it_starts(caplog: pytest.LogCaptureFixture) -> None:
    ConsoleMailer(io.StringIO())
    (warned,) = caplog.records
    assert warned.levelno == logging.WARNING
    assert "email.provider" in warned.getMessage()


async def test_a_message_that_goes_nowhere_leaves_a_warning_that_names_it(caplog: pytest.LogCaptureFixture) -> None:
    message = a_message(text=Secret(f"{LINK}\n"))
    assert "swallowed" in await NullMailer().send(message)
    (warned,) = caplog.records
    assert warned.levelno == logging.WARNING
    assert message.id in warned.getMessage()
    assert LINK not in caplog.text
    assert message.email.to not in caplog.text
