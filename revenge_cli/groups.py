"""`revenge groups`: people who carry roles together."""

import click

from revenge_cli.access_records import MemberRecord
from revenge_cli.account_records import record_of
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.group_names import group_named, groups_of
from revenge_cli.groups_change import add, create, delete, edit, remove
from revenge_cli.lazy import LazyGroup
from revenge_cli.paged import all_of
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.session import Session


@click.group(
    cls=LazyGroup,
    examples=(
        "revenge groups create family --role user",
        "revenge groups add family ada",
        "revenge groups members family",
        "revenge groups edit family --role user --role curators",
    ),
)
def groups() -> None:
    """Look at groups of people, make and change them, put people in and take them out."""


@errand("list", examples=("revenge groups list", "revenge groups list --json"))
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="So many at most.")
async def list_groups(session: Session, desk: Desk, limit: int) -> None:
    """Show groups, by name, and the roles that they carry."""
    found, total = await groups_of(desk, limit)
    show_rows(session.shape, ("name", "description", "roles", "id"), [record_of(one) for one in found])
    if total > len(found) and session.shape is Shape.TABLE:
        session.say(f"There are {total}; raise --limit.")


@errand("show", examples=("revenge groups show family",))
@click.argument("name", metavar="GROUP")
async def show(session: Session, desk: Desk, name: str) -> None:
    """Show one group, named by its name or id."""
    show_record(session.shape, record_of(await group_named(desk, name)))


@errand("members", examples=("revenge groups members family", "revenge groups members family --json"))
@click.argument("name", metavar="GROUP")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="So many at most.")
async def members(session: Session, desk: Desk, name: str, limit: int) -> None:
    """Show who is in a group, by user name, and who put them there."""
    group = await group_named(desk, name)

    async def some(limit: int, offset: int) -> tuple[list[MemberRecord], int]:
        found, total = await desk.access.members(group.id, limit=limit, offset=offset)
        return list(found), total

    found, total = await all_of(some, limit)
    show_rows(session.shape, ("username", "sources", "user_id"), [record_of(one) for one in found])
    if total > len(found) and session.shape is Shape.TABLE:
        session.say(f"There are {total}; raise --limit.")


for one in (list_groups, show, members, create, edit, delete, add, remove):
    groups.add_command(one)
