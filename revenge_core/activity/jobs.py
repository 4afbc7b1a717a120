"""What the audit log has done in the background, and how often."""

from datetime import timedelta
from typing import ClassVar, Final

from revenge_core.background import Job, JobSpec, Schedule, Unique


class MakeMonths(Job, kw_only=True):
    """Prepare the storage of this month and the two after it."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="activity_months",
        max_attempts=10,
        unique=Unique(),
    )


SCHEDULES: Final = (
    Schedule(
        name="activity_months_daily",
        job=MakeMonths(),
        every=timedelta(days=1),
        offset=timedelta(hours=4, minutes=40),
        at_start=True,
    ),
)
