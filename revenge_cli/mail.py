"""`revenge mail`: whether mail works (rulings R37)."""

import asyncio

import click

from revenge_cli.doors import LoadedSettings
from revenge_cli.lazy import LazyGroup
from revenge_cli.render import show_record
from revenge_cli.session import Session, command
from revenge_core.actor import Actor
from revenge_core.mail.entities import SentTest


@click.group(cls=LazyGroup, examples=("revenge mail test --to you@example.org",))
def mail() -> None:
    """See whether mail works."""


@command("test", examples=("revenge mail test --to you@example.org", "revenge mail test --to you@example.org --json"))
@click.option("--to", required=True, metavar="ADDRESS", help="Who gets the message.")
def send_test(session: Session, to: str) -> None:
    """Send one message now, and show what the mail server says to it.

    It goes beside the queue, which would try again for two days instead of telling what is wrong. What the server
    refuses for good exits with 4, a server that cannot be used with 69.
    """
    sent = asyncio.run(_send_test(session, session.load(), to))
    show_record(session.shape, {"to": sent.to, "message_id": sent.message_id, "answer": sent.answer})


async def _send_test(session: Session, loaded: LoadedSettings, to: str) -> SentTest:
    async with session.doors.open_revenge(loaded) as revenge:
        return await revenge.mail.send_test(Actor.host(), to)


mail.add_command(send_test)
