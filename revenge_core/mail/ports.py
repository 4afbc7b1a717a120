"""What sending mail needs from outside."""

from typing import Protocol

from revenge_core.mail.entities import Message


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
