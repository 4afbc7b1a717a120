"""`revenge workers`: who does the jobs."""

import click

from revenge_cli.job_records import record_of
from revenge_cli.lazy import LazyGroup
from revenge_cli.render import Shape, show_rows
from revenge_cli.session import Session, command
from revenge_core.actor import Actor


@click.group(cls=LazyGroup, examples=("revenge workers list",))
def workers() -> None:
    """Look at the processes that run background jobs."""


@command("list", examples=("revenge workers list", "revenge workers list --json"))
def list_workers(session: Session) -> None:
    """Show every process that runs jobs now, and how many of which queue at a time."""
    records = [record_of(worker) for worker in session.ask(lambda revenge: revenge.jobs.workers(Actor.host()))]
    if session.shape is not Shape.JSON:
        for record in records:
            record["queues"] = [f"{name} {slots}" for name, slots in sorted(record["queues"].items())]
    columns = ("id", "host", "pid", "version", "running", "queues", "started_at", "seen_at")
    show_rows(session.shape, columns, records)


workers.add_command(list_workers)
