"""`revenge schedules`: what is done again and again."""

import click

from revenge_cli.job_records import job_record, job_row, schedule_record, schedule_row
from revenge_cli.lazy import LazyGroup
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.session import Session, command
from revenge_core.actor import Actor
from revenge_core.jobs.entities import ScheduleInfo


@click.group(
    cls=LazyGroup,
    examples=("revenge schedules list", "revenge schedules run NAME", "revenge schedules pause NAME"),
)
def schedules() -> None:
    """Look at what is done again and again, pause and resume it, do it now."""


@command("list", examples=("revenge schedules list", "revenge schedules list --json"))
def list_schedules(session: Session) -> None:
    """Show every schedule, with its last and its next time."""
    found = session.ask(lambda revenge: revenge.jobs.schedules(Actor.host()))
    columns = ("name", "kind", "queue", "every", "offset", "paused", "last_run_at", "next_run_at")
    shown = schedule_record if session.shape is Shape.JSON else schedule_row
    show_rows(session.shape, columns, [shown(one) for one in found])


@command("pause", examples=("revenge schedules pause NAME",))
@click.argument("name")
def pause(session: Session, name: str) -> None:
    """Stop a schedule. What it enqueued stays."""
    _show(session, session.ask(lambda revenge: revenge.jobs.pause_schedule(Actor.host(), name, paused=True)))


@command("resume", examples=("revenge schedules resume NAME",))
@click.argument("name")
def resume(session: Session, name: str) -> None:
    """Let a schedule go on. What it missed is made up for as it says in `missed`."""
    _show(session, session.ask(lambda revenge: revenge.jobs.pause_schedule(Actor.host(), name, paused=False)))


@command("run", examples=("revenge schedules run NAME", "revenge schedules run NAME --json"))
@click.argument("name")
def run(session: Session, name: str) -> None:
    """Enqueue a schedule's job now, apart from its times, and show the job.

    It may be one that waited already, where only one may be there at a time.
    """
    job = session.ask(lambda revenge: revenge.jobs.run_schedule(Actor.host(), name))
    show_record(session.shape, job_record(job) if session.shape is Shape.JSON else job_row(job))


def _show(session: Session, schedule: ScheduleInfo) -> None:
    show_record(session.shape, schedule_record(schedule) if session.shape is Shape.JSON else schedule_row(schedule))


for one in (list_schedules, pause, resume, run):
    schedules.add_command(one)
