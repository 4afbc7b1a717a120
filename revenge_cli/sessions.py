"""`revenge sessions`: where people are signed in."""

import uuid

import click

from revenge_cli.account_records import record_of
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.lazy import LazyGroup
from revenge_cli.people import named
from revenge_cli.questions import agree
from revenge_cli.rehearsal import look_who_asks
from revenge_cli.render import show_record, show_rows
from revenge_cli.session import Session


@click.group(
    cls=LazyGroup,
    examples=("revenge sessions list ada", "revenge sessions revoke ID", "revenge sessions revoke-all ada"),
)
def sessions() -> None:
    """See where people are signed in, and end it."""


COLUMNS = ("id", "device_name", "client_type", "ip_address", "last_activity_at", "created_at", "expires_at")


@errand("list", examples=("revenge sessions list ada", "revenge sessions list ada@example.org --json"))
@click.argument("name", metavar="USER")
async def list_sessions(session: Session, desk: Desk, name: str) -> None:
    """Show where somebody is signed in, the latest used first."""
    person = await named(desk, name)
    show_rows(session.shape, COLUMNS, [record_of(one) for one in await desk.sessions_of(person.id)])


@errand("revoke", examples=("revenge sessions revoke 0192f0c1-0000-7000-8000-000000000001",))
@click.argument("session_id", metavar="ID", type=click.UUID)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
async def revoke(session: Session, desk: Desk, session_id: uuid.UUID, *, dry_run: bool) -> None:
    """End one session: whoever uses it has to sign in again."""
    if dry_run:
        await look_who_asks(session, desk)
        show_record(session.shape, {"id": str(session_id), "revoked": 0})
        session.say(f"The session {session_id} would end, if it is there; nothing was changed.")
        return
    await desk.revoke_session(session_id)
    show_record(session.shape, {"id": str(session_id), "revoked": 1})


@errand("revoke-all", examples=("revenge sessions revoke-all ada --dry-run", "revenge sessions revoke-all ada --yes"))
@click.argument("name", metavar="USER")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
async def revoke_all(session: Session, desk: Desk, name: str, *, yes: bool, dry_run: bool) -> None:
    """End every session of an account: its owner has to sign in again everywhere."""
    person = await named(desk, name)
    if dry_run:
        await look_who_asks(session, desk)
        there = len(await desk.sessions_of(person.id))
        show_record(session.shape, {"username": person.username, "revoked": 0})
        session.say(f"{there} sessions of {person.username} would end; nothing was changed.")
        return
    if not yes:
        agree(session, f"end every session of {person.username}")
    revoked = await desk.revoke_sessions(person.id)
    show_record(session.shape, {"username": person.username, "revoked": revoked})


for one in (list_sessions, revoke, revoke_all):
    sessions.add_command(one)
