"""`revenge admin`: administrators, from this machine's shell (decisions I1)."""

import asyncio
import sys

import click

from revenge_cli.doors import LoadedSettings
from revenge_cli.lazy import LazyGroup
from revenge_cli.render import show_record
from revenge_cli.session import Session, command
from revenge_core.actor import Actor
from revenge_core.secrets import Secret
from revenge_core.users.entities import NewUser, User


@click.group(
    cls=LazyGroup,
    examples=(
        "revenge admin create --username ada --email ada@example.org",
        "revenge admin create --username ada --email ada@example.org --password-stdin < password",
    ),
)
def admin() -> None:
    """Make administrators from this machine's shell."""


@command(
    "create",
    examples=(
        "revenge admin create --username ada --email ada@example.org",
        "revenge admin create --username ada --email ada@example.org --password-stdin < password",
    ),
)
@click.option("--username", required=True, metavar="NAME", help="What they sign in with.")
@click.option("--email", required=True, metavar="ADDRESS", help="Their e-mail address.")
@click.option("--display-name", metavar="NAME", help="What others see.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
def create(session: Session, username: str, email: str, display_name: str | None, *, password_stdin: bool) -> None:
    """Make an administrator. The printed bootstrap token is void from then on."""
    password = _password(session, from_stdin=password_stdin)
    new = NewUser(username=username, email=email, display_name=display_name)
    user = asyncio.run(_create(session, session.load(), new, password))
    shown = {"id": user.id, "username": user.username, "email": user.email, "created_at": user.created_at.isoformat()}
    show_record(session.shape, shown)


async def _create(session: Session, loaded: LoadedSettings, new: NewUser, password: Secret) -> User:
    async with session.doors.open_revenge(loaded) as revenge:
        return await revenge.accounts.create_admin(Actor.host(), new, password)


def _password(session: Session, *, from_stdin: bool) -> Secret:
    if from_stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise click.UsageError("Standard input holds no password; write it there on one line.")
        return Secret(line)
    if not session.may_ask:
        raise click.UsageError("There is nobody to ask for the password; give it with --password-stdin.")
    return Secret(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


admin.add_command(create)
