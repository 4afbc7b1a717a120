"""What sending mail refuses."""

from revenge_core.errors import Conflict, Invalid, Unavailable


class MailInvalid(Invalid):
    """An address, a subject or a text breaks a rule; `problems` names each."""

    code = "mail_invalid"
    title = "The message cannot be sent like this; see errors for each field"


class MailOff(Conflict):
    """The settings say that this server sends no mail."""

    code = "mail_off"
    title = "This server sends no mail; set email.enabled and what belongs to it"


class MailRefused(Conflict):
    """The mail server will not take this message, whenever it is sent: its answer says why."""

    code = "mail_refused"
    title = "The mail server refuses the message for good"


class MailUnavailable(Unavailable):
    """The mail server is away, busy, not to be trusted, or does not let this server in. Later it may take the message.

    What concerns every message and not this one, such as a wrong password, is of this kind too: it is mended by an
    administrator, and what waits then goes out.
    """

    code = "mail_unavailable"
    title = "The mail server cannot be used right now"
