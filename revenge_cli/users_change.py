"""`revenge users create` and `edit`."""

import click
from msgspec import UNSET, UnsetType

from revenge_cli.account_records import Person, record_of
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.people import named
from revenge_cli.rehearsal import look_at_account, look_at_changes, look_who_asks
from revenge_cli.render import Shape, show_record, text_of
from revenge_cli.session import Session
from revenge_core.accounts.entities import AccountChanges, NewAccount
from revenge_core.rbac.entities import MEMBER
from revenge_core.secrets import Secret


@errand(
    "create",
    examples=(
        "revenge users create --username ada --email ada@example.org",
        "revenge users create --username ada --email ada@example.org --role user --role admin",
        "revenge users create --username ada --email ada@example.org --dry-run",
    ),
)
@click.option("--username", required=True, metavar="NAME", help="What they sign in with.")
@click.option("--email", required=True, metavar="ADDRESS", help="Their e-mail address.")
@click.option("--display-name", metavar="NAME", help="What others see.")
@click.option(
    "--role", "roles", multiple=True, default=(MEMBER,), show_default=True, metavar="NAME", help="A role; repeatable."
)
@click.option("--verified", is_flag=True, help="Take the address for theirs without asking by mail.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
async def create(
    session: Session,
    desk: Desk,
    username: str,
    email: str,
    display_name: str | None,
    roles: tuple[str, ...],
    *,
    verified: bool,
    dry_run: bool,
) -> None:
    """Make an account. Nobody but its owner ever knows the password.

    They choose it with a link that comes by mail; a server that sends none gives the link here, once, as `reset_link`.
    """
    new = NewAccount(
        username=username, email=email, display_name=display_name, roles=frozenset(roles), email_verified=verified
    )
    if dry_run:
        await look_who_asks(session, desk)
        await look_at_account(desk, new)
        told = {"username": username, "email": email, "display_name": display_name, "roles": sorted(new.roles)}
        show_record(session.shape, told)
        session.say(f"{username} would be made; nothing was changed.")
        return
    person, link = await desk.create(new)
    show_record(session.shape, record_of(person) | ({} if link is None else {"reset_link": link.reveal()}))
    _say_how_they_come_in(session, person, link)


@errand(
    "edit",
    examples=(
        "revenge users edit ada --display-name 'Ada Lovelace'",
        "revenge users edit ada --role user --role admin --dry-run",
        "revenge users edit ada --email ada@example.net --verified",
    ),
)
@click.argument("name", metavar="USER")
@click.option("--username", metavar="NAME", help="What they sign in with from now on.")
@click.option("--email", metavar="ADDRESS", help="Their address from now on; both addresses are told.")
@click.option("--display-name", metavar="NAME", help="What others see; an empty one removes it.")
@click.option("--role", "roles", multiple=True, metavar="NAME", help="All roles that they then have; repeatable.")
@click.option("--verified/--unverified", "email_verified", default=None, help="Whether the address is theirs for sure.")
@click.option("--timezone", metavar="ZONE", help="Such as Europe/Zurich.")
@click.option("--locale", metavar="TAG", help="Such as en-US.")
@click.option("--qar/--no-qar", "qar_enabled", default=None, help="Whether they may use what is for adults only.")
@click.option("--dry-run", is_flag=True, help="Only say what would be changed.")
async def edit(
    session: Session,
    desk: Desk,
    name: str,
    username: str | None,
    email: str | None,
    display_name: str | None,
    roles: tuple[str, ...],
    email_verified: bool | None,  # noqa: FBT001 (an option)
    timezone: str | None,
    locale: str | None,
    qar_enabled: bool | None,  # noqa: FBT001 (an option)
    *,
    dry_run: bool,
) -> None:
    """Change an account. What is not named stays as it is.

    A new address takes effect at once. There is no password here: `revenge users send-reset` lets them choose one.
    """
    changes = AccountChanges(
        username=_said(username),
        email=_said(email),
        email_verified=UNSET if email_verified is None else email_verified,
        display_name=_said(display_name),
        timezone=_said(timezone),
        locale=_said(locale),
        qar_enabled=UNSET if qar_enabled is None else qar_enabled,
        roles=frozenset(roles) if roles else UNSET,
    )
    if changes == AccountChanges():
        raise click.UsageError("Say what to change, such as --display-name or --role.")
    person = await named(desk, name)
    if dry_run:
        await look_who_asks(session, desk)
        await look_at_changes(desk, person, changes)
        show_record(session.shape, record_of(person))
        for line in _differences(person, changes):
            session.say(line)
        session.say(f"{person.username} was not changed.")
        return
    show_record(session.shape, record_of(await desk.change(person.id, changes)))


def _said(value: str | None) -> str | UnsetType:
    return UNSET if value is None else value


def _differences(person: Person, changes: AccountChanges) -> list[str]:
    lines: list[str] = []
    for field in changes.__struct_fields__:
        after = getattr(changes, field)
        if after is not UNSET:
            before = getattr(person, field)
            shown = sorted(after) if field == "roles" else after
            lines.append(f"{field} would change from {text_of(before) or 'nothing'} to {text_of(shown) or 'nothing'}.")
    return lines


def _say_how_they_come_in(session: Session, person: Person, link: Secret | None) -> None:
    if link is None:
        session.say(f"A mail to {person.email} brings the link with which they choose a password.")
    elif session.shape is Shape.TABLE:
        session.say("Give them the link: it is shown this once, and lets them choose a password.")
