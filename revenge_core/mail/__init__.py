"""Mail to people."""

from revenge_core.mail.entities import Email, Mailbox, MailRules, Message, SentTest
from revenge_core.mail.errors import MailInvalid, MailOff, MailRefused, MailUnavailable
from revenge_core.mail.service import Mail, Notices

__all__ = [
    "Email",
    "Mail",
    "MailInvalid",
    "MailOff",
    "MailRefused",
    "MailRules",
    "MailUnavailable",
    "Mailbox",
    "Message",
    "Notices",
    "SentTest",
]
