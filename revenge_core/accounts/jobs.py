"""What accounts have done in the background, and how often."""

from datetime import timedelta
from typing import ClassVar, Final

from revenge_core.background import Job, JobSpec, Queue, Schedule, Unique
from revenge_core.ids import ExportId, UserId


class Purge(Job, kw_only=True):
    """Erase accounts whose time to come back is over, files of old exports, and invitations nobody can use."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="accounts_purge",
        queue=Queue.LOW,
        max_attempts=5,
        timeout=timedelta(minutes=30),
        unique=Unique(),
    )


class EraseFiles(Job, kw_only=True):
    """Remove files that nobody needs any more: their keys are all that is left of them."""

    spec: ClassVar[JobSpec] = JobSpec(kind="accounts_erase_files", queue=Queue.LOW)

    keys: tuple[str, ...]


class BuildExport(Job, kw_only=True):
    """Collect all that is known of one user into a file."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="accounts_export",
        queue=Queue.LOW,
        max_attempts=5,
        timeout=timedelta(minutes=30),
    )

    export_id: ExportId


def tag_of(user_id: UserId) -> str:
    """The tag of jobs that work for one account: they are cancelled when it is deleted."""
    return f"user:{user_id}"


SCHEDULES: Final = (
    Schedule(
        name="accounts_purge_hourly",
        job=Purge(),
        every=timedelta(hours=1),
        offset=timedelta(minutes=50),
        at_start=True,
    ),
)
