"""When schedules tick: in step with the wall clock, whatever the machine did meanwhile."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenge_core.background import Missed, Schedule
from revenge_core.jobs.policy import MOST_MISSED, due, next_tick, schedule_problems
from revenge_core.testing.contracts.errands import Errand

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)

moments = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis adds the zone
zones = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))
periods = st.integers(1, 40 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
phases = st.tuples(periods, st.floats(0, 0.999)).map(
    lambda both: (both[0], timedelta(seconds=int(both[0].total_seconds() * both[1])))
)


def in_step(tick: datetime, every: timedelta, offset: timedelta) -> bool:
    return (tick - EPOCH - offset) % every == timedelta(0)


@given(phase=phases, after=moments)
def test_the_next_tick_is_the_first_in_step_that_is_later(phase: tuple[timedelta, timedelta], after: datetime) -> None:
    every, offset = phase
    tick = next_tick(every, offset, after)
    assert in_step(tick, every, offset)
    assert after < tick <= after + every


@given(phase=phases, after=moments, zone=zones)
def test_it_does_not_matter_how_the_clock_on_the_wall_is_called(
    phase: tuple[timedelta, timedelta], after: datetime, zone: timezone
) -> None:
    assert next_tick(*phase, after.astimezone(zone)) == next_tick(*phase, after)


@given(phase=phases, after=moments, count=st.integers(1, 50))
def test_ticks_do_not_drift(phase: tuple[timedelta, timedelta], after: datetime, count: int) -> None:
    every, offset = phase
    tick = first = next_tick(every, offset, after)
    for _ in range(count):
        tick = next_tick(every, offset, tick)
    assert tick == first + count * every


def test_three_in_the_morning_stays_so_when_summer_begins_and_ends() -> None:
    for before in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        night = next_tick(DAY, 3 * HOUR, before)
        assert (night.hour, next_tick(DAY, 3 * HOUR, night) - night) == (3, DAY)


@given(
    phase=phases, begin=moments, passed=st.timedeltas(timedelta(0), timedelta(days=90)), missed=st.sampled_from(Missed)
)
def test_what_is_due_is_in_order_in_the_past_and_of_this_schedule(
    phase: tuple[timedelta, timedelta], begin: datetime, passed: timedelta, missed: Missed
) -> None:
    every, offset = phase
    first, now = next_tick(every, offset, begin), begin + passed
    done = due(every, offset, missed, next_run_at=first, now=now)
    assert list(done.ticks) == sorted(set(done.ticks))
    assert all(first <= tick <= now and in_step(tick, every, offset) for tick in done.ticks)
    assert in_step(done.next_run_at, every, offset)
    assert all(tick < done.next_run_at for tick in done.ticks)
    assert (done.next_run_at > now) or len(done.ticks) == MOST_MISSED


@given(phase=phases, begin=moments, looks=st.lists(st.timedeltas(timedelta(0), timedelta(days=9)), max_size=12))
def test_of_all_ticks_each_is_made_up_for_once_however_often_somebody_looks(
    phase: tuple[timedelta, timedelta], begin: datetime, looks: list[timedelta]
) -> None:
    every, offset = phase
    next_run_at, now, ticks = next_tick(every, offset, begin), begin, list[datetime]()
    for passed in looks:
        now += passed
        done = due(every, offset, Missed.ALL, next_run_at=next_run_at, now=now)
        ticks += done.ticks
        next_run_at = done.next_run_at
    first = next_tick(every, offset, begin)
    assert ticks == [first + number * every for number in range(len(ticks))]
    assert next_run_at == first + len(ticks) * every


@pytest.mark.parametrize("missed", Missed)
def test_nothing_is_due_before_its_time_and_at_its_time_one(missed: Missed) -> None:
    tick = datetime(2026, 1, 2, tzinfo=UTC)
    early = due(DAY, timedelta(0), missed, next_run_at=tick, now=tick - MICROSECOND)
    assert (early.ticks, early.next_run_at) == ((), tick)
    for late in (timedelta(0), DAY - MICROSECOND):
        done = due(DAY, timedelta(0), missed, next_run_at=tick, now=tick + late)
        assert (done.ticks, done.next_run_at) == ((tick,), tick + DAY)


@pytest.mark.parametrize(("missed", "expected"), [(Missed.SKIP, []), (Missed.ONCE, [0]), (Missed.ALL, [0, 1, 2])])
def test_ticks_that_passed_are_left_out_or_made_up_for(missed: Missed, expected: list[int]) -> None:
    tick = datetime(2026, 1, 2, tzinfo=UTC)
    done = due(DAY, timedelta(0), missed, next_run_at=tick, now=tick + 2.5 * DAY)
    assert done.ticks == tuple(tick + number * DAY for number in expected)
    assert done.next_run_at == tick + 3 * DAY


@pytest.mark.parametrize("missed", Missed)
def test_a_schedule_that_runs_at_its_start_is_in_step_from_then_on(missed: Missed) -> None:
    start = datetime(2026, 1, 1, 12, 34, 56, 789, tzinfo=UTC)
    done = due(DAY, 3 * HOUR, missed, next_run_at=start, now=start)
    assert len(done.ticks) == 1
    assert done.next_run_at == datetime(2026, 1, 2, 3, tzinfo=UTC)


def test_a_great_many_missed_ticks_are_made_up_for_in_portions() -> None:
    tick = datetime(2026, 1, 1, tzinfo=UTC)
    done = due(HOUR, timedelta(0), Missed.ALL, next_run_at=tick, now=tick + 150 * HOUR)
    assert len(done.ticks) == MOST_MISSED
    assert done.next_run_at == tick + MOST_MISSED * HOUR
    rest = due(HOUR, timedelta(0), Missed.ALL, next_run_at=done.next_run_at, now=tick + 150 * HOUR)
    assert len(rest.ticks) == 51


def test_every_problem_of_schedules_is_named() -> None:
    def schedule(name: str, every: timedelta = DAY, offset: timedelta = timedelta(0)) -> Schedule:
        return Schedule(name=name, job=Errand(), every=every, offset=offset)

    assert schedule_problems([schedule("fine"), schedule("late", offset=DAY - MICROSECOND)]) == []
    problems = schedule_problems(
        [
            schedule("twice"),
            schedule("twice"),
            schedule("hasty", every=timedelta(milliseconds=999)),
            schedule("beyond", offset=DAY),
            schedule("before", offset=-MICROSECOND),
        ]
    )
    assert problems == [
        "two schedules are called twice",
        "hasty must tick every second at most",
        "the offset of beyond must be shorter than its period",
        "the offset of before must be shorter than its period",
    ]
