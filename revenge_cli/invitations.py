"""`revenge invitations`: letting people in."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

import click

from revenge_cli.account_records import Invite, Row, invite_record, invite_row
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.job_options import moment
from revenge_cli.lazy import LazyGroup
from revenge_cli.rehearsal import look_who_asks
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.session import Session
from revenge_core.accounts.entities import NewInvitation
from revenge_core.accounts.errors import InvitationInvalid, InvitationNotFound
from revenge_core.accounts.service import Invitations
from revenge_core.paging import MAX_LIMIT
from revenge_core.rbac.entities import MEMBER

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@click.group(
    cls=LazyGroup,
    examples=(
        "revenge invitations create --email bob@example.org",
        "revenge invitations create --uses 5 --expires 3d --note family",
        "revenge invitations list",
        "revenge invitations revoke ID",
    ),
)
def invitations() -> None:
    """Invite people to make an account for themselves."""


def until(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """A time, or how long from now."""
    spell = re.fullmatch(r"([1-9][0-9]{0,3})([mhdw])", value or "")
    if spell:
        return datetime.now(UTC) + timedelta(**{_UNITS[spell[2]]: int(spell[1])})
    try:
        return moment(ctx, param, value)
    except click.BadParameter:
        raise click.BadParameter(f"{value!r} is no time; write it like 12h, 3d, or 2026-02-14T10:00:00Z") from None


COLUMNS = ("id", "role", "used", "email", "note", "created_at", "expires_at", "revoked_at")


@errand(
    "create",
    examples=(
        "revenge invitations create",
        "revenge invitations create --email bob@example.org --note 'Bob, next door'",
        "revenge invitations create --uses 5 --expires 3d --json",
    ),
)
@click.option("--role", default=MEMBER, show_default=True, metavar="NAME", help="The role that they get.")
@click.option("--library", "libraries", multiple=True, metavar="ID", help="A library that they may use; repeatable.")
@click.option("--uses", type=int, default=1, show_default=True, metavar="NUMBER", help="So many accounts can be made.")
@click.option("--expires", callback=until, metavar="TIME", help="Until when: 12h, 3d, or a time. Else the usual one.")
@click.option("--email", metavar="ADDRESS", help="Mail it there, and let only this address in.")
@click.option("--note", metavar="TEXT", help="For yourself: whom it is for.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
async def create(
    session: Session,
    desk: Desk,
    role: str,
    libraries: tuple[str, ...],
    uses: int,
    expires: datetime | None,
    email: str | None,
    note: str | None,
    *,
    dry_run: bool,
) -> None:
    """Make an invitation, and show its link, this once.

    Whoever has the link can make an account. With --email it is mailed as well, if the server sends mail.
    """
    new = NewInvitation(role=role, libraries=libraries, uses=uses, expires_at=expires, email=email, note=note)
    if dry_run:
        await look_who_asks(session, desk)
        if problems := Invitations.problems_of(new, datetime.now(UTC)):
            raise InvitationInvalid(problems=problems)
        told = {"role": role, "libraries": libraries, "uses": uses, "email": email, "note": note, "expires_at": expires}
        show_record(session.shape, told)
        session.say("An invitation would be made; nothing was changed.")
        return
    show_record(session.shape, _shown(session, await desk.invite(new)))
    if session.shape is Shape.TABLE:
        session.say("The link is shown this once: give it to whom you invite.")


@errand("list", examples=("revenge invitations list", "revenge invitations list --json"))
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="So many at most.")
async def list_invitations(session: Session, desk: Desk, limit: int) -> None:
    """Show invitations, the newest first, good for something or not."""
    found: list[Invite] = []
    total = 1
    while len(found) < min(limit, total):
        some, total = await desk.invitations(limit=min(limit - len(found), MAX_LIMIT), offset=len(found))
        found += some
        if not some:
            break
    shown = invite_record if session.shape is Shape.JSON else invite_row
    show_rows(session.shape, COLUMNS, [shown(one) for one in found])
    if total > len(found) and session.shape is Shape.TABLE:
        session.say(f"There are {total}; raise --limit.")


@errand("show", examples=("revenge invitations show 0192f0c1-0000-7000-8000-000000000001",))
@click.argument("invitation_id", metavar="ID", type=click.UUID)
async def show(session: Session, desk: Desk, invitation_id: uuid.UUID) -> None:
    """Show one invitation. Its link is known to nobody any more but whoever got it."""
    show_record(session.shape, _shown(session, await desk.invitation(invitation_id)))


@errand("revoke", examples=("revenge invitations revoke 0192f0c1-0000-7000-8000-000000000001",))
@click.argument("invitation_id", metavar="ID", type=click.UUID)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
async def revoke(session: Session, desk: Desk, invitation_id: uuid.UUID, *, dry_run: bool) -> None:
    """Let nobody in with an invitation any more; whoever came in stays."""
    if dry_run:
        await look_who_asks(session, desk)
        found = await desk.invitation(invitation_id)
        if found.revoked_at is not None:
            raise InvitationNotFound
        show_record(session.shape, _shown(session, found))
        session.say("This invitation would be revoked; nothing was changed.")
        return
    await desk.revoke_invitation(invitation_id)
    show_record(session.shape, _shown(session, await desk.invitation(invitation_id)))


def _shown(session: Session, invite: Invite) -> Row:
    record = invite_record(invite)
    if session.shape is not Shape.JSON:
        record["used"] = f"{invite.used}/{invite.uses}"
    return record


for one in (create, list_invitations, show, revoke):
    invitations.add_command(one)
