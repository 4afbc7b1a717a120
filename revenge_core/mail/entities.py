"""Messages: as features write them, and as they are sent."""

from datetime import datetime
from enum import StrEnum

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
    public_url: str = "http://localhost:8096"
    """Where people reach this server, without a slash at its end: links start with it."""
    is_on: bool = True
    """Off: nothing is sent, and features must not ask people for what only a mail could tell them."""


class Notice(StrEnum):
    """What Revenge tells people by itself. Each has a template of this name, which a host may replace."""

    ACCOUNT_DELETED = "account_deleted"
    ACCOUNT_MADE = "account_made"
    """An administrator made it; with the link that sets the first password."""
    ACCOUNT_RESTORED = "account_restored"
    ADDRESS_CHANGE = "address_change"
    """To the new address, with the link that makes it the account's."""
    ADDRESS_CHANGE_ASKED = "address_change_asked"
    """To the present address, while the new one is not verified."""
    ADDRESS_CHANGED = "address_changed"
    """To both, when it is done."""
    EXPORT_READY = "export_ready"
    INVITATION = "invitation"
    KEY_EXPIRES = "key_expires"
    """An API key is about to."""
    NEW_DEVICE = "new_device"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (the name of a notice)
    PASSWORD_RESET = "password_reset"  # noqa: S105 (the name of a notice)
    """With the link that sets a new one."""
    SESSION_STOLEN = "session_stolen"
    VERIFY_ADDRESS = "verify_address"
    WELCOME = "welcome"


class Letter(Entity, kw_only=True):
    """A template, filled in."""

    subject: str
    text: Secret
    html: Secret | None


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
