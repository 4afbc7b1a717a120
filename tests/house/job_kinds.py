"""The page of `docs/reference` about what is done in the background."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from revenge_adapters import sandbox
from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.wiring.handlers import SCHEDULES, register
from revenge_adapters.wiring.settings.values import duration_text
from revenge_core.background import Curve, Job, JobState, Missed, Retry, Schedule
from revenge_core.jobs import Handlers
from revenge_core.jobs.entities import WORKERS
from revenge_core.jobs.policy import retry_delay
from tests.house.vocabulary import JOBS

JOBS_HEAD: Final = """\
# Jobs

What Revenge does in the background, beside answering. A job is done at least once: where a worker is lost half-way,
another one does it again. Of queues, attempts and schedules `revenge jobs`, `revenge queues` and `revenge schedules`
show what is going on at the moment.
"""

QUEUES_HEAD: Final = """\
## Queues

Each queue has workers of its own, so that slow work never holds up urgent work. Within a queue priority 1 goes first.

| queue | at a time, in each process that runs jobs |
|---|---|"""

KINDS_HEAD: Final = """\
## Kinds

An attempt that takes longer than its timeout is ended and counts as failed. After the last attempt the job is
discarded: it is kept for some days, and `revenge jobs retry` tries it again. Pauses before retries are longer or
shorter by up to a tenth where nothing else is said. Kinds that need no database also run in `revenge worker --stream`.

| kind | queue | priority | attempts | pauses before retries | timeout | of the same kind | needs the database |
|---|---|---|---|---|---|---|---|"""

SCHEDULES_HEAD: Final = """\
## Schedules

They keep step with the wall clock (UTC), however often servers restart. What came due while no worker ran is done once,
as soon as one does, where nothing else is said.

| schedule | kind | when | on a new server |
|---|---|---|---|"""
MISSED: Final[dict[Missed, str]] = {
    Missed.ALL: "; what was missed is made up for, one by one",
    Missed.ONCE: "",
    Missed.SKIP: "; what was missed is left out",
}


def registered() -> Handlers:
    """Every kind that ships, with its handler."""
    handlers = Handlers(MemorySealer())
    register(sandbox().revenge, handlers)
    return handlers


def jobs_page() -> str:
    """The tables, and every kind under a heading of its own."""
    return "\n".join(_lines(registered()))


def _lines(handlers: Handlers) -> Iterator[str]:
    yield JOBS_HEAD
    yield QUEUES_HEAD
    yield from (f"| {queue.value} | {count} |" for queue, count in WORKERS.items())
    yield ""
    yield KINDS_HEAD
    kinds = dict(sorted(handlers.kinds.items()))
    yield from map(_row, kinds.values())
    yield ""
    yield from (f"### `{name}`\n\n{JOBS[name]}\n" for name in kinds)
    yield SCHEDULES_HEAD
    yield from (_tick(schedule) for schedule in SCHEDULES)
    yield ""


def _row(kind: type[Job]) -> str:
    spec = kind.spec
    timeout = "none" if spec.timeout is None else duration_text(spec.timeout)
    cells = (
        f"[`{spec.kind}`](#{spec.kind})",
        spec.queue.value,
        str(spec.priority),
        str(spec.max_attempts),
        _pauses(spec.retry, spec.max_attempts),
        timeout,
        _sameness(kind),
        "no" if spec.pure else "yes",
    )
    return f"| {' | '.join(cells)} |"


def _pauses(retry: Retry, attempts: int) -> str:
    """The first ones, and the longest."""
    if attempts == 1:
        return "none"
    jitter = "" if retry.jitter == Retry().jitter else f", ± {retry.jitter:.0%}"
    pauses = [retry_delay(retry, attempt, chance=0.5) for attempt in range(1, attempts)]
    if retry.curve is Curve.CONSTANT:
        return f"{duration_text(pauses[0])} each{jitter}"
    shown = ", ".join(duration_text(pause) for pause in islice(pauses, 3))
    return f"{shown}{f' … {duration_text(_rounded(pauses[-1]))}' if len(pauses) > 3 else ''}{jitter}"


def _rounded(pause: timedelta) -> timedelta:
    """Without the seconds that nobody reads where it is hours."""
    unit = timedelta(minutes=1) if pause >= timedelta(hours=1) else timedelta(seconds=1)
    return round(pause / unit) * unit


def _sameness(kind: type[Job]) -> str:
    unique = kind.spec.unique
    if unique is None:
        return "any number"
    parts = [
        "with the same arguments" if unique.by_args and kind.__struct_fields__ else "",
        "in the same queue" if unique.by_queue else "",
        f"every {duration_text(unique.period)}" if unique.period else "",
        "also while a completed one is kept" if JobState.COMPLETED in unique.states else "",
    ]
    return " ".join(["one", *filter(None, parts), "at a time"])


def _tick(schedule: Schedule) -> str:
    kind, every = schedule.job.spec.kind, schedule.every
    if every == timedelta(days=1):
        when = f"daily at {datetime.fromtimestamp(schedule.offset.total_seconds(), UTC):%H:%M}"
    else:
        when = f"every {duration_text(every)}" + (f", {duration_text(schedule.offset)} past" if schedule.offset else "")
    start = "at once" if schedule.at_start else "when it is due"
    return f"| `{schedule.name}` | [`{kind}`](#{kind}) | {when}{MISSED[schedule.missed]} | {start} |"
