"""What all upkeep of the job queue owes to schedules.

Days are made to pass whole: on a store whose clock cannot be set, ticks that are shifted by them stay in step with it.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import pytest
from msgspec.structs import replace

from revenge_core.background import JobState, Missed, Schedule
from revenge_core.jobs.entities import JobFilter, ScheduleInfo, Signal, SignalKind
from revenge_core.jobs.policy import DECLARED_FOR
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.errands import (
    HOUR,
    RULES,
    Delivery,
    Errand,
    SoleErrand,
    claim,
    enlist,
    enqueue,
    finish,
    heard_until,
    job,
)
from revenge_core.testing.contracts.world import RACERS, Contract, World, race

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
DAILY: Final = Schedule(name="errands", job=Errand(what="salt"), every=DAY, missed=Missed.SKIP)
SOMETIME: Final = Schedule(name="other", job=Errand(what="oil"), every=10_000 * DAY)


async def declared(world: World, *schedules: Schedule) -> ScheduleInfo:
    """Make them known; the first of them, as it is now."""
    await world.job_upkeep.declare(schedules)
    return await seen(world, schedules[0].name)


async def seen(world: World, name: str = "errands") -> ScheduleInfo:
    """The schedule, as administrators see it."""
    (found,) = [one for one in await world.job_reader.schedules() if one.name == name]
    return found


async def pass_days(world: World, days: float, *schedules: Schedule) -> None:
    """So many ticks of `DAILY` pass, the last of them less than a day ago; then a program declares these."""
    await world.pass_time(days * DAY.total_seconds())
    if schedules:
        await world.job_upkeep.declare(schedules)


async def pause(world: World, *, paused: bool) -> None:
    """Stop the ticks of `errands`, or go on."""
    async with world.uow.begin() as tx:
        assert await tx.job_admin.pause_schedule("errands", paused=paused)


def phase(at: datetime, every: timedelta) -> timedelta:
    """How far `at` is into the period that runs since 1970."""
    return (at - EPOCH) % every


class SchedulesContract(Contract):
    """Declaring schedules. Fixture: `world`."""

    async def test_a_schedule_comes_back_as_it_was_declared(self, world: World) -> None:
        kept = await declared(world, replace(DAILY, offset=timedelta(minutes=7)))
        assert (kept.name, kept.kind, kept.queue) == ("errands", "errand", "high")
        assert (kept.every, kept.offset, kept.missed) == (86_400.0, 420.0, Missed.SKIP)
        assert (kept.last_run_at, kept.last_job_id, kept.paused_at) == (None, None, None)

    @pytest.mark.parametrize(
        ("every", "offset"), [(HOUR, timedelta(0)), (DAY, 3 * HOUR), (timedelta(minutes=7), timedelta(seconds=90.5))]
    )
    async def test_the_first_tick_is_the_next_in_step_with_the_wall_clock(
        self, world: World, every: timedelta, offset: timedelta
    ) -> None:
        before = await world.now()
        kept = await declared(world, replace(DAILY, every=every, offset=offset))
        assert phase(kept.next_run_at, every) == offset
        assert before < kept.next_run_at <= await world.now() + every

    async def test_declaring_again_changes_neither_the_next_tick_nor_what_happened(self, world: World) -> None:
        await declared(world, DAILY)
        await pass_days(world, 1, DAILY)
        await world.job_upkeep.tick()
        await pause(world, paused=True)
        before = await seen(world)
        assert await declared(world, DAILY) == before
        assert before.last_job_id is not None
        assert before.paused_at is not None

    async def test_a_tick_that_is_due_when_the_program_starts_again_is_not_lost(self, world: World) -> None:
        for _ in range(25):
            await declared(world, replace(DAILY, missed=Missed.ONCE))
            await world.pass_time(HOUR.total_seconds())
        assert len(await world.job_upkeep.tick()) == 1

    async def test_another_period_or_offset_makes_another_next_tick(self, world: World) -> None:
        await declared(world, replace(DAILY, every=HOUR))
        daily = await declared(world, DAILY)
        assert phase(daily.next_run_at, DAY) == timedelta(0)
        later = await declared(world, replace(DAILY, offset=2 * HOUR))
        assert phase(later.next_run_at, DAY) == 2 * HOUR
        assert later.next_run_at > await world.now()

    async def test_what_else_changes_about_a_schedule_holds_from_the_next_tick_on(self, world: World) -> None:
        await declared(world, DAILY)
        changed = await declared(world, replace(DAILY, job=SoleErrand(what="oil"), missed=Missed.ALL))
        assert (changed.kind, changed.queue, changed.missed) == ("sole_errand", "default", Missed.ALL)
        await pass_days(world, 1, replace(DAILY, job=SoleErrand(what="oil"), missed=Missed.ALL))
        (job_id,) = await world.job_upkeep.tick()
        assert msgspec.json.decode((await job(world, job_id)).args or b"") == {"what": "oil"}

    async def test_schedules_that_another_program_declared_stay(self, world: World) -> None:
        await declared(world, DAILY)
        await declared(world, SOMETIME)
        assert [one.name for one in await world.job_reader.schedules()] == ["errands", "other"]

    async def test_schedules_that_nobody_declared_for_a_month_are_forgotten(self, world: World) -> None:
        await declared(world, DAILY, SOMETIME)
        await pass_days(world, 29)
        await world.job_upkeep.clean(RULES)
        await declared(world, DAILY)
        await pass_days(world, 2)
        await world.job_upkeep.clean(RULES)
        assert [one.name for one in await world.job_reader.schedules()] == ["errands"]

    async def test_of_many_programs_that_declare_at_once_none_fails(self, world: World) -> None:
        both, turn = [DAILY, SOMETIME], iter(range(RACERS))
        outcomes = await race(lambda: world.job_upkeep.declare(both if next(turn) % 2 else both[::-1]))
        assert outcomes == [None] * RACERS
        assert [one.name for one in await world.job_reader.schedules()] == ["errands", "other"]


class TicksContract(Contract):
    """What schedules enqueue. Fixture: `world`."""

    async def test_nothing_is_enqueued_before_its_time(self, world: World) -> None:
        await declared(world, SOMETIME)
        assert await world.job_upkeep.tick() == ()

    async def test_a_tick_enqueues_the_job_and_says_for_what(self, world: World) -> None:
        await declared(world, DAILY)
        await pass_days(world, 1, DAILY)
        due = (await seen(world)).next_run_at
        before = await world.now()
        (job_id,) = await world.job_upkeep.tick()
        made = await job(world, job_id)
        assert (made.kind, made.queue, made.priority, made.max_attempts, made.timeout) == ("errand", "high", 2, 5, 60.0)
        assert (made.state, msgspec.json.decode(made.args or b"")) == (JobState.AVAILABLE, {"what": "salt", "times": 1})
        assert made.metadata["schedule"] == "errands"
        assert datetime.fromisoformat(made.metadata["tick"]) == due
        kept = await seen(world)
        assert kept.last_job_id == job_id
        assert kept.last_run_at is not None
        assert before <= kept.last_run_at <= await world.now()

    async def test_each_tick_is_run_once(self, world: World) -> None:
        await declared(world, DAILY)
        for _ in range(2):
            await pass_days(world, 1, DAILY)
            assert len(await world.job_upkeep.tick()) == 1
            assert await world.job_upkeep.tick() == ()

    async def test_the_next_tick_is_in_step_with_the_wall_clock_however_late_this_one_was(self, world: World) -> None:
        await declared(world, replace(DAILY, missed=Missed.ONCE))
        await pass_days(world, 2.4, replace(DAILY, missed=Missed.ONCE))
        before = await world.now()
        assert len(await world.job_upkeep.tick()) == 1
        following = (await seen(world)).next_run_at
        assert phase(following, DAY) == timedelta(0)
        assert before < following <= await world.now() + DAY

    @pytest.mark.parametrize(("missed", "jobs"), [(Missed.SKIP, 0), (Missed.ONCE, 1), (Missed.ALL, 3)])
    async def test_missed_ticks_are_made_up_for_as_the_schedule_says(
        self, world: World, missed: Missed, jobs: int
    ) -> None:
        await declared(world, replace(DAILY, missed=missed))
        await pass_days(world, 3, replace(DAILY, missed=missed))
        first = (await seen(world)).next_run_at
        made = [await job(world, job_id) for job_id in await world.job_upkeep.tick()]
        ticks = [datetime.fromisoformat(one.metadata["tick"]) for one in made]
        assert ticks == [first + number * DAY for number in range(jobs)]
        assert await world.job_upkeep.tick() == ()

    async def test_a_tick_that_is_late_by_less_than_a_period_is_not_missed(self, world: World) -> None:
        await declared(world, DAILY)
        await pass_days(world, 1, DAILY)
        assert len(await world.job_upkeep.tick()) == 1

    async def test_of_many_schedulers_one_enqueues_the_tick(self, world: World) -> None:
        await declared(world, DAILY, replace(DAILY, name="another"))
        await pass_days(world, 1, DAILY, replace(DAILY, name="another"))
        outcomes = await race(world.job_upkeep.tick)
        assert all(isinstance(outcome, tuple) for outcome in outcomes)
        assert sum(len(outcome) for outcome in outcomes if isinstance(outcome, tuple)) == 2
        assert await world.job_reader.count(JobFilter()) == 2

    async def test_schedules_that_no_program_declares_any_more_stop_and_go_on_when_one_does(self, world: World) -> None:
        hourly = replace(DAILY, every=HOUR, missed=Missed.ONCE)
        await declared(world, hourly, replace(hourly, name="another"))
        await world.pass_time((DECLARED_FOR - timedelta(minutes=1)).total_seconds())
        assert len(await world.job_upkeep.tick()) == 2
        await world.pass_time(HOUR.total_seconds())
        assert await world.job_upkeep.tick() == ()
        assert [one.name for one in await world.job_reader.schedules()] == ["another", "errands"]
        await declared(world, hourly)
        (job_id,) = await world.job_upkeep.tick()
        assert (await job(world, job_id)).metadata["schedule"] == "errands"

    async def test_schedules_tick_each_at_its_own_time(self, world: World) -> None:
        await declared(world, DAILY, SOMETIME)
        await pass_days(world, 1, DAILY, SOMETIME)
        (job_id,) = await world.job_upkeep.tick()
        assert (await job(world, job_id)).metadata["schedule"] == "errands"

    async def test_workers_are_told(self, world: World) -> None:
        await declared(world, DAILY)
        await pass_days(world, 1, DAILY)
        async with world.wake_ups.listen() as signals:
            await world.job_upkeep.tick()
            await heard_until(Signal(kind=SignalKind.AVAILABLE, key="high"), signals)

    async def test_a_schedule_may_run_at_once_when_it_is_new_and_only_then(self, world: World) -> None:
        at_start = replace(DAILY, at_start=True)
        await declared(world, at_start)
        assert len(await world.job_upkeep.tick()) == 1
        assert phase((await seen(world)).next_run_at, DAY) == timedelta(0)
        await declared(world, at_start)
        assert await world.job_upkeep.tick() == ()

    async def test_a_paused_schedule_enqueues_nothing(self, world: World) -> None:
        await declared(world, DAILY)
        await pause(world, paused=True)
        await pass_days(world, 1, DAILY)
        assert await world.job_upkeep.tick() == ()

    @pytest.mark.parametrize(("missed", "jobs"), [(Missed.SKIP, 0), (Missed.ONCE, 1), (Missed.ALL, 4)])
    async def test_ticks_of_a_pause_are_made_up_for_as_missed_ones(
        self, world: World, missed: Missed, jobs: int
    ) -> None:
        await declared(world, replace(DAILY, missed=missed))
        await pause(world, paused=True)
        await pass_days(world, 4, replace(DAILY, missed=missed))
        await pause(world, paused=False)
        assert len(await world.job_upkeep.tick()) == jobs

    async def test_a_unique_job_that_is_still_there_is_not_added_again(self, world: World) -> None:
        await declared(world, replace(DAILY, job=SoleErrand()))
        (waiting,) = await enqueue(world, SoleErrand())
        await pass_days(world, 1, replace(DAILY, job=SoleErrand()))
        assert await world.job_upkeep.tick() == ()
        assert (await seen(world)).next_run_at > await world.now()
        await enlist(world, "worker")
        await finish(world, (await claim(world))[waiting])
        await pass_days(world, 1, replace(DAILY, job=SoleErrand()))
        (made,) = await world.job_upkeep.tick()
        assert made != waiting

    async def test_secrets_of_scheduled_jobs_are_sealed(self, world: World) -> None:
        await declared(world, replace(DAILY, job=Delivery(key=Secret("under the mat"))))
        await pass_days(world, 1, replace(DAILY, job=Delivery(key=Secret("under the mat"))))
        (job_id,) = await world.job_upkeep.tick()
        args = (await job(world, job_id)).args
        assert args is not None
        sealed = msgspec.json.decode(args)["key"]["sealed"]
        assert world.sealer.unseal(sealed, "job delivery") == Secret("under the mat")
