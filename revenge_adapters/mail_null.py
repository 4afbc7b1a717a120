"""Mail that goes nowhere: for servers without a mail server."""

import logging

from typing_extensions import override

from revenge_core.mail.entities import Message
from revenge_core.mail.ports import Mailer

_log = logging.getLogger("revenge.mail")


class NullMailer(Mailer):
    """Swallows every message, and says so each time: somebody may be waiting for it."""

    @override
    async def send(self, message: Message) -> str:
        _log.warning(
            "message %s goes nowhere: this server has no mail server; set email.enabled, email.provider and "
            "email.smtp.host to have it sent",
            message.id,
        )
        return "swallowed: this server has no mail server"
