"""What may be enqueued, and which jobs count as the same."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from revenge_core.background import UNFINISHED, Curve, Job, JobSpec, JobState, Planned, Queue, Retry, Unique
from revenge_core.jobs.errors import JobRefused
from revenge_core.jobs.policy import (
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
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.errands import Delivery, Errand, SoleErrand

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def prepare(planned: Planned) -> Prepared:
    return prepared(planned, now=NOW, seal=lambda secret: f"sealed {len(secret.reveal())}")


def refused(planned: Planned) -> dict[str, str]:
    """What is wrong, by pointer."""
    with pytest.raises(JobRefused) as caught:
        prepare(planned)
    return {problem.pointer: problem.detail for problem in caught.value.problems}


def test_a_job_is_as_its_kind_says() -> None:
    assert prepare(Planned(job=Errand(what="bread"))) == Prepared(
        kind="errand",
        queue=Queue.HIGH,
        priority=2,
        max_attempts=5,
        timeout=60.0,
        at=None,
        args=b'{"what":"bread","times":1}',
        metadata=b"{}",
        tags=(),
        unique_key=None,
        unique_states=(),
    )


def test_what_is_said_of_one_job_wins() -> None:
    at = datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
    unique = Unique(states=UNFINISHED | {JobState.COMPLETED})
    job = prepare(
        Planned(
            job=SoleErrand(),
            at=at,
            queue=Queue.BULK,
            priority=1,
            max_attempts=1,
            unique=unique,
            tags=("a", "b"),
            metadata={"why": ["hunger", 1]},
        )
    )
    assert (job.queue, job.priority, job.max_attempts, job.at, job.tags) == (Queue.BULK, 1, 1, at, ("a", "b"))
    assert job.metadata == b'{"why":["hunger",1]}'
    assert job.unique_key is not None
    assert set(job.unique_states) == unique.states


def test_every_problem_is_named_at_once() -> None:
    problems = refused(
        Planned(
            job=Errand(),
            at=datetime(2026, 1, 1),  # noqa: DTZ001 -- it is the point
            priority=0,
            max_attempts=MAX_ATTEMPTS + 1,
            tags=("x" * (MAX_TAG_LENGTH + 1),),
            metadata={"long": "x" * MAX_METADATA_BYTES},
            unique=Unique(states=frozenset({JobState.AVAILABLE}), period=timedelta(0)),
        )
    )
    assert problems.keys() == {
        "/at",
        "/priority",
        "/max_attempts",
        "/tags",
        "/metadata",
        "/unique/states",
        "/unique/period",
    }


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"priority": 5}, "/priority"),
        ({"max_attempts": 0}, "/max_attempts"),
        ({"tags": ("",)}, "/tags"),
        ({"tags": ("a\0b",)}, "/tags"),
        ({"tags": ("\udc80",)}, "/tags"),
        ({"tags": tuple("x" for _ in range(MAX_TAGS + 1))}, "/tags"),
        ({"metadata": {"text": "a\0b"}}, "/metadata"),
        ({"metadata": {"text": "\udc80"}}, "/metadata"),
        ({"metadata": {"thing": object()}}, "/metadata"),
        ({"job": Errand(what="a\0b")}, "/args"),
        ({"job": Errand(what="x" * MAX_ARGS_BYTES)}, "/args"),
    ],
)
def test_each_bound_is_kept(changes: dict[str, Any], pointer: str) -> None:
    assert refused(replace(Planned(job=Errand()), **changes)).keys() == {pointer}


def test_up_to_each_bound_everything_goes() -> None:
    tags = tuple("x" * MAX_TAG_LENGTH for _ in range(MAX_TAGS))
    for priority in (1, 4):
        prepare(Planned(job=Errand(), priority=priority, max_attempts=MAX_ATTEMPTS, tags=tags))
    text = "x" * (MAX_METADATA_BYTES - len(b'{"text":""}'))
    assert len(prepare(Planned(job=Errand(), metadata={"text": text})).metadata) == MAX_METADATA_BYTES


@given(st.text(st.characters(codec="utf-8")))
def test_only_the_character_itself_is_refused_and_not_how_it_is_written(text: str) -> None:
    planned = Planned(job=Errand(what=text), metadata={"text": text})
    if "\0" in text:
        assert refused(planned).keys() == {"/args", "/metadata"}
    else:
        prepare(planned)


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "a\\\\\\u0000"])
def test_a_backslash_with_letters_after_it_is_no_character(text: str) -> None:
    prepare(Planned(job=Errand(what=text)))
    assert refused(Planned(job=Errand(what=text + "\0"))).keys() == {"/args"}


# Unique jobs


def key(job: Job, unique: Unique = Unique(), queue: Queue = Queue.LOW, at: datetime = NOW) -> bytes:  # noqa: B008 -- frozen
    return unique_key(job, unique, queue, at)


class Parcel(Job, kw_only=True):
    """Something with all that payloads are made of."""

    spec: ClassVar[JobSpec] = JobSpec(kind="parcel")

    to: dict[str, list[int]]
    when: datetime = NOW
    how: Queue | None = None
    secret: Secret | None = None


parcels = st.builds(
    Parcel,
    to=st.dictionaries(st.text(max_size=3), st.lists(st.integers(-5, 5), max_size=2), max_size=3),
    when=st.datetimes(timezones=st.just(UTC)),
    how=st.none() | st.sampled_from(Queue),
    secret=st.none() | st.text(max_size=3).map(Secret),
)


@given(parcels, parcels)
def test_jobs_are_the_same_if_and_only_if_their_arguments_are(one: Parcel, other: Parcel) -> None:
    assert len(key(one)) == 32
    assert (key(one) == key(other)) == (one == other)
    assert key(one) == key(replace(one, to=dict(reversed(one.to.items()))))


def test_kinds_are_kept_apart_and_queues_if_asked_for() -> None:
    assert key(Errand()) != key(SoleErrand())
    assert key(Errand()) == key(Errand(), queue=Queue.HIGH)
    assert key(Errand(), Unique(by_queue=True)) != key(Errand(), Unique(by_queue=True), queue=Queue.HIGH)
    assert key(Errand(what="a"), Unique(by_args=False)) == key(Errand(what="b"), Unique(by_args=False))
    assert key(Errand(), Unique(by_args=False)) != key(SoleErrand(), Unique(by_args=False))


@given(at=st.datetimes(timezones=st.just(UTC)), later=st.timedeltas(timedelta(0), 3 * DAY))
def test_a_period_is_a_stretch_of_the_wall_clock(at: datetime, later: timedelta) -> None:
    if at > datetime.max.replace(tzinfo=UTC) - later:
        return
    same = key(Errand(), Unique(period=DAY), at=at) == key(Errand(), Unique(period=DAY), at=at + later)
    assert same == (at.date() == (at + later).date())


def test_a_time_in_the_past_means_the_period_of_now() -> None:
    daily = Unique(period=DAY)
    present = prepare(Planned(job=Errand(), unique=daily))
    assert prepare(Planned(job=Errand(), unique=daily, at=NOW - 7 * DAY)).unique_key == present.unique_key
    assert prepare(Planned(job=Errand(), unique=daily, at=NOW + DAY)).unique_key != present.unique_key


def test_secrets_count_and_are_not_to_be_read_from_the_key() -> None:
    mat, pot = key(Delivery(key=Secret("under the mat"))), key(Delivery(key=Secret("in the pot")))
    assert mat == key(Delivery(key=Secret("under the mat"))) != pot
    assert len(key(Delivery(key=Secret("half a \udc80")))) == 32


def test_what_no_key_can_be_made_of_is_told_by_its_type() -> None:
    with pytest.raises(NotImplementedError, match="object"):
        key(Parcel(to=object()))  # type: ignore[arg-type]  # the wrong type is the point


# Kinds


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"kind": "send-mail"}, "letters"),
        ({"kind": ""}, "letters"),
        ({"priority": 0}, "priority"),
        ({"priority": 5}, "priority"),
        ({"max_attempts": 0}, "attempts"),
        ({"timeout": timedelta(0)}, "timeout"),
        ({"retry": Retry(step=-DAY)}, "negative"),
        ({"retry": Retry(ceiling=-DAY)}, "negative"),
        ({"retry": Retry(curve=Curve.LINEAR, jitter=1.5)}, "jitter"),
        ({"unique": Unique(states=frozenset())}, "unfinished"),
        ({"unique": Unique(period=timedelta(0))}, "period"),
    ],
)
def test_a_kind_that_breaks_a_rule_is_told_which(changes: dict[str, Any], rule: str) -> None:
    (problem,) = spec_problems(replace(JobSpec(kind="errand"), **changes))
    assert rule in problem
    assert problem.startswith(repr(changes.get("kind", "errand")))


def test_kinds_may_have_no_timeout_and_be_unique() -> None:
    assert spec_problems(JobSpec(kind="errand", timeout=None, unique=Unique(period=DAY))) == []
