"""What signing in has done in the background, and how often."""

from datetime import timedelta
from typing import ClassVar, Final

from revenge_core.background import Job, JobSpec, Queue, Schedule, Unique


class CleanUp(Job, kw_only=True):
    """Forget tokens that nobody can use any more."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="auth_cleanup",
        queue=Queue.LOW,
        max_attempts=5,
        timeout=timedelta(minutes=10),
        unique=Unique(),
    )


SCHEDULES: Final = (
    Schedule(
        name="auth_cleanup_daily",
        job=CleanUp(),
        every=timedelta(days=1),
        offset=timedelta(hours=3, minutes=20),
        at_start=True,
    ),
)
