"""`revenge serve`."""

import click

from revenge_cli.session import Session, command


@command(
    "serve",
    examples=(
        "revenge serve",
        "revenge serve --host 0.0.0.0 --port 80 --data-dir /srv/revenge",
        "REVENGE_DATABASE_URL=postgresql://revenge@db/revenge revenge serve",
    ),
)
@click.option("--host", metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", type=int, metavar="NUMBER", help="TCP port to listen on; 0 takes any that is free.")
@click.option("--unix-socket", metavar="PATH", help="Listen on this unix socket instead.")
def serve(session: Session, host: str | None, port: int | None, unix_socket: str | None) -> None:
    """Run the server until it is told to stop.

    With nothing configured it starts a PostgreSQL of its own in the data directory and prints a token for making the
    first admin. SIGTERM and Ctrl-C let running requests finish; a second one stops at once.
    """
    given = {"server.host": host, "server.port": port, "server.unix_socket": unix_socket}
    session.doors.serve(session.load(**given), session.announce)
