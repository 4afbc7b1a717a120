"""What pictures of accounts have done in the background, and how often."""

from datetime import timedelta
from typing import ClassVar, Final

from revenge_core.background import Job, JobSpec, Queue, Schedule, Unique


class SweepAvatars(Job, kw_only=True):
    """Remove files that are nobody's picture any more."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="users_avatars_sweep",
        queue=Queue.LOW,
        max_attempts=5,
        timeout=timedelta(minutes=30),
        unique=Unique(),
    )


SCHEDULES: Final = (
    Schedule(
        name="users_avatars_daily",
        job=SweepAvatars(),
        every=timedelta(days=1),
        offset=timedelta(hours=5, minutes=20),
    ),
)
