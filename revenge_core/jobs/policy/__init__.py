"""The rules of jobs: what an attempt's end means, when a tick is due, what is unique. Whoever runs jobs asks here."""

from revenge_core.jobs.policy.enqueuing import (
    MAX_ARGS_BYTES,
    MAX_ATTEMPTS,
    MAX_METADATA_BYTES,
    MAX_TAG_LENGTH,
    MAX_TAGS,
    Prepared,
    prepared,
    spec_problems,
    unique_key,
)
from revenge_core.jobs.policy.outcomes import (
    LOST,
    MAX_ERROR_LENGTH,
    MAX_ERRORS,
    MAX_TRACE_LENGTH,
    OVERRAN,
    CancelRequested,
    Interrupted,
    TimedOut,
    finish_of,
    rescue_delay,
    retry_delay,
    storable,
)
from revenge_core.jobs.policy.payloads import decoded, encoded
from revenge_core.jobs.policy.reach import REACH, Reach, narrowed
from revenge_core.jobs.policy.schedules import MOST_MISSED, Due, due, next_tick, schedule_problems

__all__ = [
    "LOST",
    "MAX_ARGS_BYTES",
    "MAX_ATTEMPTS",
    "MAX_ERRORS",
    "MAX_ERROR_LENGTH",
    "MAX_METADATA_BYTES",
    "MAX_TAGS",
    "MAX_TAG_LENGTH",
    "MAX_TRACE_LENGTH",
    "MOST_MISSED",
    "OVERRAN",
    "REACH",
    "CancelRequested",
    "Due",
    "Interrupted",
    "Prepared",
    "Reach",
    "TimedOut",
    "decoded",
    "due",
    "encoded",
    "finish_of",
    "narrowed",
    "next_tick",
    "prepared",
    "rescue_delay",
    "retry_delay",
    "schedule_problems",
    "spec_problems",
    "storable",
    "unique_key",
]
