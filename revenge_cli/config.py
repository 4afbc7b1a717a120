"""`revenge config`: what is in force, and why."""

import click

from revenge_cli.lazy import LazyGroup
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.session import Session, command


@click.group(cls=LazyGroup, examples=("revenge config show --origin", "revenge config validate --config new.toml"))
def config() -> None:
    """Show and check the configuration."""


@command("show", examples=("revenge config show", "revenge config show --origin", "revenge config show --json"))
@click.option("--origin", is_flag=True, help="Say where each value is from.")
def show(session: Session, *, origin: bool) -> None:
    """Show every setting in force; secrets are masked. JSON always says where each is from."""
    loaded = session.load()
    rows = [
        {"key": key, "value": value, "origin": loaded.origins[key]}
        for key, value in session.doors.shown_settings(loaded).items()
    ]
    columns = ("key", "value", "origin") if origin else ("key", "value")
    show_rows(session.shape, columns, rows)


@command("validate", examples=("revenge config validate", "revenge config validate --config new.toml"))
def validate(session: Session) -> None:
    """Check that every setting can be used; exit with 2 if not."""
    loaded = session.load()
    file = str(loaded.config_file) if loaded.config_file else None
    if session.shape is Shape.TABLE:
        session.say(f"The configuration can be used ({file or 'no file'}).")
    else:
        show_record(session.shape, {"valid": True, "file": file, "warnings": list(loaded.warnings)})


config.add_command(show)
config.add_command(validate)
