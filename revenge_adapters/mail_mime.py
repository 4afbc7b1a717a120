"""A message as mail servers read it (RFC 5322, 2045, 6532)."""

import hashlib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from revenge_core.mail.entities import Mailbox, Message
from revenge_core.mail.policy import wire_address


def rendered(message: Message, *, utf8: bool) -> bytes:
    """Headers and text with their line ends. The same message gives the same bytes each time.

    The text is written in ASCII, so every server takes it as it is; addresses that cannot be need `utf8`.
    """
    email = message.email
    mime = EmailMessage((SMTPUTF8 if utf8 else SMTP).clone(cte_type="7bit"))
    mime["From"] = _address(message.sender)
    mime["To"] = _address(Mailbox(address=email.to))
    if email.reply_to is not None:
        mime["Reply-To"] = _address(Mailbox(address=email.reply_to))
    mime["Subject"] = email.subject
    mime["Date"] = message.date
    mime["Message-ID"] = f"<{message.id}>"
    mime["Auto-Submitted"] = "auto-generated"  # so that nobody's holiday notice answers (RFC 3834)
    mime.set_content(email.text.reveal())
    if email.html is not None:
        mime.add_alternative(email.html.reveal(), subtype="html")
        mime.set_boundary(f"=_{hashlib.sha256(message.id.encode()).hexdigest()[:32]}")
    return mime.as_bytes()


def _address(mailbox: Mailbox) -> Address:
    local = mailbox.address.rpartition("@")[0]
    return Address(mailbox.name, local, wire_address(mailbox.address).rpartition("@")[2])
