"""`revenge groups create`, `edit`, `delete`, `add` and `remove`."""

import click
from msgspec import UNSET

from revenge_cli.account_records import record_of
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.group_names import group_named
from revenge_cli.people import named
from revenge_cli.questions import type_the_name
from revenge_cli.rehearsal import look_who_asks
from revenge_cli.render import show_record
from revenge_cli.session import Session
from revenge_core.rbac.entities import GroupChanges, NewGroup

_group = click.argument("name", metavar="GROUP")
_user = click.argument("user", metavar="USER")
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@errand("create", examples=("revenge groups create family --role user --description 'Who lives here'",))
@_group
@click.option("--description", default="", metavar="TEXT", help="Whom it is for.")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="A role that its members hold; repeatable.")
async def create(session: Session, desk: Desk, name: str, description: str, roles: tuple[str, ...]) -> None:
    """Make a group that nobody is in yet."""
    new = NewGroup(name=name, description=description, roles=frozenset(roles))
    show_record(session.shape, record_of(await desk.access.create_group(new)))


@errand(
    "edit",
    examples=(
        "revenge groups edit family --role user --role curators",
        "revenge groups edit family --name household --no-roles",
    ),
)
@_group
@click.option("--name", "new_name", metavar="NAME", help="What it is called from now on.")
@click.option("--description", metavar="TEXT", help="Whom it is for.")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="All roles that it then carries; repeatable.")
@click.option("--no-roles", is_flag=True, help="It carries none.")
async def edit(
    session: Session,
    desk: Desk,
    name: str,
    new_name: str | None,
    description: str | None,
    roles: tuple[str, ...],
    *,
    no_roles: bool,
) -> None:
    """Change a group. What it carries, all who are in it hold within two seconds."""
    if roles and no_roles:
        raise click.UsageError("--role and --no-roles exclude each other.")
    changes = GroupChanges(
        name=UNSET if new_name is None else new_name,
        description=UNSET if description is None else description,
        roles=frozenset(roles) if roles or no_roles else UNSET,
    )
    if changes == GroupChanges():
        raise click.UsageError("Say what to change, such as --role or --description.")
    group = await group_named(desk, name)
    show_record(session.shape, record_of(await desk.access.change_group(group.id, changes)))


@errand("delete", examples=("revenge groups delete family", "revenge groups delete family --yes"))
@_group
@click.option("--yes", is_flag=True, help="Do not ask for the name to be typed.")
@_dry_run
async def delete(session: Session, desk: Desk, name: str, *, yes: bool, dry_run: bool) -> None:
    """Delete a group. Its members lose the roles that they have from nowhere else."""
    group = await group_named(desk, name)
    if dry_run:
        await look_who_asks(session, desk)
        show_record(session.shape, record_of(group))
        session.say(f"{group.name} would be deleted; nothing was changed.")
        return
    if not yes:
        type_the_name(session, f"delete the group {group.name}", group.name)
    await desk.access.delete_group(group.id)
    show_record(session.shape, record_of(group))


@errand("add", examples=("revenge groups add family ada",))
@_group
@_user
@_dry_run
async def add(session: Session, desk: Desk, name: str, user: str, *, dry_run: bool) -> None:
    """Put somebody into a group: they hold the roles that it carries."""
    group, person = await group_named(desk, name), await named(desk, user)
    if dry_run:
        await look_who_asks(session, desk)
        show_record(session.shape, record_of(person))
        session.say(f"{person.username} would come into {group.name}; nothing was changed.")
        return
    await desk.access.add_member(group.id, person.id)
    show_record(session.shape, record_of(await desk.find(str(person.id))))


@errand("remove", examples=("revenge groups remove family ada",))
@_group
@_user
@_dry_run
async def remove(session: Session, desk: Desk, name: str, user: str, *, dry_run: bool) -> None:
    """Take somebody out of a group, whoever put them there."""
    group, person = await group_named(desk, name), await named(desk, user)
    if dry_run:
        await look_who_asks(session, desk)
        show_record(session.shape, record_of(person))
        session.say(f"{person.username} would leave {group.name}; nothing was changed.")
        return
    await desk.access.remove_member(group.id, person.id)
    show_record(session.shape, record_of(await desk.find(str(person.id))))
