"""`revenge authz`: who may do what, and why."""

import uuid

import click

from revenge_cli.account_records import record_of
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.lazy import LazyGroup
from revenge_cli.people import named
from revenge_cli.render import Shape, show_record
from revenge_cli.session import Session


@click.group(
    cls=LazyGroup,
    examples=("revenge authz explain ada libraries:scan", "revenge authz permissions ada"),
)
def authz() -> None:
    """See what somebody may do, and by which rules."""


@errand(
    "explain",
    examples=(
        "revenge authz explain ada libraries:scan",
        "revenge authz explain ada libraries:scan --key 0192f0c1-0000-7000-8000-000000000001",
    ),
)
@click.argument("name", metavar="USER")
@click.argument("permission", metavar="PERMISSION")
@click.option("--key", "key_id", type=click.UUID, metavar="ID", help="Ask about this API key of theirs.")
@click.option("--library", type=click.UUID, metavar="ID", help="In this library, with --key.")
async def explain(
    session: Session, desk: Desk, name: str, permission: str, key_id: uuid.UUID | None, library: uuid.UUID | None
) -> None:
    """Say whether somebody may do something, and the chain of rules behind it.

    For a refusal it says what stands in the way, and which roles would allow it.
    """
    if library is not None and key_id is None:
        raise click.UsageError("--library goes with --key: libraries are handed out to keys alone so far.")
    person = await named(desk, name)
    found = await desk.access.explain(str(person.id), permission, library=library, key_id=key_id)
    if session.shape is Shape.JSON:
        show_record(session.shape, record_of(found))
        return
    verdict = {"verdict": "allowed" if found.allowed else "refused", "user": found.username, "permission": permission}
    show_record(session.shape, verdict | {f"rule {number}": rule.text for number, rule in enumerate(found.rules, 1)})
    if not found.allowed and found.carriers:
        session.say(f"Roles that allow it: {', '.join(found.carriers)}.")


@errand("permissions", examples=("revenge authz permissions ada", "revenge authz permissions ada --json"))
@click.argument("name", metavar="USER")
async def permissions(session: Session, desk: Desk, name: str) -> None:
    """Show all that somebody may do at this moment, and the roles and groups that they have it from."""
    person = await named(desk, name)
    show_record(session.shape, record_of(await desk.access.rights_of(person.id)))


for one in (explain, permissions):
    authz.add_command(one)
