"""When schedules tick."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from revenge_core.background import Missed, Schedule
from revenge_core.entity import Entity

LONGEST_PERIOD: Final = timedelta(days=36_525)
MOST_MISSED: Final = 100
"""So many missed ticks are made up for at once; the next look makes up for more."""
DECLARED_FOR: Final = timedelta(hours=3)
"""A schedule ticks for so long after a program declared it, which every worker does when it starts and every hour."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Due(Entity, kw_only=True):
    """What is to be done about a schedule now."""

    ticks: tuple[datetime, ...]
    """One job for each."""
    next_run_at: datetime


def next_tick(every: timedelta, offset: timedelta, after: datetime) -> datetime:
    """The first tick later than `after`."""
    passed = (after - _EPOCH - offset) // every
    return _EPOCH + offset + (passed + 1) * every


def due(every: timedelta, offset: timedelta, missed: Missed, *, next_run_at: datetime, now: datetime) -> Due:
    """Which ticks from `next_run_at` on are to be run at `now`, and when to look again.

    A tick that is less than one period late is not missed, only late.
    """
    if next_run_at > now:
        return Due(ticks=(), next_run_at=next_run_at)
    following = next_tick(every, offset, now)
    match missed:
        case Missed.ONCE:
            return Due(ticks=(next_run_at,), next_run_at=following)
        case Missed.SKIP:
            latest = following - every
            return Due(ticks=(latest,) if next_run_at >= latest else (), next_run_at=following)
        case Missed.ALL:
            ticks = [next_run_at]
            while len(ticks) < MOST_MISSED and (tick := next_tick(every, offset, ticks[-1])) <= now:
                ticks.append(tick)
            return Due(ticks=tuple(ticks), next_run_at=next_tick(every, offset, ticks[-1]))


def schedule_problems(schedules: Sequence[Schedule]) -> list[str]:
    """What is wrong with a program's schedules, in words."""
    names = [schedule.name for schedule in schedules]
    return [
        *(f"two schedules are called {name}" for name in sorted({name for name in names if names.count(name) > 1})),
        *(f"{one.name} must tick every second at most" for one in schedules if one.every < timedelta(seconds=1)),
        *(f"{one.name} must tick every hundred years at least" for one in schedules if one.every > LONGEST_PERIOD),
        *(
            f"the offset of {one.name} must be shorter than its period"
            for one in schedules
            if not timedelta(0) <= one.offset < one.every
        ),
        *(
            f"{one.name} comes once in each period as it is: its job cannot be unique by period, too"
            for one in schedules
            if one.job.spec.unique is not None and one.job.spec.unique.period is not None
        ),
    ]
