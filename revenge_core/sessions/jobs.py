"""What sessions have done in the background, and how often."""

from datetime import timedelta
from typing import ClassVar, Final

from revenge_core.background import Job, JobSpec, Queue, Schedule, Unique


class SessionMaintenance(Job, kw_only=True):
    """Close sessions whose time is over; forget those that ended long ago, and devices that nobody uses any more."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="session_maintenance",
        queue=Queue.LOW,
        max_attempts=3,
        timeout=timedelta(minutes=10),
        unique=Unique(),
    )


SCHEDULES: Final = (
    Schedule(
        name="session_maintenance_hourly",
        job=SessionMaintenance(),
        every=timedelta(hours=1),
        offset=timedelta(minutes=7),
        at_start=True,
    ),
)
