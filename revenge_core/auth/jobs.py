"""What signing in has done in the background, and how often."""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from revenge_core.background import Job, JobSpec, Queue, Schedule, Unique
from revenge_core.secrets import Secret


class CleanUp(Job, kw_only=True):
    """Forget tokens that nobody can use any more."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="auth_cleanup",
        queue=Queue.LOW,
        max_attempts=5,
        timeout=timedelta(minutes=10),
        unique=Unique(),
    )


class SendReset(Job, kw_only=True):
    """Look whose address it is, and mail a link to set a new password there."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="auth_send_reset",
        queue=Queue.HIGH,
        max_attempts=5,
        timeout=timedelta(minutes=1),
    )

    email: Secret
    """As it was typed; sealed where it is kept, since nobody need have an account with it."""
    address: str | None
    """Where the question came from."""
    asked_at: datetime


SCHEDULES: Final = (
    Schedule(
        name="auth_cleanup_daily",
        job=CleanUp(),
        every=timedelta(days=1),
        offset=timedelta(hours=3, minutes=20),
        at_start=True,
    ),
)
