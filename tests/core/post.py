"""Reading what people get by mail."""

import re

from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.mail.entities import Message
from revenge_core.secrets import Secret

LINK = re.compile(r"(?P<url>\S+)/account/(?P<page>[a-z-]+)#token=(?P<token>\S+)")


async def mailed(box: Sandbox, address: str) -> list[Message]:
    """Mail to an address that was not read yet; afterwards it was."""
    await box.jobs.run()
    messages = list(box.mail.to(address))
    box.mail.sent[:] = [message for message in box.mail.sent if message.email.to != address]
    return messages


def token_in(message: Message) -> Secret:
    found = LINK.search(message.email.text.reveal())
    assert found is not None
    assert message.email.html is not None
    assert found[0] in message.email.html.reveal()
    return Secret(found["token"])


def prove(box: Sandbox, address: str) -> None:
    """Whoever has this address proved that they read mail there."""
    (user,) = [user for user in box.rows.users.values() if user.email == address]
    box.rows.users[user.id] = replace(user, email_verified=True)


async def link(box: Sandbox, address: str) -> Secret:
    """The token of the one mail to this address that has a link."""
    (message,) = [one for one in await mailed(box, address) if LINK.search(one.email.text.reveal())]
    return token_in(message)
