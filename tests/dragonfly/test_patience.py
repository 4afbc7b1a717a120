"""How long who waits for word of a job: relays, of what they handed on; workers, of relays and of themselves."""

from collections.abc import Iterable
from datetime import timedelta

import msgspec
import pytest

from revenge_adapters.dragonfly.dispatched import Dispatched, Run
from revenge_adapters.dragonfly.envelopes import CLOCKS_DIFFER_BY
from revenge_adapters.dragonfly.holding import Holding
from revenge_adapters.dragonfly.streams import Announcement
from revenge_core.jobs.entities import ANSWERED_WITHIN, JobKey
from revenge_core.testing.builders import a_claimed_job, a_worker

LEASE = timedelta(seconds=100)


def run(number: int) -> Run:
    return Run(job=a_claimed_job(id=number, kind="parcel", queue="bulk"), stream="somewhere")


def key(number: int) -> JobKey:
    return JobKey(id=number, run=1)


def numbers(runs: Iterable[Run]) -> list[int]:
    return [one.job.id for one in runs]


class Time:
    """As it passes for one worker."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def dispatched() -> Dispatched:
    dispatched = Dispatched(LEASE)
    dispatched.put([run(1), run(2)])
    return dispatched


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def holding(time: Time) -> Holding:
    holding = Holding(["parcel"], lease=LEASE, now=time)
    holding.begin(a_worker("afar", queues={"bulk": 3, "low": 1}))
    return holding


def test_what_nobody_takes_is_forgotten_after_a_lease_and_a_quarter(dispatched: Dispatched) -> None:
    dispatched.listened(125)
    assert numbers(dispatched.forgotten()) == []
    dispatched.listened(1)
    assert numbers(dispatched.forgotten()) == [1, 2]
    assert numbers(dispatched.lost()) == []


def test_what_somebody_runs_is_lost_when_nothing_is_heard_for_two_fifths_of_a_lease(dispatched: Dispatched) -> None:
    dispatched.mention([key(1)])
    dispatched.listened(40)
    assert numbers(dispatched.lost()) == []
    dispatched.mention([key(1)])
    dispatched.listened(41)
    assert numbers(dispatched.lost()) == [1]
    assert numbers(dispatched.waiting()) == [2]


def test_what_was_handed_on_again_is_the_same(dispatched: Dispatched) -> None:
    dispatched.listened(126)
    dispatched.put([msgspec.structs.replace(run(1), entry=b"1-1")])
    assert [one.entry for one in dispatched.forgotten()] == [b"1-1", None]


def test_what_is_mentioned_and_was_never_handed_on_is_passed_over(dispatched: Dispatched) -> None:
    dispatched.mention([key(3), JobKey(id=1, run=2)])
    assert dispatched.keys() == {key(1), key(2)}
    assert numbers(dispatched.waiting()) == [1, 2]


def test_what_was_out_when_the_server_forgot_is_forgiven(dispatched: Dispatched) -> None:
    dispatched.forgive()
    dispatched.put([run(3)])
    assert [one.forgiven for one in dispatched] == [True, True, False]


def test_a_worker_that_could_not_say_anything_for_a_lease_is_lost_until_it_begins_anew(
    holding: Holding, time: Time
) -> None:
    time.now += 99
    holding.said()
    time.now += 99
    assert not holding.is_lost()
    time.now += 1
    assert holding.is_lost()
    holding.said()
    assert holding.is_lost()
    holding.begin(a_worker("afar"))
    assert not holding.is_lost()


def test_a_worker_whose_relay_is_gone_is_lost(holding: Holding, time: Time) -> None:
    holding.take("relay", "bulk", key(1))
    time.now += 74
    holding.said()
    holding.see("relay")
    time.now += 74
    assert not holding.is_lost()
    time.now += 1
    assert holding.is_lost()


def test_a_relay_may_go_when_nothing_of_it_is_left(holding: Holding, time: Time) -> None:
    holding.take("relay", "bulk", key(1))
    holding.drop([key(1)])
    time.now += 99
    assert not holding.is_lost()


def test_a_run_is_taken_once(holding: Holding) -> None:
    assert holding.take("relay", "bulk", key(1))
    assert not holding.take("relay", "bulk", key(1))
    assert holding.take("relay", "bulk", JobKey(id=1, run=2))


def test_a_run_that_ended_is_not_taken_again_while_its_message_may_be_repeated(holding: Holding, time: Time) -> None:
    holding.take("relay", "bulk", key(1))
    holding.drop([key(1)])
    holding.begin(a_worker("afar"))
    time.now += 2 * (LEASE + CLOCKS_DIFFER_BY).total_seconds()
    assert not holding.take("relay", "bulk", key(1))
    time.now += 1
    assert holding.take("relay", "bulk", key(1))


def test_an_announcement_says_what_runs_and_how_much_more_could(holding: Holding) -> None:
    holding.take("one", "bulk", key(1))
    holding.take("two", "bulk", key(2))
    holding.take("one", "low", key(3))
    assert holding.announcement(without=[key(2)]) == Announcement(
        kinds=frozenset({"parcel"}),
        slots={"bulk": 3, "low": 1},
        free={"bulk": 2, "low": 0},
        running={"one": (key(1), key(3))},
    )


def test_what_relays_say_is_lost_is_not_ours_any_more(holding: Holding) -> None:
    holding.take("relay", "bulk", key(1))
    assert holding.has(key(1))
    holding.lose([key(1)])
    assert not holding.has(key(1))
    assert not holding.has(key(2))


def test_what_was_taken_long_ago_and_nobody_knows_of_is_given_back(holding: Holding, time: Time) -> None:
    holding.take("relay", "bulk", key(1))
    holding.take("relay", "bulk", key(2))
    time.now += ANSWERED_WITHIN.total_seconds() + 1
    holding.take("relay", "bulk", key(3))
    assert holding.unknown({key(1)}) == (key(2),)
