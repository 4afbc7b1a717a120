"""`revenge queues`: where jobs wait for their turn."""

import click

from revenge_cli.job_options import queue_names
from revenge_cli.job_records import queue_record
from revenge_cli.lazy import LazyGroup
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.session import Session, command
from revenge_core.actor import Actor
from revenge_core.background import UNFINISHED
from revenge_core.jobs.entities import QueueInfo


@click.group(cls=LazyGroup, examples=("revenge queues list", "revenge queues pause bulk", "revenge queues resume bulk"))
def queues() -> None:
    """Look at the queues of background jobs, pause and resume them."""


@command("list", examples=("revenge queues list", "revenge queues list --json"))
def list_queues(session: Session) -> None:
    """Show every queue with the jobs in it that are not finished, and how many run at a time on all workers."""
    found = session.ask(lambda revenge: revenge.jobs.queues(Actor.host()))
    records = [queue_record(queue) for queue in found]
    if session.shape is Shape.JSON:
        show_rows(session.shape, (), records)
        return
    columns = ("name", "paused", "workers", *sorted(UNFINISHED), "oldest_available_at")
    show_rows(session.shape, columns, [record | record["counts"] for record in records])


@command("pause", examples=("revenge queues pause bulk",))
@click.argument("name", shell_complete=queue_names)
def pause(session: Session, name: str) -> None:
    """Stop handing out a queue's jobs, on every worker. Those that run go on."""
    _show(session, session.ask(lambda revenge: revenge.jobs.pause_queue(Actor.host(), name, paused=True)))


@command("resume", examples=("revenge queues resume bulk",))
@click.argument("name", shell_complete=queue_names)
def resume(session: Session, name: str) -> None:
    """Hand out a queue's jobs again."""
    _show(session, session.ask(lambda revenge: revenge.jobs.pause_queue(Actor.host(), name, paused=False)))


def _show(session: Session, queue: QueueInfo) -> None:
    record = queue_record(queue)
    if session.shape is not Shape.JSON:
        record |= record.pop("counts")
    show_record(session.shape, record)


for one in (list_queues, pause, resume):
    queues.add_command(one)
