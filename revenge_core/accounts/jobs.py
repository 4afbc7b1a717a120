"""What accounts have done in the background, and how often."""

from datetime import timedelta
from typing import ClassVar, Final

from revenge_core.background import Job, JobSpec, Queue, Schedule, Unique
from revenge_core.ids import ExportId


class Purge(Job, kw_only=True):
    """Erase accounts whose time to come back is over, files of old exports, and invitations nobody can use."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="accounts_purge",
        queue=Queue.LOW,
        max_attempts=5,
        timeout=timedelta(minutes=30),
        unique=Unique(),
    )


class BuildExport(Job, kw_only=True):
    """Collect all that is known of one user into a file."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="accounts_export",
        queue=Queue.LOW,
        max_attempts=5,
        timeout=timedelta(minutes=30),
    )

    export_id: ExportId


SCHEDULES: Final = (
    Schedule(
        name="accounts_purge_hourly",
        job=Purge(),
        every=timedelta(hours=1),
        offset=timedelta(minutes=40),
        at_start=True,
    ),
)
