"""A mail server for tests: it keeps what was sent, and refuses when told to."""

from typing_extensions import override

from revenge_core.mail.entities import Message
from revenge_core.mail.errors import MailRefused, MailUnavailable
from revenge_core.mail.ports import Mailer


class MemoryMailer(Mailer):
    """`sent` holds every message that was taken, oldest first."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.refused: set[str] = set()
        """Addresses that nobody has."""
        self.is_away = False
        """Whether the server cannot be reached."""

    @override
    async def send(self, message: Message) -> str:
        if self.is_away:
            raise MailUnavailable("The mail server does not answer")
        if message.email.to in self.refused:
            raise MailRefused("The mail server refuses the message: 550 there is no such mailbox")
        self.sent.append(message)
        return f"250 kept as number {len(self.sent)}"

    def to(self, address: str) -> tuple[Message, ...]:
        """What was sent to that address, oldest first."""
        return tuple(message for message in self.sent if message.email.to == address)
