"""Ports, and the adapters that inherit them by name.

A missing method of an inherited Protocol answers None at run time, and containers pass classes as values, where no type
checker looks. So this compares, name by name.
"""

import inspect
from typing import Final

import pytest
from typing_extensions import get_protocol_members

from revenge_core.actor import UseRecorder
from revenge_core.background import JobContext
from revenge_core.cache.ports import Cache, FeedView, Locks, SharedFeedView
from revenge_core.idempotency.ports import Fingerprints
from revenge_core.limits.ports import OwnLimiter, RateLimiter
from revenge_core.mail.ports import NoticeTemplates
from tests.house.modules import classes, is_port

OFFERED: Final = {JobContext, UseRecorder}
"""What core itself offers: to those who write handlers, as a Protocol so that they may try theirs with anything; to
actors, who are below all features."""
PORTS: Final = [thing for thing in classes("revenge_core") if is_port(thing) and thing not in OFFERED]
ADAPTERS: Final = [
    thing
    for package in ("revenge_adapters", "revenge_core")
    for thing in classes(package)
    if not is_port(thing) and any(is_port(base) for base in thing.__mro__)
]


def name(thing: type) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def ports_of(adapter: type) -> list[type]:
    return [base for base in adapter.__mro__ if is_port(base)]


def is_defined(adapter: type, member: str) -> bool:
    """Whether a real class, not the Protocol, says what `member` is; a slot or an annotation says it too."""
    for base in adapter.__mro__:
        if member in vars(base) or member in inspect.get_annotations(base):
            return not is_port(base)
    return False


@pytest.mark.parametrize("adapter", ADAPTERS, ids=name)
def test_an_adapter_defines_every_member_of_its_ports(adapter: type) -> None:
    missing = {
        f"{port.__name__}.{member}"
        for port in ports_of(adapter)
        for member in get_protocol_members(port)
        if not is_defined(adapter, member)
    }
    assert missing == set()


@pytest.mark.parametrize("adapter", ADAPTERS, ids=name)
def test_an_adapter_is_asynchronous_where_its_port_is(adapter: type) -> None:
    for port in ports_of(adapter):
        for member in get_protocol_members(port):
            promised = inspect.getattr_static(port, member, None)
            if inspect.isfunction(promised) and inspect.iscoroutinefunction(promised):
                assert inspect.iscoroutinefunction(inspect.getattr_static(adapter, member)), f"{port.__name__}.{member}"


@pytest.mark.parametrize("port", PORTS, ids=name)
def test_every_member_of_a_port_says_what_it_owes(port: type) -> None:
    silent = {
        member
        for member in get_protocol_members(port)
        if not inspect.getdoc(inspect.getattr_static(port, member, None))
        and member not in inspect.get_annotations(port)
    }
    assert silent == set()


ONE_FOR_BOTH: Final = {Cache, FeedView, Fingerprints, Locks, NoticeTemplates, OwnLimiter, RateLimiter, SharedFeedView}
"""What is real and reaches nothing outside serves in tests, too: what people read there is what is tried.

The views of the feed have their double in `revenge_core.testing`, where the contracts of caches need it.
"""


@pytest.mark.parametrize("port", PORTS, ids=name)
def test_a_port_has_a_double_in_memory_and_something_real(port: type) -> None:
    homes = {adapter.__module__ for adapter in ADAPTERS if port in ports_of(adapter)}
    doubles = {home for home in homes if home.startswith("revenge_adapters.memory")}
    assert doubles or port in ONE_FOR_BOTH
    assert homes - doubles


SUITES: Final = {thing.__name__ for thing in classes("revenge_core.testing") if thing.__name__.endswith("Contract")}


@pytest.mark.parametrize("port", [port for port in PORTS if not port.__name__.endswith("Tx")], ids=name)
def test_a_port_has_a_contract_that_ships(port: type) -> None:
    assert f"{port.__name__}Contract" in SUITES, "say in revenge_core/testing/contracts what every adapter of it owes"
