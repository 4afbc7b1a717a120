"""What no calendar holds is refused before a store sees it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar

import pytest

from revenge_core.background import Job, JobSpec, Planned, Schedule
from revenge_core.jobs.errors import JobRefused
from revenge_core.jobs.policy import prepared, schedule_problems, spec_problems

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Errand(Job, kw_only=True):
    """Anything."""

    spec: ClassVar[JobSpec] = JobSpec(kind="errand")


@pytest.mark.parametrize("timeout", [timedelta.max, timedelta(days=3651), timedelta(0)])
def test_a_timeout_is_a_time_that_can_be_reached(timeout: timedelta) -> None:
    (problem,) = spec_problems(JobSpec(kind="errand", timeout=timeout))
    assert "a timeout is longer than no time, and at most ten years" in problem
    assert not spec_problems(JobSpec(kind="errand", timeout=timedelta(days=3650)))


@pytest.mark.parametrize("zone", [UTC, timezone(-timedelta(hours=12))])
def test_no_job_waits_beyond_the_last_year(zone: timezone) -> None:
    with pytest.raises(JobRefused) as refused:
        prepared(Planned(job=Errand(), at=datetime.max.replace(tzinfo=zone)), now=NOW, seal=str)
    (problem,) = refused.value.problems
    assert (problem.pointer, problem.detail) == ("/at", "must be before the year 9999")


def test_a_schedule_ticks_within_its_tellers_lifetime() -> None:
    (problem,) = schedule_problems([Schedule(name="jubilee", job=Errand(), every=timedelta(days=36_526))])
    assert problem == "jubilee must tick every hundred years at least"
