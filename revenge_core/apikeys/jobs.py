"""What API keys have done in the background, and how often."""

from datetime import timedelta
from typing import ClassVar, Final

from revenge_core.background import Job, JobSpec, Queue, Schedule, Unique


class KeyMaintenance(Job, kw_only=True):
    """Remind owners of keys that expire soon; forget those that were over long ago."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="api_key_maintenance",
        queue=Queue.LOW,
        max_attempts=5,
        timeout=timedelta(minutes=10),
        unique=Unique(),
    )


SCHEDULES: Final = (
    Schedule(
        name="api_key_maintenance_hourly",
        job=KeyMaintenance(),
        every=timedelta(hours=1),
        offset=timedelta(minutes=37),
        at_start=True,
    ),
)
