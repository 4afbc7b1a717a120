"""What idempotency does in the background."""

from datetime import timedelta
from typing import ClassVar, Final

from revenge_core.background import Job, JobSpec, Queue, Schedule, Unique


class ForgetAttempts(Job, kw_only=True):
    """Forget requests that were sent more than a day ago, and what they were answered."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="idempotency_cleanup",
        queue=Queue.LOW,
        max_attempts=5,
        timeout=timedelta(minutes=10),
        unique=Unique(),
    )


SCHEDULES: Final = (
    Schedule(
        name="idempotency_cleanup_hourly",
        job=ForgetAttempts(),
        every=timedelta(hours=1),
        offset=timedelta(minutes=41),
        at_start=True,
    ),
)
