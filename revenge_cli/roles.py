"""`revenge roles`: what roles there are, what they allow, and who holds them."""

import click

from revenge_cli.access_records import HolderRecord, RoleRecord
from revenge_cli.account_records import Row, record_of
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.lazy import LazyGroup
from revenge_cli.paged import all_of
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.roles_change import allow, create, delete, disallow, edit
from revenge_cli.roles_people import assign, withdraw
from revenge_cli.session import Session


@click.group(
    cls=LazyGroup,
    examples=(
        "revenge roles list",
        "revenge roles create curators --permission 'movies:*' --parent user",
        "revenge roles allow curators libraries:scan",
        "revenge roles assign ada curators",
        "revenge roles holders curators",
    ),
)
def roles() -> None:
    """Look at roles, make and change them, give them to people and take them away."""


@errand("list", examples=("revenge roles list", "revenge roles list --json"))
async def list_roles(session: Session, desk: Desk) -> None:
    """Show every role, by name, and how many people hold it."""
    found = await desk.access.roles()
    columns = ("name", "description", "parents", "permissions", "is_built_in", "user_count")
    show_rows(session.shape, columns, [_row(session, one) for one in found])


def _row(session: Session, role: RoleRecord) -> Row:
    """A role on one line: of many permissions only how many there are."""
    row = record_of(role)
    if session.shape is Shape.TABLE and len(role.permissions) > 3:  # noqa: PLR2004 (what a line holds)
        row["permissions"] = f"{len(role.permissions)} permissions"
    return row


@errand("show", examples=("revenge roles show moderator", "revenge roles show moderator --json"))
@click.argument("role", metavar="ROLE")
async def show(session: Session, desk: Desk, role: str) -> None:
    """Show one role with the permissions of its own. It has those of its parents, too."""
    show_record(session.shape, record_of(await desk.access.role(role)))


@errand("holders", examples=("revenge roles holders admin", "revenge roles holders admin --json"))
@click.argument("role", metavar="ROLE")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="So many at most.")
async def holders(session: Session, desk: Desk, role: str, limit: int) -> None:
    """Show who holds a role, by user name, and what they have it from: a source, or a group."""

    async def some(limit: int, offset: int) -> tuple[list[HolderRecord], int]:
        found, total = await desk.access.holders(role, limit=limit, offset=offset)
        return list(found), total

    found, total = await all_of(some, limit)
    show_rows(session.shape, ("username", "by", "user_id"), [record_of(one) for one in found])
    if total > len(found) and session.shape is Shape.TABLE:
        session.say(f"There are {total}; raise --limit.")


@errand("permissions", examples=("revenge roles permissions",))
async def permissions(session: Session, desk: Desk) -> None:
    """Show every permission that there is. In a role, `*` stands for all resources or all actions."""
    show_rows(session.shape, ("permission",), [{"permission": one} for one in await desk.access.permissions()])


for one in (list_roles, show, holders, permissions, create, edit, allow, disallow, delete, assign, withdraw):
    roles.add_command(one)
