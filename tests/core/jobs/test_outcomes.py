"""What the end of an attempt means, and when the next one comes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from typing_extensions import override

from revenge_core.background import CancelJob, Curve, DiscardJob, JobState, Retry, RetryAfter, Snooze
from revenge_core.errors import Unavailable
from revenge_core.jobs.entities import Claimed, Finish
from revenge_core.jobs.policy import (
    LONGEST_DELAY,
    MAX_ERROR_LENGTH,
    MAX_TRACE_LENGTH,
    CancelRequested,
    Interrupted,
    TimedOut,
    Uncommitted,
    finish_of,
    rescue_delay,
    retry_delay,
    storable,
)
from revenge_core.testing.builders import a_claimed_job

MINUTE = timedelta(minutes=1)
AGAIN = JobState.RETRYABLE
CLAIMED = a_claimed_job(id=7, run=3, queue="high", attempt=2, max_attempts=5, timeout=60.0)
LAST = replace(CLAIMED, attempt=5)
MINUTELY = Retry(curve=Curve.CONSTANT, step=MINUTE, jitter=0)

retries = st.builds(
    Retry,
    curve=st.sampled_from(Curve),
    step=st.timedeltas(timedelta(0), timedelta(days=1)),
    ceiling=st.timedeltas(timedelta(0), timedelta(days=30)),
    jitter=st.floats(0, 1),
)
attempts = st.integers(1, 1000)
chances = st.floats(0, 1)


def end(error: BaseException | None, claimed: Claimed = CLAIMED) -> Finish:
    return finish_of(claimed, MINUTELY, error, chance=0.5)


def raised(error: Exception) -> Exception:
    """The error, with a trace."""
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 -- it is the point
        return caught


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, {"state": JobState.COMPLETED}),
        (Snooze(MINUTE), {"state": JobState.SCHEDULED, "delay": MINUTE, "refund": True}),
        (Snooze(-MINUTE), {"state": JobState.SCHEDULED, "refund": True}),
        (Snooze(timedelta.max), {"state": JobState.SCHEDULED, "delay": LONGEST_DELAY, "refund": True}),
        (Interrupted(), {"state": JobState.AVAILABLE, "refund": True}),
        (CancelRequested(), {"state": JobState.CANCELLED, "error": "CancelRequested"}),
        (CancelJob("nobody is hungry"), {"state": JobState.CANCELLED, "error": "CancelJob: nobody is hungry"}),
        (DiscardJob("no bakery"), {"state": JobState.DISCARDED, "error": "DiscardJob: no bakery"}),
        (RetryAfter(2 * MINUTE, "busy"), {"state": AGAIN, "delay": 2 * MINUTE, "error": "RetryAfter: busy"}),
        (RetryAfter(-MINUTE, "busy"), {"state": AGAIN, "error": "RetryAfter: busy"}),
        (RetryAfter(timedelta.max, "late"), {"state": AGAIN, "delay": LONGEST_DELAY, "error": "RetryAfter: late"}),
        (Uncommitted("gone"), {"state": AGAIN, "error": "Uncommitted: gone"}),
        (TimedOut("60 s"), {"state": AGAIN, "delay": MINUTE, "error": "TimedOut: 60 s"}),
        (ValueError("no flour"), {"state": AGAIN, "delay": MINUTE, "error": "ValueError: no flour"}),
        (KeyboardInterrupt(), {"state": AGAIN, "delay": MINUTE, "error": "KeyboardInterrupt"}),
    ],
    ids=lambda value: repr(value) if isinstance(value, BaseException) else None,
)  # fmt: skip
def test_each_way_to_end_means_something(error: BaseException | None, expected: dict[str, Any]) -> None:
    assert end(error) == Finish(key=CLAIMED.key, **expected)


@pytest.mark.parametrize("error", [ValueError("no flour"), RetryAfter(MINUTE, "busy"), TimedOut(), Uncommitted()])
def test_after_the_last_attempt_a_failed_job_is_discarded(error: Exception) -> None:
    assert end(error, LAST).state is JobState.DISCARDED


@pytest.mark.parametrize("error", [None, Snooze(MINUTE), Interrupted(), CancelJob(""), DiscardJob("")])
def test_what_is_no_failure_ends_the_last_attempt_as_any_other(error: Exception | None) -> None:
    assert end(error, LAST) == end(error)


def test_an_unexpected_error_is_kept_with_the_way_to_it() -> None:
    trace = end(raised(ValueError("no flour"))).trace
    assert trace is not None
    assert "in raised" in trace
    assert "no flour" not in trace


@pytest.mark.parametrize(
    "error", [Unavailable("the shop is shut"), RetryAfter(MINUTE, "busy"), TimedOut(), Uncommitted()]
)
def test_what_explains_itself_is_kept_without_a_trace(error: Exception) -> None:
    assert end(raised(error)).trace is None


def test_our_own_errors_are_told_by_their_code() -> None:
    assert end(Unavailable("the shop is shut")).error == "unavailable: the shop is shut"


def test_long_errors_are_cut_and_of_long_traces_the_end_is_kept() -> None:
    def deep(level: int) -> None:
        if level:
            deep(level - 1)
        raise ValueError("x" * 10_000)

    with pytest.raises(ValueError, match="x") as caught:
        deep(300)
    finish = end(caught.value)
    assert finish.error is not None
    assert finish.trace is not None
    assert len(finish.error) == MAX_ERROR_LENGTH
    assert len(finish.trace) <= MAX_TRACE_LENGTH
    assert finish.trace.rstrip().endswith('raise ValueError("x" * 10_000)')


def test_an_error_that_cannot_be_written_down_is_told_by_its_type() -> None:
    class UnspeakableError(Exception):
        @override
        def __str__(self) -> str:
            raise RuntimeError

    assert end(UnspeakableError()).error == "UnspeakableError"


@given(st.text(st.characters()))
def test_every_text_can_be_stored(text: str) -> None:
    stored = storable(text)
    assert "\0" not in stored
    assert stored.encode().decode() == stored
    assert storable(stored) == stored


def test_what_can_be_stored_as_it_is_stays_so_and_the_rest_is_spelled_out() -> None:
    assert storable("Käse 🎬 \\x00") == "Käse 🎬 \\x00"
    assert end(ValueError("a\0b\udc80")).error == "ValueError: a\\x00b\\udc80"


# Pauses


@given(retry=retries, attempt=attempts, chance=chances)
def test_a_pause_is_never_negative_and_never_longer_than_the_ceiling_and_its_jitter(
    retry: Retry, attempt: int, chance: float
) -> None:
    most = retry.ceiling * (1 + retry.jitter) + timedelta(microseconds=1)
    assert timedelta(0) <= retry_delay(retry, attempt, chance=chance) <= most


@given(retry=retries, attempt=attempts)
def test_pauses_never_get_shorter_with_the_attempts(retry: Retry, attempt: int) -> None:
    assert retry_delay(retry, attempt, chance=0.5) <= retry_delay(retry, attempt + 1, chance=0.5)


@given(retry=retries, attempt=attempts, chance=chances)
def test_jitter_moves_a_pause_by_its_share_at_most(retry: Retry, attempt: int, chance: float) -> None:
    middle = retry_delay(replace(retry, jitter=0), attempt, chance=chance)
    moved = retry_delay(retry, attempt, chance=chance)
    assert abs(moved - middle) <= middle * retry.jitter + timedelta(microseconds=2)


@pytest.mark.parametrize(
    ("curve", "seconds"),
    [
        (Curve.CONSTANT, [2, 2, 2, 2]),
        (Curve.LINEAR, [2, 4, 6, 8]),
        (Curve.EXPONENTIAL, [2, 4, 8, 16]),
        (Curve.FOURTH_POWER, [2, 32, 162, 512]),
    ],
)
def test_a_curve_grows_as_its_name_says(curve: Curve, seconds: list[int]) -> None:
    retry = Retry(curve=curve, step=timedelta(seconds=2), jitter=0)
    pauses = [retry_delay(retry, attempt, chance=0.9) for attempt in range(1, 5)]
    assert pauses == [timedelta(seconds=one) for one in seconds]


def test_jitter_reaches_from_a_tenth_less_to_a_tenth_more() -> None:
    retry = Retry(curve=Curve.CONSTANT, step=timedelta(seconds=100))
    assert [retry_delay(retry, 1, chance=chance).total_seconds() for chance in (0, 0.5, 1)] == [90, 100, 110]


@given(losses=st.integers(1, 50), attempt=attempts)
def test_a_lost_job_goes_on_at_once_twice_and_then_waits_an_hour_at_most(losses: int, attempt: int) -> None:
    pause = rescue_delay(losses, attempt)
    assert timedelta(0) <= pause <= timedelta(hours=1)
    assert (pause == timedelta(0)) == (losses < 3)
    assert pause <= rescue_delay(losses, attempt + 1)
