"""What stands in Dragonfly: who can read it, and what is believed of it."""

import logging
from datetime import timedelta

import pytest

from revenge_adapters.dragonfly.envelopes import CLOCKS_DIFFER_BY, Envelopes
from revenge_adapters.dragonfly.streams import Done, Orders
from revenge_core.jobs.entities import JobKey
from revenge_core.secrets import Secret

OURS = Secret("what these machines have in common")
PLACE = "somewhere"
ORDERS = Orders(cancel=(JobKey(id=7, run=1),))
LEASE = timedelta(seconds=20)


class Time:
    """As a machine's clock says."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def envelopes(time: Time) -> Envelopes:
    return Envelopes(OURS, now=time)


def test_what_was_sealed_opens_where_it_was_put_for_whoever_has_the_secret(envelopes: Envelopes) -> None:
    assert Envelopes(OURS).open(PLACE, envelopes.seal(PLACE, ORDERS), Orders) == ORDERS


def test_it_opens_nowhere_else(envelopes: Envelopes) -> None:
    assert envelopes.open("elsewhere", envelopes.seal(PLACE, ORDERS), Orders) is None


def test_not_one_byte_of_it_can_be_changed_or_left_out(envelopes: Envelopes) -> None:
    sealed = envelopes.seal(PLACE, ORDERS)
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        assert envelopes.open(PLACE, changed, Orders) is None
        assert envelopes.open(PLACE, sealed[:at], Orders) is None
    assert envelopes.open(PLACE, sealed + b"\0", Orders) is None


def test_another_installation_reads_nothing_and_uses_other_names(envelopes: Envelopes) -> None:
    other = Envelopes(Secret("what other machines have in common"))
    assert other.open(PLACE, envelopes.seal(PLACE, ORDERS), Orders) is None
    assert other.name("done") != envelopes.name("done")
    assert Envelopes(OURS).name("done") == envelopes.name("done")


def test_nothing_of_a_message_can_be_seen_and_no_two_are_alike(envelopes: Envelopes) -> None:
    one, other = envelopes.seal(PLACE, ORDERS), envelopes.seal(PLACE, ORDERS)
    assert b"cancel" not in one
    assert not {one[at : at + 8] for at in range(len(one) - 7)} & {other[at : at + 8] for at in range(len(other) - 7)}


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_good_for_some_time_opens_for_so_long_and_what_clocks_may_differ_by(
    envelopes: Envelopes, time: Time, sign: int
) -> None:
    sealed = envelopes.seal(PLACE, ORDERS)
    time.now += sign * (LEASE + CLOCKS_DIFFER_BY).total_seconds()
    assert envelopes.open(PLACE, sealed, Orders, within=LEASE) == ORDERS
    time.now += sign
    assert envelopes.open(PLACE, sealed, Orders, within=LEASE) is None
    assert envelopes.open(PLACE, sealed, Orders) == ORDERS


def test_what_another_version_wrote_is_ignored(envelopes: Envelopes) -> None:
    assert envelopes.open(PLACE, envelopes.seal(PLACE, ORDERS), JobKey) is None


def test_why_something_is_ignored_is_said_once_without_what_it_says(
    envelopes: Envelopes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "revenge.streams"):
        for _ in range(3):
            envelopes.open(PLACE, b"let me in, I am from another planet", Orders)
            envelopes.open(PLACE, b"", Done)
    assert [record.getMessage().partition(")")[0] for record in caplog.records] == [
        "a message in Dragonfly (Orders",
        "a message in Dragonfly (Done",
    ]
    assert "planet" not in caplog.text
