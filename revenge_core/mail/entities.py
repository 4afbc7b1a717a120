"""Messages: as features write them, and as they are sent."""

from datetime import datetime

from revenge_core.entity import Entity
from revenge_core.secrets import Secret


class Mailbox(Entity, kw_only=True):
    """An address, with the name that people see."""

    address: str
    name: str = ""


class MailRules(Entity, kw_only=True):
    """What the settings say about mail."""

    sender: Mailbox = Mailbox(address="revenge@localhost", name="Revenge")
    """Who messages are from; what cannot be delivered comes back there."""
    is_on: bool = True
    """Off: nothing is sent, and features must not ask people for what only a mail could tell them."""


class Email(Entity, kw_only=True):
    """What a feature wants somebody to read. One message is for one person: nobody learns of the others.

    It travels in a job, so its fields are a wire contract too.
    """

    to: str
    subject: str
    """Is kept and shown as it is: nothing secret belongs here."""
    text: Secret
    """Links in it may let people in, so it is sealed wherever it is kept. Lines end with a line feed."""
    html: Secret | None = None
    """The same once more, for whoever prefers it."""
    reply_to: str | None = None
    good_until: datetime | None = None
    """Not sent from then on: a link that has expired helps nobody."""


class Message(Entity, kw_only=True):
    """A message on its way. Every attempt sends the same, to the last byte."""

    id: str
    """`Message-ID` without its brackets (RFC 5322, 3.6.4): by it, whoever gets the message twice keeps one."""
    date: datetime
    """When it was written, which may be long before it gets through."""
    sender: Mailbox
    email: Email


class SentTest(Entity, kw_only=True):
    """What became of a test."""

    to: str
    message_id: str
    answer: str
    """What the mail server said, in its words."""
