"""`/admin/schedules`: what is done again and again."""

from msgspec import UNSET, UnsetType

from revenge_core.background import Missed
from revenge_core.jobs.entities import ScheduleInfo
from revenge_core.jobs.errors import ScheduleNotFound
from revenge_core.permissions import Permission
from revenge_http.access import needs
from revenge_http.answers import Answer
from revenge_http.job_records import JobInfo
from revenge_http.operations import Call, operation
from revenge_http.queues import Name
from revenge_http.wire import Timestamp, Wire, encode, present


class Schedule(Wire, kw_only=True):
    """One schedule at this moment: its ticks are `offset` seconds after each whole multiple of `every` since 1970."""

    name: str
    kind: str
    queue: str
    every: float
    """Seconds."""
    offset: float
    """Seconds."""
    missed: Missed
    """What becomes of ticks that nobody was there for."""
    next_run_at: Timestamp
    last_run_at: Timestamp | UnsetType = UNSET
    last_job_id: int | UnsetType = UNSET
    paused: bool
    paused_at: Timestamp | UnsetType = UNSET

    @classmethod
    def of(cls, schedule: ScheduleInfo) -> "Schedule":
        """The schedule."""
        return cls(
            name=schedule.name,
            kind=schedule.kind,
            queue=schedule.queue,
            every=schedule.every,
            offset=schedule.offset,
            missed=schedule.missed,
            next_run_at=schedule.next_run_at,
            last_run_at=present(schedule.last_run_at),
            last_job_id=present(schedule.last_job_id),
            paused=schedule.paused_at is not None,
            paused_at=present(schedule.paused_at),
        )


class ScheduleList(Wire, kw_only=True):
    """All schedules, by name."""

    schedules: list[Schedule]


_SCHEDULES = "/api/v1/admin/schedules"
_may_pause = needs(Permission.SCHEDULES_UPDATE)
_refusals = (ScheduleNotFound,)


@operation("GET", _SCHEDULES, "adminListSchedules", needs(Permission.SCHEDULES_LIST))
async def list_schedules(call: Call) -> ScheduleList:
    """Every schedule, with its last and its next time."""
    return ScheduleList(schedules=[Schedule.of(one) for one in await call.revenge.jobs.schedules(call.actor)])


@operation("POST", f"{_SCHEDULES}/{{name}}/pause", "adminPauseSchedule", _may_pause, raises=_refusals)
async def pause_schedule(call: Call, name: Name) -> Schedule:
    """Stop a schedule; what it enqueued stays."""
    return Schedule.of(await call.revenge.jobs.pause_schedule(call.actor, name, paused=True))


@operation("POST", f"{_SCHEDULES}/{{name}}/resume", "adminResumeSchedule", _may_pause, raises=_refusals)
async def resume_schedule(call: Call, name: Name) -> Schedule:
    """Let a schedule go on; what it missed is made up for as it says in `missed`."""
    return Schedule.of(await call.revenge.jobs.pause_schedule(call.actor, name, paused=False))


@operation(
    "POST",
    f"{_SCHEDULES}/{{name}}/run",
    "adminRunSchedule",
    needs(Permission.SCHEDULES_RUN),
    answers={202: JobInfo},
    raises=_refusals,
)
async def run_schedule(call: Call, name: Name) -> Answer:
    """Enqueue a schedule's job now, apart from its times; `Location` is the job, which may have waited already."""
    job = await call.revenge.jobs.run_schedule(call.actor, name)
    location = f"{call.prefix}/api/v1/admin/jobs/{job.id}"
    return Answer(202, encode(JobInfo.of(job)), headers=[(b"location", location.encode())])


operations = (list_schedules, pause_schedule, resume_schedule, run_schedule)
