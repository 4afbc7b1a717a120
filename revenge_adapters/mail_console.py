"""Mail on standard error: for developers, who want to follow the links in it."""

import logging
import sys
import unicodedata
from collections.abc import Iterator
from typing import TextIO

from typing_extensions import override

from revenge_core.mail.entities import Message
from revenge_core.mail.ports import Mailer

_log = logging.getLogger("revenge.mail")


class ConsoleMailer(Mailer):
    """Writes messages out, links and codes included; never into the log, which others may collect and keep."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        _log.warning(
            "MAIL IS WRITTEN TO STANDARD ERROR INSTEAD OF BEING SENT, with links and codes that let whoever reads them "
            "into accounts; set email.provider to smtp on a server that others use"
        )

    @override
    async def send(self, message: Message) -> str:
        stream = self._stream or sys.stderr
        stream.write("".join(f"{_harmless(line)}\n" for line in _lines(message)))
        stream.flush()
        return "written to standard error"


def _lines(message: Message) -> Iterator[str]:
    email = message.email
    yield f"---- mail {message.id}"
    yield f"From: {message.sender.name} <{message.sender.address}>"
    yield f"To: {email.to}"
    yield f"Subject: {email.subject}"
    yield ""
    yield from email.text.reveal().split("\n")
    yield f"---- end of mail {message.id}"


def _harmless(line: str) -> str:
    """Nothing that a terminal would obey (ASVS 16.4.1)."""
    return "".join(
        character if unicodedata.category(character) not in {"Cc", "Cf", "Cs"} else ascii(character)[1:-1]
        for character in line
    )
