"""`revenge version`."""

import platform

import click

from revenge_cli.release import release
from revenge_cli.render import Shape, show_record
from revenge_cli.session import Session, command


@command("version", examples=("revenge version", "revenge version --json"), settings=False)
def version(session: Session) -> None:
    """Show which release this is."""
    if session.shape is Shape.TABLE:
        click.echo(f"revenge {release()}")
        return
    show_record(session.shape, {"version": release(), "python": platform.python_version()})
