"""What sending mail needs from outside."""

from collections.abc import Mapping
from typing import Protocol

from revenge_core.mail.entities import Letter, Message, Notice
from revenge_core.secrets import Secret


class NoticeTemplates(Protocol):
    """The words of notices, as text and HTML."""

    def render(self, notice: Notice, values: Mapping[str, str | Secret]) -> Letter:
        """The notice with these values in it. In HTML they are escaped; in the subject they are one line.

        A value is put in as it is and never read as a template itself. The template of a host that is missing, broken
        or names an unknown value is left aside, with a line in the log: the one that ships is used, so that nobody
        goes without a mail they need.
        """
        ...


class Mailer(Protocol):
    """Hands messages to whoever delivers them."""

    async def send(self, message: Message) -> str:
        """Hand over one message; the answer, for people to read.

        After it returns the message is somebody else's to deliver. Where the answer is lost nobody knows whether it is,
        so it is sent again: the same message, under the same id. Neither answers nor errors repeat what may be secret
        in its text.

        Raises:
            MailRefused: it will never be taken.
            MailUnavailable: not now; nothing is wrong with the message.
        """
        ...
