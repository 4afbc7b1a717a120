"""The rules of jobs: what an attempt's end means, when a tick is due, what is unique. Whoever runs jobs asks here."""

import hashlib
import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import asdict, replace

from revenge_core.background import (
    FINISHED,
    UNFINISHED,
    CancelJob,
    Curve,
    DiscardJob,
    J,
    Job,
    JobSpec,
    JobState,
    Missed,
    Planned,
    Queue,
    Retry,
    RetryAfter,
    Schedule,
    Snooze,
    Unique,
)
from revenge_core.entity import Entity
from revenge_core.errors import FieldProblem, RevengeError
from revenge_core.jobs.entities import Claimed, Finish, JobAct, JobFilter
from revenge_core.jobs.errors import JobPayloadInvalid, JobRefused
from revenge_core.secrets import Secret

MAX_TAGS: Final = 20
MAX_TAG_LENGTH: Final = 200
MAX_ARGS_BYTES: Final = 1024 * 1024
MAX_METADATA_BYTES: Final = 64 * 1024
MAX_ATTEMPTS: Final = 1000
MAX_ERROR_LENGTH: Final = 2000
MAX_TRACE_LENGTH: Final = 8000
MOST_MISSED: Final = 100
"""So many missed ticks are made up for at once; the next look makes up for more."""

LOST: Final = "worker_lost: nothing was heard of the worker for too long"
OVERRAN: Final = "worker_lost: the timeout passed and the worker had not stopped the attempt"
"""What is written among a job's errors when it is rescued; losses are counted by what these begin with."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""U+0000 in JSON, and not a backslash with letters after it."""
_REVEALING: Final = re.compile(r"^(Invalid (?:enum )?value) .*?( - at `[^`]*`)?$", re.DOTALL)
"""What msgspec says with the value that it found."""
_MOST_RESCUE_SECONDS: Final = 3600


class Interrupted(Exception):  # noqa: N818 -- an outcome
    """The worker stops before the job has: it is given back, and the attempt does not count."""


class CancelRequested(Exception):  # noqa: N818 -- an outcome
    """Somebody asked for the running job to be cancelled."""


class TimedOut(Exception):  # noqa: N818 -- an outcome
    """The attempt took longer than its kind allows."""


# Outcomes -----------------------------------------------------------------------------------------------------------


def finish_of(  # noqa: PLR0911 -- a table, one line for each outcome
    claimed: Claimed, retry: Retry, error: BaseException | None, *, chance: float
) -> Finish:
    """How the run ends that came back with `error`, None for success. `chance` from 0 to 1 is the retry's jitter."""
    match error:
        case None:
            return Finish(key=claimed.key, state=JobState.COMPLETED)
        case Snooze():
            return Finish(key=claimed.key, state=JobState.SCHEDULED, delay=max(error.delay, timedelta(0)), refund=True)
        case Interrupted():
            return Finish(key=claimed.key, state=JobState.AVAILABLE, refund=True)
        case CancelRequested() | CancelJob():
            return Finish(key=claimed.key, state=JobState.CANCELLED, error=_text(error))
        case DiscardJob():
            return Finish(key=claimed.key, state=JobState.DISCARDED, error=_text(error))
        case RetryAfter():
            return _again(claimed, max(error.delay, timedelta(0)), error)
        case _:
            return _again(claimed, retry_delay(retry, claimed.attempt, chance=chance), error)


def _again(claimed: Claimed, delay: timedelta, error: BaseException) -> Finish:
    state = JobState.RETRYABLE if claimed.attempt < claimed.max_attempts else JobState.DISCARDED
    return Finish(key=claimed.key, state=state, delay=delay, error=_text(error), trace=_trace(error))


def retry_delay(retry: Retry, attempt: int, *, chance: float) -> timedelta:
    """How long to wait after failed attempt number `attempt`, counted from 1."""
    step, ceiling = retry.step.total_seconds(), retry.ceiling.total_seconds()
    growth = {
        Curve.CONSTANT: 1.0,
        Curve.LINEAR: float(attempt),
        Curve.EXPONENTIAL: 2.0 ** min(attempt - 1, 60),
        Curve.FOURTH_POWER: float(attempt) ** 4,
    }
    pause = min(step * growth[retry.curve], ceiling)
    return timedelta(seconds=pause * (1 + retry.jitter * (2 * chance - 1)))


def rescue_delay(losses: int, attempt: int) -> timedelta:
    """How long a job waits that a worker lost for the `losses`th time, in this attempt.

    Twice it goes on at once: it was hardly the job's fault. From the third time on it may be what kills its workers.
    """
    return timedelta(0) if losses < 3 else timedelta(seconds=min(attempt**4, _MOST_RESCUE_SECONDS))  # noqa: PLR2004 -- the rule


def _text(error: BaseException) -> str:
    if isinstance(error, RevengeError):
        return storable(f"{error.code}: {error.detail}")[:MAX_ERROR_LENGTH]
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 -- an error that cannot even be written down must not hold up the worker
        said = ""
    return storable(f"{type(error).__name__}: {said}".removesuffix(": "))[:MAX_ERROR_LENGTH]


def _trace(error: BaseException) -> str | None:
    if isinstance(error, RevengeError | RetryAfter | TimedOut):
        return None
    return storable("".join(traceback.format_tb(error.__traceback__)))[-MAX_TRACE_LENGTH:] or None


def storable(text: str) -> str:
    """The text as every database keeps it: what is no Unicode, such as parts of odd file names, is spelled out."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


# Enqueuing ----------------------------------------------------------------------------------------------------------


class Prepared(Entity, kw_only=True):
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
    problems = [
        *_problems(1 <= priority <= 4, "/priority", "must be from 1 (first) to 4"),  # noqa: PLR2004 -- River's range
        *_problems(1 <= max_attempts <= MAX_ATTEMPTS, "/max_attempts", f"must be from 1 to {MAX_ATTEMPTS}"),
        *_problems(planned.at is None or planned.at.tzinfo is not None, "/at", "must say its time zone"),
        *_problems(len(planned.tags) <= MAX_TAGS, "/tags", f"must be at most {MAX_TAGS}"),
        *_problems(
            all(1 <= len(tag) <= MAX_TAG_LENGTH and storable(tag) == tag for tag in planned.tags),
            "/tags",
            f"must each have 1 to {MAX_TAG_LENGTH} characters, none of them U+0000 or half a character",
        ),
        *_problems(len(args) <= MAX_ARGS_BYTES, "/args", f"must be at most {MAX_ARGS_BYTES} bytes of JSON"),
        *_problems(not _NUL.search(args), "/args", "must not contain the character U+0000, which no database keeps"),
        *_problems(
            metadata is not None and len(metadata) <= MAX_METADATA_BYTES and not _NUL.search(metadata),
            "/metadata",
            f"must be at most {MAX_METADATA_BYTES} bytes of JSON, without U+0000",
        ),
        *_problems(
            unique is None or unique.states >= UNFINISHED, "/unique/states", "must contain every unfinished state"
        ),
        *_problems(
            unique is None or unique.period is None or unique.period > timedelta(0),
            "/unique/period",
            "must be positive",
        ),
    ]
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


def _problems(fine: bool, pointer: str, detail: str) -> list[FieldProblem]:  # noqa: FBT001 -- read as a sentence
    return [] if fine else [FieldProblem(pointer=pointer, detail=detail)]


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


# Payloads -----------------------------------------------------------------------------------------------------------


class _Sealed(Entity, kw_only=True):
    """What stands for a secret in the arguments."""

    sealed: str


def encoded(job: Job, seal: Callable[[Secret], str]) -> bytes:
    """The payload as JSON; every `Secret` in it is sealed.

    Raises:
        JobRefused: it holds what JSON has no form for, or what its own type does not take: nobody could run it.
    """

    def sealed(value: object) -> object:
        if isinstance(value, Secret):
            return {"sealed": seal(value)}
        raise NotImplementedError(f"a job cannot carry a {type(value).__name__}")

    try:
        args = msgspec.json.encode(job, enc_hook=sealed)
        decoded(type(job), msgspec.Raw(args), Secret)
    except (NotImplementedError, TypeError, ValueError, RecursionError) as error:
        raise JobRefused(f"A job of kind {job.spec.kind} cannot be written as JSON: {_unrevealing(error)}") from None
    except JobPayloadInvalid as invalid:
        raise JobRefused(invalid.detail) from None
    return args


def decoded(kind: type[J], args: msgspec.Raw, unseal: Callable[[str], Secret]) -> J:
    """The payload of a row. Unknown fields are ignored: a newer program may have added them.

    Raises:
        JobPayloadInvalid: it does not fit. Arguments may be private, so the message names the place only.
    """

    def opened(expected: type, value: object) -> object:
        if expected is Secret:
            return unseal(msgspec.convert(value, _Sealed).sealed)
        raise NotImplementedError(f"a {expected.__name__} is to be there")

    try:
        return msgspec.json.decode(bytes(args), type=kind, dec_hook=opened)
    except (msgspec.MsgspecError, NotImplementedError, ValueError) as error:
        raise JobPayloadInvalid(f"The arguments do not fit {kind.spec.kind}: {_unrevealing(error)}") from None


def _unrevealing(error: Exception) -> str:
    return _REVEALING.sub(r"\1\2", str(error))


# Administration ------------------------------------------------------------------------------------------------------


class Reach(Entity, kw_only=True):
    """Which of the jobs that fit a filter an act is done to."""

    possible: frozenset[JobState]
    """In other states there is nothing to do, or it is refused."""
    unasked: frozenset[JobState]
    """These, where the filter names no state and no job: nothing is lost or done twice that nobody asked for."""


REACH: Final[Mapping[JobAct, Reach]] = {
    JobAct.CANCEL: Reach(possible=UNFINISHED, unasked=UNFINISHED),
    JobAct.DELETE: Reach(possible=frozenset(JobState) - {JobState.RUNNING}, unasked=FINISHED),
    JobAct.RETRY: Reach(
        possible=frozenset(JobState) - {JobState.AVAILABLE, JobState.RUNNING},
        unasked=frozenset({JobState.DISCARDED, JobState.RETRYABLE}),
    ),
}


def narrowed(wanted: JobFilter, act: JobAct) -> JobFilter | None:
    """The filter for those of its jobs that `act` is done to; None if it can be done to none of them.

    Whoever repeats the act until nothing is left comes to an end: what it was done to does not fit any more.
    """
    reach = REACH[act]
    states = reach.possible if wanted.states or wanted.ids else reach.unasked
    states = states.intersection(wanted.states or states)
    if act is JobAct.CANCEL:
        if wanted.cancel_requested:
            return None
        wanted = replace(wanted, cancel_requested=False)
    return replace(wanted, states=tuple(sorted(states))) if states else None


# Schedules ----------------------------------------------------------------------------------------------------------


class Due(Entity, kw_only=True):
    """What is to be done about a schedule now."""

    ticks: tuple[datetime, ...]
    """One job for each."""
    next_run_at: datetime


def next_tick(every: timedelta, offset: timedelta, after: datetime) -> datetime:
    """The first tick later than `after`."""
    passed = (after - _EPOCH - offset) // every
    return _EPOCH + offset + (passed + 1) * every


def due(every: timedelta, offset: timedelta, missed: Missed, *, next_run_at: datetime, now: datetime) -> Due:
    """Which ticks from `next_run_at` on are to be run at `now`, and when to look again.

    A tick that is less than one period late is not missed, only late.
    """
    if next_run_at > now:
        return Due(ticks=(), next_run_at=next_run_at)
    following = next_tick(every, offset, now)
    match missed:
        case Missed.ONCE:
            return Due(ticks=(next_run_at,), next_run_at=following)
        case Missed.SKIP:
            latest = following - every
            return Due(ticks=(latest,) if next_run_at >= latest else (), next_run_at=following)
        case Missed.ALL:
            ticks = [next_run_at]
            while len(ticks) < MOST_MISSED and (tick := next_tick(every, offset, ticks[-1])) <= now:
                ticks.append(tick)
            return Due(ticks=tuple(ticks), next_run_at=next_tick(every, offset, ticks[-1]))


def schedule_problems(schedules: Sequence[Schedule]) -> list[str]:
    """What is wrong with a program's schedules, in words."""
    names = [schedule.name for schedule in schedules]
    return [
        *(f"two schedules are called {name}" for name in sorted({name for name in names if names.count(name) > 1})),
        *(f"{one.name} must tick every second at most" for one in schedules if one.every < timedelta(seconds=1)),
        *(
            f"the offset of {one.name} must be shorter than its period"
            for one in schedules
            if not timedelta(0) <= one.offset < one.every
        ),
    ]


def spec_problems(spec: JobSpec) -> list[str]:
    """What is wrong with a kind, in words."""
    return [
        *([] if spec.kind.isidentifier() else [f"a kind is letters, digits and underscores: {spec.kind!r}"]),
        *([] if 1 <= spec.priority <= 4 else [f"{spec.kind}: priority is from 1 to 4"]),  # noqa: PLR2004 -- River's range
        *([] if 1 <= spec.max_attempts <= MAX_ATTEMPTS else [f"{spec.kind}: attempts are from 1 to {MAX_ATTEMPTS}"]),
        *(
            []
            if spec.unique is None or spec.unique.states >= UNFINISHED
            else [f"{spec.kind}: unique jobs keep others out in every unfinished state"]
        ),
    ]
