"""`revenge jobs`: look at jobs."""

from typing import Any

import click

from revenge_cli.job_options import JOB_ID, filter_of, filter_options
from revenge_cli.job_records import (
    Record,
    count_rows,
    counts_record,
    detail_record,
    detail_row,
    job_record,
    job_row,
)
from revenge_cli.jobs_change import cancel, delete, retry
from revenge_cli.jobs_watch import watch
from revenge_cli.lazy import LazyGroup
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.session import Session, command, harmless_lines
from revenge_core.actor import Actor
from revenge_core.background import JobState
from revenge_core.jobs.entities import JobFilter, JobItem, JobSummary
from revenge_core.paging import MAX_LIMIT
from revenge_core.revenge import Revenge


@click.group(
    cls=LazyGroup,
    examples=(
        "revenge jobs list --state discarded --kind send_email",
        "revenge jobs show 4711",
        "revenge jobs retry --state discarded --kind send_email --dry-run",
        "revenge jobs watch",
    ),
)
def jobs() -> None:
    """Look at background jobs, try them again, cancel and delete them."""


COLUMNS = ("id", "state", "kind", "queue", "priority", "attempt", "created_at", "scheduled_at", "progress")


@command(
    "list",
    examples=(
        "revenge jobs list",
        "revenge jobs list --state retryable --state discarded --created-after 2026-02-14",
        "revenge jobs list --queue bulk --limit 1000 --json",
    ),
)
@filter_options
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="So many at most.")
def list_jobs(session: Session, /, limit: int, **conditions: Any) -> None:  # noqa: ANN401 (what the options are)
    """Show jobs that fit every condition, the newest first.

    Conditions may be given several times: of states, kinds, queues and priorities one has to fit, of tags all.
    """
    wanted = filter_of(**conditions)
    found, more = session.ask(lambda revenge: _newest(revenge, wanted, limit))
    if session.shape is Shape.JSON:
        show_rows(session.shape, COLUMNS, [job_record(job) for job in found])
        return
    show_rows(session.shape, COLUMNS, [job_row(job) for job in found])
    if more and session.shape is Shape.TABLE:
        session.say("There are more; narrow the list, or raise --limit.")


async def _newest(revenge: Revenge, wanted: JobFilter, limit: int) -> tuple[list[JobSummary], bool]:
    """Page by page, so that all of them are never read at once by the database."""
    found: list[JobSummary] = []
    cursor = None
    while True:
        page = await revenge.jobs.list(Actor.host(), wanted, limit=min(limit - len(found), MAX_LIMIT), cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None or len(found) >= limit:
            return found, cursor is not None


@command(
    "show",
    examples=("revenge jobs show 4711", "revenge jobs show 4711 --args", "revenge jobs show 4711 --items --json"),
)
@click.argument("job_id", metavar="ID", type=JOB_ID)
@click.option("--args", is_flag=True, help="Show the arguments as well, which is written into the audit log.")
@click.option("--items", is_flag=True, help="Show what became of each item of a long job.")
def show(session: Session, job_id: int, *, args: bool, items: bool) -> None:
    """Show one job: how far it is, its attempts and their errors.

    Secrets in arguments stay sealed.
    """

    async def look(revenge: Revenge) -> tuple[Any, list[JobItem]]:
        job = await revenge.jobs.get(Actor.host(), job_id, args=args)
        return job, await _items(revenge, job_id) if items else []

    job, each = session.ask(look)
    rows: list[Record] = [
        {"item": one.item, "status": one.status.value, "detail": one.detail, "at": one.at} for one in each
    ]
    if session.shape is Shape.JSON:
        show_record(session.shape, detail_record(job) | ({"each_item": rows} if items else {}))
        return
    show_record(session.shape, detail_row(job))
    if session.shape is Shape.TABLE and job.errors and job.errors[-1].trace:
        click.echo("\n" + harmless_lines(job.errors[-1].trace.rstrip()))
    if items:
        click.echo()
        show_rows(session.shape, ("item", "status", "detail"), rows)


async def _items(revenge: Revenge, job_id: int) -> list[JobItem]:
    found: list[JobItem] = []
    cursor = None
    while True:
        page = await revenge.jobs.items(Actor.host(), job_id, limit=MAX_LIMIT, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


@command("counts", examples=("revenge jobs counts", "revenge jobs counts --json"))
def counts(session: Session) -> None:
    """Show how many jobs are in which state, by queue."""
    record = counts_record(session.ask(lambda revenge: revenge.jobs.counts(Actor.host())))
    if session.shape is Shape.JSON:
        show_record(session.shape, record)
        return
    show_rows(session.shape, ("queue", *map(str, JobState)), count_rows(record))


for one in (list_jobs, show, counts, retry, cancel, delete, watch):
    jobs.add_command(one)
