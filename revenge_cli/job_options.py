"""Options that say which jobs."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import click

from revenge_core.background import JobState, Queue
from revenge_core.jobs.entities import JobFilter
from revenge_core.jobs.service.selection import MAX_JOB_ID

F = TypeVar("F", bound=Callable[..., Any])

JOB_ID: Final = click.IntRange(1, MAX_JOB_ID)


def moment(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """A time as RFC 3339 writes it, or a day. Without a zone it is UTC."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{value!r} is no time; write it like 2026-02-14T10:00:00Z or 2026-02-14") from None


def queue_names(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Queues, for completion."""
    return [queue.value for queue in Queue if queue.value.startswith(begun)]


_OPTIONS: Final = (
    click.option(
        "--state", "states", multiple=True, type=click.Choice(list(map(str, JobState))), help="In this state."
    ),
    click.option("--kind", "kinds", multiple=True, metavar="NAME", help="Of this kind."),
    click.option("--queue", "queues", multiple=True, metavar="NAME", help="In this queue.", shell_complete=queue_names),
    click.option(
        "--priority", "priorities", multiple=True, type=click.IntRange(1, 4), help="Of this priority, 1 goes first."
    ),
    click.option("--tag", "tags", multiple=True, metavar="TEXT", help="With this tag; of several, with all."),
    click.option("--cancel-requested", is_flag=True, help="That somebody wants cancelled, also if they still run."),
    click.option("--created-after", callback=moment, metavar="TIME", help="Enqueued at this time or later."),
    click.option("--created-before", callback=moment, metavar="TIME", help="Enqueued before this time."),
)


def filter_options(function: F) -> F:
    """The options of a filter; those of which several can be meant may be given several times."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def filter_of(
    *,
    states: Sequence[str],
    kinds: Sequence[str],
    queues: Sequence[str],
    priorities: Sequence[int],
    tags: Sequence[str],
    cancel_requested: bool,
    created_after: datetime | None,
    created_before: datetime | None,
) -> JobFilter:
    """What the options say."""
    return JobFilter(
        states=tuple(map(JobState, states)),
        kinds=tuple(kinds),
        queues=tuple(queues),
        priorities=tuple(priorities),
        tags=tuple(tags),
        cancel_requested=cancel_requested or None,
        created_after=created_after,
        created_before=created_before,
    )
