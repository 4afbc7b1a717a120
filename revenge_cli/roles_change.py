"""`revenge roles create`, `edit`, `allow`, `disallow` and `delete`."""

import click
from msgspec import UNSET

from revenge_cli.account_records import record_of
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.questions import type_the_name
from revenge_cli.rehearsal import look_who_asks
from revenge_cli.render import show_record
from revenge_cli.session import Session
from revenge_core.rbac.entities import NewRole, RoleChanges

_role = click.argument("role", metavar="ROLE")
_permissions = click.argument("permissions", metavar="PERMISSION…", nargs=-1, required=True)
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@errand(
    "create",
    examples=(
        "revenge roles create curators --description 'Look after films' --permission 'movies:*'",
        "revenge roles create family --parent user --permission libraries:scan",
    ),
)
@_role
@click.option("--description", default="", metavar="TEXT", help="What it is for.")
@click.option("--permission", "permissions", multiple=True, metavar="NAME", help="What it allows; repeatable.")
@click.option("--parent", "parents", multiple=True, metavar="ROLE", help="A role that it inherits from; repeatable.")
async def create(
    session: Session, desk: Desk, role: str, description: str, permissions: tuple[str, ...], parents: tuple[str, ...]
) -> None:
    """Make a role. A permission is a resource and an action, such as movies:list; either may be *."""
    new = NewRole(name=role, description=description, permissions=permissions, parents=parents)
    show_record(session.shape, record_of(await desk.access.create_role(new)))


@errand(
    "edit",
    examples=(
        "revenge roles edit curators --description 'Look after films and series'",
        "revenge roles edit curators --parent user --parent guest",
        "revenge roles edit curators --no-parents",
    ),
)
@_role
@click.option("--description", metavar="TEXT", help="What it is for.")
@click.option("--parent", "parents", multiple=True, metavar="ROLE", help="All roles that it inherits from; repeatable.")
@click.option("--no-parents", is_flag=True, help="It inherits from none.")
async def edit(
    session: Session, desk: Desk, role: str, description: str | None, parents: tuple[str, ...], *, no_parents: bool
) -> None:
    """Change what a role is for, and from which it inherits. `allow` and `disallow` change what it allows."""
    if parents and no_parents:
        raise click.UsageError("--parent and --no-parents exclude each other.")
    changes = RoleChanges(
        description=UNSET if description is None else description,
        parents=parents if parents or no_parents else UNSET,
    )
    if changes == RoleChanges():
        raise click.UsageError("Say what to change, such as --description or --parent.")
    show_record(session.shape, record_of(await desk.access.change_role(role, changes)))


@errand("allow", examples=("revenge roles allow curators libraries:scan movies:update",))
@_role
@_permissions
async def allow(session: Session, desk: Desk, role: str, permissions: tuple[str, ...]) -> None:
    """Let those who hold a role do more. What it allows already stays."""
    for permission in permissions:
        await desk.access.allow(role, permission)
    show_record(session.shape, record_of(await desk.access.role(role)))


@errand("disallow", examples=("revenge roles disallow curators movies:delete",))
@_role
@_permissions
@_dry_run
async def disallow(session: Session, desk: Desk, role: str, permissions: tuple[str, ...], *, dry_run: bool) -> None:
    """Take permissions from a role, as they stand there: a role with movies:* has no movies:delete to take."""
    if dry_run:
        await look_who_asks(session, desk)
        found = await desk.access.role(role)
        show_record(session.shape, record_of(found))
        there = ", ".join(sorted({*permissions} & {*found.permissions})) or "Nothing"
        session.say(f"{there} would be taken from {role}; nothing was changed.")
        return
    for permission in permissions:
        await desk.access.disallow(role, permission)
    show_record(session.shape, record_of(await desk.access.role(role)))


@errand("delete", examples=("revenge roles delete curators", "revenge roles delete curators --yes"))
@_role
@click.option("--yes", is_flag=True, help="Do not ask for the name to be typed.")
@_dry_run
async def delete(session: Session, desk: Desk, role: str, *, yes: bool, dry_run: bool) -> None:
    """Delete a role that nobody holds. Those that come with Revenge stay."""
    found = await desk.access.role(role)
    if dry_run:
        await look_who_asks(session, desk)
        show_record(session.shape, record_of(found))
        session.say(f"{role} would be deleted, if nobody needs it; nothing was changed.")
        return
    if not yes:
        type_the_name(session, f"delete the role {role}", role)
    await desk.access.delete_role(role)
    show_record(session.shape, record_of(found))
