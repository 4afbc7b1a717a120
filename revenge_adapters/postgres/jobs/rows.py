"""Many jobs, written as JSON for a statement or as lines for COPY."""

from collections.abc import Generator, Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from revenge_adapters.postgres.jobs.literals import text_array
from revenge_core.background import JobState
from revenge_core.entity import Entity
from revenge_core.jobs.policy import Prepared

PORTION: Final = 10_000
"""So many jobs one statement writes, and no more bytes of arguments than the next: each has its deadline."""
PORTION_BYTES: Final = 8 * 1024 * 1024
BLOCK: Final = 500
"""So many lines are sent at a time: the server reads them while the next are written."""


class NewJob(Entity, kw_only=True, gc=False):
    """A job with the id that was drawn for it."""

    id: int
    job: Prepared
    state: JobState
    scheduled_at: datetime


class _Row(Entity, kw_only=True):
    """What the statement makes a row of."""

    id: int
    kind: str
    queue: str
    priority: int
    max_attempts: int
    timeout: float | None
    args: msgspec.Raw
    metadata: msgspec.Raw
    tags: tuple[str, ...]
    unique_key: str | None
    unique_states: tuple[str, ...] | None
    state: JobState
    scheduled_at: datetime


def new_jobs(jobs: Sequence[Prepared], ids: Sequence[int], now: datetime) -> list[NewJob]:
    """The jobs, enqueued at `now`. Ids follow their order, which breaks ties where they are due at the same time."""
    return [
        NewJob(id=number, job=job, state=JobState.SCHEDULED, scheduled_at=job.at)
        if job.at is not None and job.at > now
        else NewJob(id=number, job=job, state=JobState.AVAILABLE, scheduled_at=now)
        for number, job in zip(ids, jobs, strict=True)
    ]


def portions(jobs: Iterable[NewJob]) -> Generator[list[NewJob]]:
    """The jobs in the same order, as many at a time as one statement can write."""
    portion: list[NewJob] = []
    size = 0
    for new in jobs:
        portion.append(new)
        size += len(new.job.args) + len(new.job.metadata)
        if len(portion) >= PORTION or size >= PORTION_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def json_rows(jobs: Iterable[NewJob]) -> str:
    """What the statement `add_all` takes."""
    return msgspec.json.encode([_row(new) for new in jobs]).decode()


def _row(new: NewJob) -> _Row:
    job = new.job
    return _Row(
        id=new.id,
        kind=job.kind,
        queue=job.queue,
        priority=job.priority,
        max_attempts=job.max_attempts,
        timeout=job.timeout,
        args=msgspec.Raw(job.args),
        metadata=msgspec.Raw(job.metadata),
        tags=job.tags,
        unique_key=bytea_text(job.unique_key),
        unique_states=None if job.unique_key is None else job.unique_states,
        state=new.state,
        scheduled_at=new.scheduled_at,
    )


def bytea_text(value: bytes | None) -> str | None:
    """As PostgreSQL reads bytes from text."""
    return None if value is None else f"\\x{value.hex()}"


def copy_blocks(jobs: Sequence[NewJob], now: datetime) -> Generator[bytes]:
    """What the statement `copy` takes: text format, no unique jobs among them."""
    present = now.isoformat()
    for start in range(0, len(jobs), BLOCK):
        yield "".join([_line(new, present) for new in jobs[start : start + BLOCK]]).encode()


def _line(new: NewJob, present: str) -> str:
    job = new.job
    timeout = "\\N" if job.timeout is None else job.timeout
    tags = _escaped(text_array(job.tags)) if job.tags else "{}"
    due = present if new.state is JobState.AVAILABLE else new.scheduled_at.isoformat()
    return (
        f"{new.id}\t{_escaped(job.kind)}\t{job.queue}\t{job.priority}\t{job.max_attempts}\t{timeout}\t"
        f"{_json(job.args)}\t{_json(job.metadata)}\t{tags}\t{present}\t{new.state}\t{due}\n"
    )


def _json(text: bytes) -> str:
    """As COPY reads it; JSON has no tabs and line ends of its own."""
    return text.decode().replace("\\", "\\\\")


def _escaped(text: str) -> str:
    """As COPY reads it."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
