"""`revenge worker`: processes that run jobs and nothing else."""

import os
import sys

import click

from revenge_cli.doors import LoadedSettings
from revenge_cli.render import Shape
from revenge_cli.session import Session, command
from revenge_core.background import Queue


@command(
    "worker",
    examples=(
        "revenge worker",
        "revenge worker --processes 4",
        "revenge worker --queue critical --queue high",
        "REVENGE_DATABASE_URL=postgresql://revenge@db/revenge revenge worker --queue bulk",
        "REVENGE_CACHE_URL=redis://cache REVENGE_JOBS_STREAMS=bulk revenge worker --stream",
    ),
)
@click.option(
    "--queue",
    "queues",
    type=click.Choice(sorted(queue.value for queue in Queue)),
    multiple=True,
    help="Take jobs from this queue only; may be given again.",
)
@click.option(
    "--processes", type=click.IntRange(min=1), default=1, show_default=True, help="How many processes to run."
)
@click.option("--stream", is_flag=True, help="Work without a database: take jobs of jobs.streams from cache.url.")
@click.option("--supervised", is_flag=True, hidden=True, help="Obey standard input: one of several processes.")
def worker(session: Session, queues: tuple[str, ...], processes: int, *, stream: bool, supervised: bool) -> None:
    """Run jobs, and nothing else, until told to stop.

    Any number of workers on any number of machines share the work; each needs the same database and master secret. On
    the database of our own it runs beside `revenge serve` on the same machine.

    With --stream it needs cache.url and the master secret, and no database. It runs those jobs of jobs.streams that
    need none either, while a server or another worker has the same settings.

    SIGTERM and Ctrl-C let running jobs finish for as long as jobs.stop_timeout says; what runs then is interrupted and
    given back. A second one interrupts at once.

    Of several processes, one that dies is started again. Where metrics.port is set the first shows its metrics there,
    the second one port further, and so on.
    """
    loaded = session.load(**{"jobs.queues": ",".join(queues) or None})
    if processes == 1:
        session.doors.work(loaded, session.announce, supervised=supervised, stream=stream)
        return
    from revenge_cli.processes import Crew

    crew = Crew(_one_of_them(session, queues, stream=stream), _environs(session, loaded, processes), session.say)
    click.get_current_context().exit(crew.work(click.echo))


def _one_of_them(session: Session, queues: tuple[str, ...], *, stream: bool) -> list[str]:
    """The same command for one process that we supervise."""
    options = {"--data-dir": session.flags["data_dir"], "--config": session.config_file}
    return [
        *(sys.executable, "-P", "-m", "revenge_cli", "worker", "--supervised"),
        *(["--json"] if session.shape is Shape.JSON else []),
        *(["--stream"] if stream else []),
        *(f"{name}={value}" for name, value in options.items() if value is not None),
        *(f"--queue={queue}" for queue in queues),
    ]


def _environs(session: Session, loaded: LoadedSettings, processes: int) -> list[dict[str, str]]:
    """What each process finds in its environment.

    What a flag said of the database is not repeated among arguments, which everybody on the machine can read.
    """
    url, port = session.flags["database.url"], session.doors.shown_settings(loaded)["metrics.port"]
    common = dict(os.environ) if url is None else {**os.environ, "REVENGE_DATABASE_URL": str(url)}
    if not isinstance(port, int) or port == 0:
        return [common] * processes
    return [common | {"REVENGE_METRICS_PORT": str(port + number)} for number in range(processes)]
