"""`revenge jobs retry`, `cancel` and `delete`: some by id, or all that fit a filter."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

import click
from msgspec.structs import replace

from revenge_cli import exits
from revenge_cli.job_options import JOB_ID, filter_of, filter_options
from revenge_cli.job_records import progress_text
from revenge_cli.live import ProgressLine
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.session import Session, command
from revenge_core.actor import Actor
from revenge_core.background import Progress
from revenge_core.jobs.entities import COUNTED_UPTO, BulkItem, ItemResult, JobAct, JobFilter
from revenge_core.jobs.policy import narrowed
from revenge_core.jobs.service import Jobs, require_done
from revenge_core.jobs.service.selection import MAX_BULK
from revenge_core.paging import MAX_LIMIT
from revenge_core.revenge import Revenge

F = TypeVar("F", bound=Callable[..., Any])


class Act(Protocol):
    """One of the three, of the service."""

    def __call__(self, actor: Actor, which: Sequence[int] | JobFilter) -> Awaitable[tuple[BulkItem, ...]]:
        """Do it."""
        ...


@dataclass(frozen=True, slots=True)
class Verb:
    """What is done to jobs."""

    name: JobAct
    done: str
    """The same, afterwards."""
    act: Callable[[Jobs], Act]


RETRY: Final = Verb(JobAct.RETRY, "retried", lambda jobs: jobs.retry)
CANCEL: Final = Verb(JobAct.CANCEL, "cancelled", lambda jobs: jobs.cancel)
DELETE: Final = Verb(JobAct.DELETE, "deleted", lambda jobs: jobs.delete)


@dataclass(slots=True)
class Tally:
    """What became of the jobs so far."""

    matched: int
    done: int = 0
    failures: list[BulkItem] = field(default_factory=list[BulkItem])

    @property
    def met(self) -> int:
        """So many were tried."""
        return self.done + len(self.failures)

    def add(self, results: Sequence[BulkItem]) -> None:
        """Count some more."""
        failed = [one for one in results if one.result is not ItemResult.DONE]
        self.done += len(results) - len(failed)
        self.failures += failed


def selection(function: F) -> F:
    """The arguments of a command that changes jobs."""
    for parameter in (
        click.option("--yes", is_flag=True, help="Do not ask before jobs are changed that fit a filter."),
        click.option("--dry-run", is_flag=True, help="Only say how many jobs it would be."),
        filter_options,
        click.argument("ids", nargs=-1, metavar="[ID]...", type=JOB_ID),
    ):
        function = parameter(function)
    return function


@command(
    "retry",
    examples=(
        "revenge jobs retry 4711 4712",
        "revenge jobs retry --state discarded --kind send_email --dry-run",
        "revenge jobs retry --state discarded --kind send_email --yes",
    ),
)
@selection
def retry(session: Session, /, **given: Any) -> None:  # noqa: ANN401 (what the options are)
    """Run jobs again as soon as a worker is free, whatever became of them before.

    Name some, or say which by a filter. A filter without --state means those that failed: discarded and retryable ones.
    """
    change(session, RETRY, **given)


@command(
    "cancel",
    examples=("revenge jobs cancel 4711", "revenge jobs cancel --queue bulk --state available --dry-run"),
)
@selection
def cancel(session: Session, /, **given: Any) -> None:  # noqa: ANN401 (what the options are)
    """End jobs: waiting ones at once, running ones as soon as they can be stopped.

    Name some, or say which by a filter. A filter without --state means all that are not finished.
    """
    change(session, CANCEL, **given)


@command(
    "delete",
    examples=("revenge jobs delete 4711", "revenge jobs delete --state completed --created-before 2026-01-01 --yes"),
)
@selection
def delete(session: Session, /, **given: Any) -> None:  # noqa: ANN401 (what the options are)
    """Delete jobs that do not run, and what was recorded of them.

    Name some, or say which by a filter. A filter without --state means those that are finished; they are deleted by
    themselves after some days.
    """
    change(session, DELETE, **given)


def change(session: Session, verb: Verb, *, ids: tuple[int, ...], dry_run: bool, yes: bool, **conditions: Any) -> None:  # noqa: ANN401 (the same)
    """Do it to the jobs that were named or selected, and tell what became of them."""
    wanted = filter_of(**conditions)
    if bool(ids) == (wanted != JobFilter()):
        raise click.UsageError(f"Say which jobs to {verb.name}: either by their ids, or by a filter such as --state.")
    if dry_run:
        each = [JobFilter(ids=some) for some in _portions(ids)] if ids else [wanted]
        tally = session.ask(lambda revenge: _count(revenge, verb, each))
    elif ids:
        tally = session.ask(lambda revenge: _by_id(verb.act(revenge.jobs), ids))
    else:
        tally = session.ask(lambda revenge: _by_filter(session, revenge, verb, wanted, yes=yes))
    _tell(session, verb, tally, dry_run=dry_run)


def _portions(ids: tuple[int, ...]) -> list[tuple[int, ...]]:
    """As many at a time as one call takes."""
    unique = tuple(dict.fromkeys(ids))
    return [unique[start : start + MAX_BULK] for start in range(0, len(unique), MAX_BULK)]


async def _count(revenge: Revenge, verb: Verb, wanted: Sequence[JobFilter]) -> Tally:
    return Tally(sum([await revenge.jobs.count(Actor.host(), one, act=verb.name) for one in wanted]))


async def _by_id(act: Act, ids: tuple[int, ...]) -> Tally:
    portions = _portions(ids)
    tally = Tally(sum(map(len, portions)))
    for some in portions:
        tally.add(await act(Actor.host(), some))
    if tally.matched == 1:
        require_done(tally.failures)
    return tally


async def _by_filter(session: Session, revenge: Revenge, verb: Verb, wanted: JobFilter, *, yes: bool) -> Tally:
    """Each job is met once, from the newest on, however many there are and whatever becomes of them meanwhile."""
    tally = await _count(revenge, verb, [wanted])
    possible = narrowed(wanted, verb.name)
    if possible is None or not tally.matched:
        return tally
    if not yes:
        _confirm(session, verb, tally.matched)
    progress = ProgressLine() if tally.matched > MAX_LIMIT else None
    cursor = None
    while True:
        page = await revenge.jobs.list(Actor.host(), possible, limit=MAX_LIMIT, cursor=cursor)
        if page.items:
            these = replace(possible, ids=tuple(job.id for job in page.items))
            tally.add(await verb.act(revenge.jobs)(Actor.host(), these))
        if progress is not None:
            progress.show(progress_text(Progress(current=tally.met, total=max(tally.matched, tally.met)), bar=True))
        cursor = page.next_cursor
        if cursor is None:
            tally.matched = max(tally.matched, tally.met)
            return tally


def _confirm(session: Session, verb: Verb, count: int) -> None:
    if not session.may_ask:
        raise click.UsageError(f"This would {verb.name} {_matching(count)}, and there is nobody to ask; say --yes.")
    click.confirm(f"{verb.name.capitalize()} {_matching(count)}?", abort=True, err=True)


def _tell(session: Session, verb: Verb, tally: Tally, *, dry_run: bool) -> None:
    failures = [{"id": one.id, "result": one.result.value, "detail": one.detail} for one in tally.failures]
    if session.shape is Shape.JSON:
        show_record(
            session.shape,
            {
                "matched": tally.matched,
                "done": tally.done,
                "failed": len(failures),
                "dry_run": dry_run,
                "failures": failures,
            },
        )
    elif failures:
        show_rows(session.shape, ("id", "result", "detail"), failures)
    if dry_run:
        session.say(f"{_matching(tally.matched)} would be {verb.done}; nothing was changed.")
    elif failures:
        session.say(f"{_jobs(tally.done)} {verb.done}, {len(failures)} not.")
    else:
        session.say(f"{_jobs(tally.done)} {verb.done}.")
    if failures:
        missing = any(one.result is ItemResult.NOT_FOUND for one in tally.failures)
        click.get_current_context().exit(exits.NOT_FOUND if missing else exits.CONFLICT)


def _jobs(count: int) -> str:
    return f"{count} job{'s' if count != 1 else ''}"


def _matching(count: int) -> str:
    """Nobody counts further than to a certain number."""
    return f"{'at least ' if count >= COUNTED_UPTO else ''}{_jobs(count)}"
