"""Kinds of jobs and schedules, as they ship."""

from datetime import timedelta
from importlib import import_module
from itertools import combinations

import pytest

from revenge_adapters.wiring.handlers import SCHEDULES
from revenge_core.background import UNFINISHED, Job
from tests.house.job_kinds import registered
from tests.house.modules import ROOT

DAY = timedelta(days=1)
FEATURES = sorted(path.parent.name for path in (ROOT / "revenge_core").glob("*/jobs.py"))


@pytest.mark.parametrize("feature", FEATURES)
def test_what_a_feature_declares_is_in_the_wiring(feature: str) -> None:
    module = import_module(f"revenge_core.{feature}.jobs")
    own = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
    assert {one for one in own if issubclass(one, Job)} - set(registered().kinds.values()) == set()
    assert [one.name for one in getattr(module, "SCHEDULES", ()) if one not in SCHEDULES] == []


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
