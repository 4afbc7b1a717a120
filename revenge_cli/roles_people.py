"""`revenge roles assign` and `withdraw`."""

import click

from revenge_cli.account_records import record_of
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.people import named
from revenge_cli.rehearsal import look_who_asks
from revenge_cli.render import show_record
from revenge_cli.session import Session

_user = click.argument("name", metavar="USER")
_role = click.argument("role", metavar="ROLE")
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@errand("assign", examples=("revenge roles assign ada curators", "revenge roles assign ada curators --dry-run"))
@_user
@_role
@_dry_run
async def assign(session: Session, desk: Desk, name: str, role: str, *, dry_run: bool) -> None:
    """Give somebody a role, besides those that they have. It counts within two seconds, everywhere."""
    person = await named(desk, name)
    if dry_run:
        await look_who_asks(session, desk)
        await desk.access.role(role)
        show_record(session.shape, record_of(person))
        session.say(f"{person.username} would get the role {role}; nothing was changed.")
        return
    await desk.access.assign(person.id, role)
    show_record(session.shape, record_of(await desk.find(str(person.id))))


@errand("withdraw", examples=("revenge roles withdraw ada curators",))
@_user
@_role
@_dry_run
async def withdraw(session: Session, desk: Desk, name: str, role: str, *, dry_run: bool) -> None:
    """Take a role away, whoever gave it. Who is in a group that carries it holds it still."""
    person = await named(desk, name)
    if dry_run:
        await look_who_asks(session, desk)
        await desk.access.role(role)
        show_record(session.shape, record_of(person))
        session.say(f"{person.username} would lose the role {role}; nothing was changed.")
        return
    await desk.access.withdraw(person.id, role)
    show_record(session.shape, record_of(await desk.find(str(person.id))))
