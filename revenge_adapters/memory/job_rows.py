"""Rows of the job queue, as the doubles keep them: what a job is in the database, seen from nowhere in particular."""

from datetime import datetime
from typing import Any

from revenge_core.background import JobState, Missed, Progress
from revenge_core.entity import Entity
from revenge_core.jobs.entities import Failure


class StoredJob(Entity, kw_only=True):
    """One job."""

    id: int
    kind: str
    queue: str
    priority: int
    state: JobState
    args: bytes
    """JSON."""
    attempt: int = 0
    max_attempts: int
    run: int = 0
    timeout: float | None
    created_at: datetime
    scheduled_at: datetime
    attempted_at: datetime | None = None
    attempted_by: str | None = None
    cancel_requested_at: datetime | None = None
    finalized_at: datetime | None = None
    errors: tuple[Failure, ...] = ()
    progress: Progress | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any]
    unique_key: bytes | None = None
    unique_states: frozenset[str] = frozenset()


class StoredSchedule(Entity, kw_only=True):
    """One schedule, with the job that it enqueues."""

    name: str
    kind: str
    queue: str
    priority: int
    max_attempts: int
    timeout: float | None
    args: bytes
    unique_key: bytes | None
    unique_states: frozenset[str]
    every: float
    """Seconds."""
    offset: float
    missed: Missed
    next_run_at: datetime
    last_run_at: datetime | None = None
    last_job_id: int | None = None
    paused_at: datetime | None = None
    declared_at: datetime
