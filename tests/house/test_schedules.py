"""Schedules, as they ship."""

from datetime import timedelta
from itertools import combinations

from revenge_adapters.wiring.handlers import SCHEDULES
from revenge_core.background import UNFINISHED

DAY = timedelta(days=1)


def test_schedules_are_apart_from_each_other_and_from_everybody_elses_midnight() -> None:
    for one in SCHEDULES:
        assert one.every < DAY or timedelta(hours=1) <= one.offset <= timedelta(hours=22), one.name
        assert one.offset % timedelta(hours=1), one.name
    for one, other in combinations(SCHEDULES, 2):
        apart = (one.offset - other.offset) % min(one.every, other.every)
        assert apart, f"{one.name} and {other.name} tick at the same moment"


def test_what_is_scheduled_does_not_pile_up_while_no_worker_runs() -> None:
    for schedule in SCHEDULES:
        unique = schedule.job.spec.unique
        assert unique is not None, schedule.name
        assert unique.period is None, schedule.name
        assert unique.states == UNFINISHED, f"{schedule.name} would not run again while the finished job is kept"
