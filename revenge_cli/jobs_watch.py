"""`revenge jobs watch`: live counts, or how one job goes on."""

from datetime import UTC, datetime

import click

from revenge_cli import exits
from revenge_cli.job_options import JOB_ID
from revenge_cli.job_records import Record, count_rows, counted, counts_record, detail_record, progress_text
from revenge_cli.live import MOST_SECONDS_AT_A_TERMINAL, SECONDS_ELSEWHERE, Screen, Watch, is_terminal
from revenge_cli.render import Shape, json_line, table, text_of
from revenge_cli.session import Session, command
from revenge_core.actor import Actor
from revenge_core.background import FINISHED, JobState
from revenge_core.jobs.entities import JobDetail
from revenge_core.revenge import Revenge


@command(
    "watch",
    examples=("revenge jobs watch", "revenge jobs watch --interval 60 --json", "revenge jobs watch 4711"),
)
@click.argument("job_id", metavar="[ID]", type=JOB_ID, required=False)
@click.option(
    "--interval",
    type=click.FloatRange(0.1),
    metavar="SECONDS",
    help="How often it is shown; by default every second on a terminal, every ten elsewhere.",
)
def watch(session: Session, job_id: int | None, interval: float | None) -> None:
    """Show live counts of jobs, or how one job goes on until it is finished.

    A terminal is drawn anew each time, elsewhere each time is one line, with --json one object. Ctrl-C ends it.
    Watching one job exits with 1 if that ends as cancelled or discarded.
    """
    live = session.shape is Shape.TABLE and is_terminal()
    seconds = interval or (MOST_SECONDS_AT_A_TERMINAL if live else SECONDS_ELSEWHERE)
    screen = Screen() if live else None
    if job_id is None:
        session.ask(lambda revenge: _counts(session, revenge, screen, seconds))
        return
    end = session.ask(lambda revenge: _job(session, revenge, job_id, screen, seconds))
    if end in FINISHED - {JobState.COMPLETED}:
        click.get_current_context().exit(exits.FAILURE)


async def _counts(session: Session, revenge: Revenge, screen: Screen | None, seconds: float) -> None:
    watching = Watch()
    with watching.until_told():
        async for _ in watching.beats(seconds):
            record = {"at": datetime.now(UTC), **counts_record(await revenge.jobs.counts(Actor.host()))}
            if screen is not None:
                screen.draw(table(("queue", *map(str, JobState)), count_rows(record)))
            else:
                click.echo(_counts_line(session.shape, record))


def _counts_line(shape: Shape, record: Record) -> str:
    if shape is Shape.JSON:
        return json_line(record)
    at, total = text_of(record["at"]), record["total"]
    if shape is Shape.PLAIN:
        return "\t".join((at, *(str(total[state]) for state in JobState)))
    return f"{at}  " + "  ".join(f"{state} {counted(total[state], state)}" for state in JobState)


async def _job(session: Session, revenge: Revenge, job_id: int, screen: Screen | None, seconds: float) -> JobState:
    """Looks every second at least, so that the end is told when it comes."""
    watching = Watch()
    state, pause, waited = JobState.AVAILABLE, min(seconds, MOST_SECONDS_AT_A_TERMINAL), seconds
    with watching.until_told():
        async for _ in watching.beats(pause):
            job = await revenge.jobs.get(Actor.host(), job_id)
            state = job.state
            waited += pause
            if screen is not None:
                screen.draw([_job_line(session.shape, job)])
            elif waited > seconds or state in FINISHED:
                click.echo(_job_line(session.shape, job))
                waited = 0
            if state in FINISHED:
                break
    return state


def _job_line(shape: Shape, job: JobDetail) -> str:
    if shape is Shape.JSON:
        return json_line(detail_record(job))
    progress = progress_text(job.progress, bar=shape is Shape.TABLE)
    cells = [*map(text_of, (job.id, job.kind, job.state, f"{job.attempt}/{job.max_attempts}", progress))]
    return "\t".join(cells) if shape is Shape.PLAIN else "  ".join(filter(None, cells))
