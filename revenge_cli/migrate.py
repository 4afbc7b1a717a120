"""`revenge migrate`: the database's schema."""

import click

from revenge_cli.lazy import LazyGroup
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.session import Session, command


@click.group(cls=LazyGroup, examples=("revenge migrate status", "revenge migrate up"))
def migrate() -> None:
    """Show and bring up to date the database's schema."""


@command("status", examples=("revenge migrate status", "revenge migrate status --json"))
def status(session: Session) -> None:
    """Show which migrations were applied and which are still to come."""
    found = session.doors.migrations(session.load())
    rows = [{"name": name, "state": "applied"} for name in found.applied]
    rows += [{"name": name, "state": "pending"} for name in found.pending]
    if session.shape is Shape.JSON:
        show_record(
            session.shape,
            {"applied": list(found.applied), "pending": list(found.pending), "refusal": found.refusal},
        )
    else:
        show_rows(session.shape, ("name", "state"), rows)
        if found.refusal:
            session.say(f"Warning: {found.refusal}")


@command("up", examples=("revenge migrate up --dry-run", "revenge migrate up"))
@click.option("--dry-run", is_flag=True, help="Only say what would be applied.")
def up(session: Session, *, dry_run: bool) -> None:
    """Bring the schema up to date.

    The server does the same when it starts. A database of our own is backed up first.
    """
    loaded = session.load()
    steps = session.doors.migrations(loaded).pending if dry_run else session.doors.migrate(loaded)
    if session.shape is Shape.JSON:
        show_record(
            session.shape, {"applied": [] if dry_run else list(steps), "pending": list(steps) if dry_run else []}
        )
        return
    for name in steps:
        click.echo(name)
    session.say(_summary(len(steps), dry_run=dry_run))


def _summary(steps: int, *, dry_run: bool) -> str:
    if not steps:
        return "Nothing to do: the schema is up to date."
    return f"{steps} would be applied; nothing was changed." if dry_run else f"{steps} applied."


migrate.add_command(status)
migrate.add_command(up)
