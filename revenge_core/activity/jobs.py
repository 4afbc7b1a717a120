"""What the audit log has done in the background, and how often."""

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from revenge_core.background import Curve, Job, JobSpec, Retry, Schedule, Unique


class MakeMonths(Job, kw_only=True):
    """Prepare the storage of this month and the two after it."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="activity_months",
        max_attempts=10,
        unique=Unique(),
    )


class SealEntries(Job, kw_only=True):
    """Put what was written since the last time into the chain, and sign what it comes to."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="activity_seal",
        max_attempts=5,
        retry=Retry(curve=Curve.CONSTANT, step=timedelta(seconds=5)),
        unique=Unique(),
    )


class ShipCheckpoints(Job, kw_only=True):
    """Take signed checkpoints off the box. What nobody takes now waits, and goes out later in its order."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="activity_ship",
        max_attempts=10,
        retry=Retry(curve=Curve.EXPONENTIAL, step=timedelta(seconds=5), ceiling=timedelta(minutes=5)),
        unique=Unique(),
    )


class EraseTraces(Job, kw_only=True):
    """Take out of the log what tells of an account that was erased."""

    spec: ClassVar[JobSpec] = JobSpec(kind="activity_erase", timeout=timedelta(minutes=10))

    user_id: UUID


class DropOld(Job, kw_only=True):
    """Drop months that were kept long enough."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="activity_retention",
        max_attempts=10,
        timeout=timedelta(minutes=30),
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
    Schedule(
        name="activity_seal_minutely",
        job=SealEntries(),
        every=timedelta(minutes=1),
        offset=timedelta(seconds=23),
        at_start=True,
    ),
    Schedule(
        name="activity_retention_daily",
        job=DropOld(),
        every=timedelta(days=1),
        offset=timedelta(hours=4, minutes=57),
    ),
)
