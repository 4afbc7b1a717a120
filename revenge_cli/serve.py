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
@click.option("--no-worker", is_flag=True, help="Run no jobs in this process; leave them to `revenge worker`.")
def serve(session: Session, host: str | None, port: int | None, unix_socket: str | None, *, no_worker: bool) -> None:
    """Run the server until it is told to stop.

    With nothing configured it starts a PostgreSQL of its own in the data directory and prints a token for making the
    first admin. SIGTERM and Ctrl-C let running requests and jobs finish; a second one stops at once.
    """
    given: dict[str, object] = {"server.host": host, "server.port": port, "server.unix_socket": unix_socket}
    if no_worker:
        given["jobs.in_process"] = "false"
    session.doors.serve(session.load(**given), session.announce)
