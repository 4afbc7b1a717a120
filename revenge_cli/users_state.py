"""`revenge users disable`, `enable`, `delete`, `restore`, `send-reset` and `reset-link`."""

import click

from revenge_cli.account_records import record_of
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.people import named
from revenge_cli.questions import type_the_name
from revenge_cli.rehearsal import look_at_removal, look_who_asks
from revenge_cli.render import Shape, show_record
from revenge_cli.session import Session, command
from revenge_core.accounts.errors import AccountNotDeleted
from revenge_core.actor import Actor
from revenge_core.auth.entities import PasswordReset
from revenge_core.errors import Conflict
from revenge_core.mail.errors import MailOff
from revenge_core.revenge import Revenge
from revenge_core.users.errors import UserNotFound

_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
_user = click.argument("name", metavar="USER")


@errand("disable", examples=("revenge users disable ada", "revenge users disable ada --dry-run"))
@_user
@_dry_run
async def disable(session: Session, desk: Desk, name: str, *, dry_run: bool) -> None:
    """Keep somebody out; all of their sessions end. `revenge users enable` undoes it."""
    person = await named(desk, name)
    if dry_run:
        await look_who_asks(session, desk)
        await look_at_removal(desk, person)
        show_record(session.shape, record_of(person))
        session.say(f"{person.username} would be disabled; nothing was changed.")
        return
    await desk.disable(person.id)
    show_record(session.shape, record_of(await desk.find(str(person.id))))


@errand("enable", examples=("revenge users enable ada",))
@_user
@_dry_run
async def enable(session: Session, desk: Desk, name: str, *, dry_run: bool) -> None:
    """Let somebody in again."""
    person = await named(desk, name)
    if dry_run:
        await look_who_asks(session, desk)
        if person.deleted_at is not None:
            raise UserNotFound
        show_record(session.shape, record_of(person))
        session.say(f"{person.username} would be enabled; nothing was changed.")
        return
    await desk.enable(person.id)
    show_record(session.shape, record_of(await desk.find(str(person.id))))


@errand("delete", examples=("revenge users delete ada", "revenge users delete ada --yes"))
@_user
@click.option("--yes", is_flag=True, help="Do not ask for the name to be typed.")
@_dry_run
async def delete(session: Session, desk: Desk, name: str, *, yes: bool, dry_run: bool) -> None:
    """Delete an account: its sessions end at once, and it is erased at the time shown as `purge_at`.

    Until then `revenge users restore` brings it back, and nobody else can take its name. Whoever deleted their account
    themselves has it back by signing in; deleting it once more takes that from them.
    """
    person = await named(desk, name)
    if dry_run:
        await look_who_asks(session, desk)
        await look_at_removal(desk, person, who_left=True)
        show_record(session.shape, record_of(person))
        session.say(f"{person.username} would be deleted; nothing was changed.")
        return
    if not yes:
        type_the_name(session, f"delete the account {person.username} <{person.email}>", person.username)
    await desk.delete(person.id)
    show_record(session.shape, record_of(await desk.find(str(person.id))))


@errand("restore", examples=("revenge users list --deleted", "revenge users restore ada"))
@_user
@_dry_run
async def restore(session: Session, desk: Desk, name: str, *, dry_run: bool) -> None:
    """Bring back a deleted account that was not erased yet. Its owner signs in anew."""
    person = await named(desk, name)
    if dry_run:
        await look_who_asks(session, desk)
        if person.deleted_at is None:
            raise AccountNotDeleted
        show_record(session.shape, record_of(person))
        session.say(f"{person.username} would be restored; nothing was changed.")
        return
    show_record(session.shape, record_of(await desk.restore(person.id)))


@errand("send-reset", examples=("revenge users send-reset ada",))
@_user
@_dry_run
async def send_reset(session: Session, desk: Desk, name: str, *, dry_run: bool) -> None:
    """Mail somebody a link to choose a new password; you never know it.

    Where this server sends no mail, `revenge users reset-link` on its machine gives the link to you.
    """
    person = await named(desk, name)
    told = {"username": person.username, "email": person.email}
    if dry_run:
        await look_who_asks(session, desk)
        if person.deleted_at is not None:
            raise UserNotFound
        show_record(session.shape, told)
        session.say(f"{person.email} would get a link to choose a new password; nothing was sent.")
        return
    try:
        await desk.send_reset(person.id)
    except Conflict as error:
        if error.code != MailOff.code:
            raise
        raise MailOff(f"{MailOff.title}, or use `revenge users reset-link {person.username}` on its machine") from error
    show_record(session.shape, told)
    session.say(f"A link to choose a new password is on its way to {person.email}.")


@command("reset-link", examples=("revenge users reset-link ada",))
@_user
@_dry_run
def reset_link(session: Session, name: str, *, dry_run: bool) -> None:
    """Make a link to choose a new password, for somebody who cannot get mail.

    Only from the server's own machine. The link is shown this once; whoever has it can take the account.
    """

    async def make(revenge: Revenge) -> PasswordReset | None:
        user_id = await revenge.administration.find(Actor.host(), name)
        if not dry_run:
            return await revenge.recovery.reset_link(Actor.host(), user_id)
        if (await revenge.administration.get(Actor.host(), user_id)).user.deleted_at is not None:
            raise UserNotFound
        return None

    made = session.ask(make)
    if made is None:
        session.say(f"A link for {name} would be made; nothing was changed.")
        return
    show_record(session.shape, {"link": made.link.reveal(), "expires_at": made.expires_at})
    if session.shape is Shape.TABLE:
        session.say("Give the link to its owner, and to nobody else.")
