"""The job queue: its rules, its workers' side, and its administration."""

from revenge_core.jobs.entities import (
    COUNTED_UPTO,
    BulkItem,
    ItemResult,
    JobAct,
    JobDetail,
    JobFilter,
    JobItem,
    JobSummary,
    QueueInfo,
    ScheduleInfo,
    WorkerInfo,
)
from revenge_core.jobs.errors import (
    JobFilterInvalid,
    JobLost,
    JobNotFound,
    JobRefused,
    JobStateConflict,
    QueueNotFound,
    ScheduleNotFound,
)
from revenge_core.jobs.service import Handlers, Jobs, require_done

__all__ = [
    "COUNTED_UPTO",
    "BulkItem",
    "Handlers",
    "ItemResult",
    "JobAct",
    "JobDetail",
    "JobFilter",
    "JobFilterInvalid",
    "JobItem",
    "JobLost",
    "JobNotFound",
    "JobRefused",
    "JobStateConflict",
    "JobSummary",
    "Jobs",
    "QueueInfo",
    "QueueNotFound",
    "ScheduleInfo",
    "ScheduleNotFound",
    "WorkerInfo",
    "require_done",
]
