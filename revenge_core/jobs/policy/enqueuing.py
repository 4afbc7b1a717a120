"""What may be enqueued, and which jobs count as the same."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from revenge_core.background import UNFINISHED, Job, JobSpec, Planned, Queue, Unique
from revenge_core.entity import Entity
from revenge_core.errors import FieldProblem
from revenge_core.jobs.errors import JobRefused
from revenge_core.jobs.policy.outcomes import storable
from revenge_core.jobs.policy.payloads import encoded
from revenge_core.secrets import Secret

MAX_TAGS: Final = 20
MAX_TAG_LENGTH: Final = 200
MAX_ARGS_BYTES: Final = 1024 * 1024
MAX_METADATA_BYTES: Final = 64 * 1024
MAX_ATTEMPTS: Final = 1000
LONGEST_TIMEOUT: Final = timedelta(days=3650)
"""With a time beyond every calendar no store could say when an attempt is over; None is for ever."""

_ATTEMPTS: Final = f"must be from 1 to {MAX_ATTEMPTS}"
_TAGS: Final = f"must be at most {MAX_TAGS}"
_EACH_TAG: Final = f"must each have 1 to {MAX_TAG_LENGTH} characters, none of them U+0000 or half a character"
_ARGS: Final = f"must be at most {MAX_ARGS_BYTES} bytes of JSON"
_METADATA: Final = f"must be at most {MAX_METADATA_BYTES} bytes of JSON, without U+0000"

_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""U+0000 in JSON, and not a backslash with letters after it."""


class Prepared(Entity, kw_only=True, gc=False):
    """A job as stores write it."""

    kind: str
    queue: Queue
    priority: int
    max_attempts: int
    timeout: float | None
    at: datetime | None
    args: bytes
    """JSON."""
    metadata: bytes
    """JSON."""
    tags: tuple[str, ...]
    unique_key: bytes | None
    unique_states: tuple[str, ...]


def prepared(planned: Planned, *, now: datetime, seal: Callable[[Secret], str]) -> Prepared:
    """The job, checked, with everything decided that its kind decides.

    Raises:
        JobRefused: with every problem.
    """
    spec = planned.job.spec
    queue = planned.queue or spec.queue
    priority = spec.priority if planned.priority is None else planned.priority
    max_attempts = spec.max_attempts if planned.max_attempts is None else planned.max_attempts
    unique = planned.unique or spec.unique
    args, metadata = encoded(planned.job, seal), _json(planned.metadata)
    rules = (
        (1 <= priority <= 4, "/priority", "must be from 1 (first) to 4"),  # noqa: PLR2004 -- River's range
        (1 <= max_attempts <= MAX_ATTEMPTS, "/max_attempts", _ATTEMPTS),
        (planned.at is None or planned.at.tzinfo is not None, "/at", "must say its time zone"),
        (
            planned.at is None or planned.at.tzinfo is None or planned.at < _LATEST,
            "/at",
            "must be before the year 9999",
        ),
        (len(planned.tags) <= MAX_TAGS, "/tags", _TAGS),
        (not planned.tags or all(map(_is_tag, planned.tags)), "/tags", _EACH_TAG),
        (len(args) <= MAX_ARGS_BYTES, "/args", _ARGS),
        (not _NUL.search(args), "/args", "must not contain the character U+0000, which no database keeps"),
        (
            metadata is not None and len(metadata) <= MAX_METADATA_BYTES and not _NUL.search(metadata),
            "/metadata",
            _METADATA,
        ),
        (unique is None or unique.states >= UNFINISHED, "/unique/states", "must contain every unfinished state"),
        (
            unique is None or unique.period is None or unique.period > timedelta(0),
            "/unique/period",
            "must be positive",
        ),
    )
    problems = [FieldProblem(pointer=pointer, detail=detail) for fine, pointer, detail in rules if not fine]
    if problems or metadata is None:
        raise JobRefused(f"A job of kind {spec.kind} cannot be enqueued like this", problems=problems)
    begins = now if planned.at is None else max(planned.at, now)
    return Prepared(
        kind=spec.kind,
        queue=queue,
        priority=priority,
        max_attempts=max_attempts,
        timeout=None if spec.timeout is None else spec.timeout.total_seconds(),
        at=planned.at,
        args=args,
        metadata=metadata,
        tags=planned.tags,
        unique_key=None if unique is None else unique_key(planned.job, unique, queue, begins),
        unique_states=() if unique is None else tuple(sorted(unique.states)),
    )


def _is_tag(tag: str) -> bool:
    return 1 <= len(tag) <= MAX_TAG_LENGTH and storable(tag) == tag


def _json(metadata: Mapping[str, Any]) -> bytes | None:
    """The metadata as JSON; None if there is no such form."""
    try:
        return msgspec.json.encode(metadata)
    except (TypeError, ValueError, RecursionError):
        return None


def unique_key(job: Job, unique: Unique, queue: Queue, at: datetime) -> bytes:
    """What two jobs have in common that are the same: 32 bytes. Secrets count by digest: sealed ones always differ."""
    parts: dict[str, Any] = {"kind": job.spec.kind}
    if unique.by_args:
        parts["args"] = asdict(job)
    if unique.by_queue:
        parts["queue"] = queue
    if unique.period is not None:
        parts["period"] = (at - _EPOCH) // unique.period
    return hashlib.sha256(msgspec.json.encode(parts, enc_hook=_digested, order="deterministic")).digest()


def _digested(value: object) -> str:
    if isinstance(value, Secret):
        return hashlib.sha256(b"revenge unique job\x00" + value.reveal().encode(errors="surrogatepass")).hexdigest()
    raise NotImplementedError(f"a job cannot carry a {type(value).__name__}")


def spec_problems(spec: JobSpec) -> list[str]:
    """What is wrong with a kind, in words."""
    none, unique = timedelta(0), spec.unique
    rules = {
        "a kind is letters, digits and underscores": spec.kind.isidentifier(),
        "priority is from 1 to 4": 1 <= spec.priority <= 4,  # noqa: PLR2004 -- River's range
        f"attempts are from 1 to {MAX_ATTEMPTS}": 1 <= spec.max_attempts <= MAX_ATTEMPTS,
        "a timeout is longer than no time, and at most ten years": (
            spec.timeout is None or none < spec.timeout <= LONGEST_TIMEOUT
        ),
        "a retry waits for no negative time": min(spec.retry.step, spec.retry.ceiling) >= none,
        "jitter is a share from 0 to 1": 0 <= spec.retry.jitter <= 1,
        "unique jobs keep others out in every unfinished state": unique is None or unique.states >= UNFINISHED,
        "a period is longer than no time": unique is None or unique.period is None or unique.period > none,
    }
    return [f"{spec.kind!r}: {rule}" for rule, holds in rules.items() if not holds]
