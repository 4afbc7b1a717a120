"""What the end of an attempt means for its job."""

import traceback
from collections.abc import Collection, Generator
from datetime import timedelta
from itertools import islice
from typing import Final, TypeGuard

from revenge_core.background import CancelJob, Curve, DiscardJob, JobState, Retry, RetryAfter, Snooze
from revenge_core.errors import RevengeError
from revenge_core.jobs.entities import Claimed, Finish
from revenge_core.secrets import Secret

MAX_ERRORS: Final = 50
"""So many errors of a job are kept, the latest; a job may fail a thousand times."""
MAX_ERROR_LENGTH: Final = 2000
SHORTEST_SECRET: Final = 4
"""Characters; anything shorter is found in every other word."""
MAX_TRACE_LENGTH: Final = 8000

LOST: Final = "worker_lost: nothing was heard of the worker for too long"
OVERRAN: Final = "worker_lost: the timeout passed and the worker had not stopped the attempt"
"""What is written among a job's errors when it is rescued; losses are counted by what these begin with."""

LONGEST_DELAY: Final = timedelta(days=3650)
"""A handler may say any time; no calendar of a database ends so soon."""
_MOST_RESCUE_SECONDS: Final = 3600


class Interrupted(Exception):  # noqa: N818 -- an outcome
    """The worker stops before the job has: it is given back, and the attempt does not count."""


class CancelRequested(Exception):  # noqa: N818 -- an outcome
    """Somebody asked for the running job to be cancelled."""


class Uncommitted(Exception):  # noqa: N818 -- an outcome
    """The handler completed the job in a transaction of its own; where that is there, this changes nothing.

    Where it is not, whether rolled back or lost with a database that crashed or failed over, the effects are lost too.
    To store the job as completed would then keep the word and lose the work.
    """


class TimedOut(Exception):  # noqa: N818 -- an outcome
    """The attempt took longer than its kind allows."""


def finish_of(  # noqa: PLR0911 -- a table, one line for each outcome
    claimed: Claimed,
    retry: Retry,
    error: BaseException | None,
    *,
    chance: float,
    secrets: Collection[Secret] = (),
) -> Finish:
    """How the run ends that came back with `error`, None for success. `chance` from 0 to 1 is the retry's jitter.

    `secrets` were in the job's arguments: where an error repeats one, it is left out.
    """
    match error:
        case None:
            return Finish(key=claimed.key, state=JobState.COMPLETED)
        case Snooze():
            return Finish(key=claimed.key, state=JobState.SCHEDULED, delay=_possible(error.delay), refund=True)
        case Interrupted():
            return Finish(key=claimed.key, state=JobState.AVAILABLE, refund=True)
        case CancelRequested() | CancelJob():
            return Finish(key=claimed.key, state=JobState.CANCELLED, error=_text(error, secrets))
        case DiscardJob():
            return Finish(key=claimed.key, state=JobState.DISCARDED, error=_text(error, secrets))
        case Uncommitted():
            return _again(claimed, timedelta(0), error, secrets)
        case RetryAfter():
            return _again(claimed, _possible(error.delay), error, secrets)
        case _:
            return _again(claimed, retry_delay(retry, claimed.attempt, chance=chance), error, secrets)


def _possible(delay: timedelta) -> timedelta:
    return min(max(delay, timedelta(0)), LONGEST_DELAY)


def _again(claimed: Claimed, delay: timedelta, error: BaseException, secrets: Collection[Secret]) -> Finish:
    state = JobState.RETRYABLE if claimed.attempt < claimed.max_attempts else JobState.DISCARDED
    return Finish(key=claimed.key, state=state, delay=delay, error=_text(error, secrets), trace=_trace(error))


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


def _text(error: BaseException, secrets: Collection[Secret]) -> str:
    if isinstance(error, RevengeError):
        return _kept(f"{error.code}: {error.detail}", secrets)
    try:
        said = str(error)
        if _is_group(error):
            said = f"{said}: {'; '.join(islice(_within(error, secrets), MAX_ERRORS))}"
    except Exception:  # noqa: BLE001 -- an error that cannot even be written down must not hold up the worker
        said = ""
    return _kept(f"{type(error).__name__}: {said}".removesuffix(": "), secrets)


def _kept(text: str, secrets: Collection[Secret]) -> str:
    for secret in secrets:
        if len(secret.reveal()) >= SHORTEST_SECRET:
            text = text.replace(secret.reveal(), str(secret))
    return storable(text)[:MAX_ERROR_LENGTH]


def _is_group(error: BaseException) -> TypeGuard[BaseExceptionGroup[BaseException]]:
    return isinstance(error, BaseExceptionGroup)


def _within(group: BaseException, secrets: Collection[Secret]) -> Generator[str]:
    """What went wrong in the parts, as from a `TaskGroup`: the group itself only says how many they are."""
    parts: list[BaseException] = [group]
    while parts:
        part = parts.pop()
        if _is_group(part):
            parts += reversed(part.exceptions)
        else:
            yield _text(part, secrets)


def _trace(error: BaseException) -> str | None:
    if isinstance(error, RevengeError | RetryAfter | TimedOut | Uncommitted):
        return None
    return storable("".join(traceback.format_tb(error.__traceback__)))[-MAX_TRACE_LENGTH:] or None


def storable(text: str) -> str:
    """The text as every database keeps it: what is no Unicode, such as parts of odd file names, is spelled out."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")
