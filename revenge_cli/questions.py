"""Asking before something is done that is hard to undo."""

import signal
from collections.abc import Generator
from contextlib import contextmanager

import click

from revenge_cli.session import Session


def type_the_name(session: Session, deed: str, name: str) -> None:
    """Have somebody type `name` before the deed.

    Raises:
        click.UsageError: there is nobody to ask.
        click.Abort: something else was typed.
    """
    if not session.may_ask:
        raise click.UsageError(f"This would {deed}, and there is nobody to ask; say --yes.")
    session.say(f"This will {deed}.")
    with _interruptible():
        typed: str = click.prompt(f"Type {name} to go on", err=True, default="", show_default=False)
    if typed.strip() != name:
        session.say("That is another name; nothing was changed.")
        raise click.Abort


def agree(session: Session, deed: str) -> None:
    """Have somebody say yes before the deed. Errors are as of `type_the_name`."""
    if not session.may_ask:
        raise click.UsageError(f"This would {deed}, and there is nobody to ask; say --yes.")
    with _interruptible():
        click.confirm(f"{deed[0].upper()}{deed[1:]}?", abort=True, err=True)


@contextmanager
def _interruptible() -> Generator[None]:
    """Let Ctrl-C end a question at once: a running event loop would keep it until the question is answered."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
