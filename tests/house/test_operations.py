"""What operations owe their callers beyond a permission: limits, tags and keys for repeating (decisions W5, W7)."""

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from revenge_core.limits.entities import Tier
from revenge_core.secrets import Secret
from revenge_http.answers import Made, Tagged
from revenge_http.app import OPERATIONS
from revenge_http.operations import Operation
from revenge_http.repeats import Repeats
from revenge_http.wire import bare, item_of

CREATED, ACCEPTED = 201, 202
NOT_CREATED_HERE = {"adminRunSchedule"}
"""202 for a job, which a schedule has at most one of: it answers the job that is there already."""

SEEN_ELSEWHERE = {"updateRolePermissions": "getRole"}
"""What changes a part of something, and the operation that shows the whole with its tag."""
WITHOUT_VERSION = {"addGroupMember"}
"""Somebody is in a group or is not: there is nothing in between to have seen."""
AT_ANY_VERSION = {"deleteCurrentUser", "removeGroupMember", "revokeAPIKey"}
"""Whoever leaves, leaves, whatever happened to the account meanwhile; a key that others may know ends at once."""


def named(one: Operation) -> str:
    return one.name


def holds_secret(kind: Any) -> bool:  # noqa: ANN401 (a type of any form)
    """Whether a record has a secret in it, however deep."""
    if kind is Secret:
        return True
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return False
    return any(holds_secret(bare(item_of(field.type) or field.type)) for field in msgspec.structs.fields(kind))


@pytest.mark.asvs("6.3.1")
@pytest.mark.parametrize("one", [one for one in OPERATIONS if one.access.is_public and one.method != "GET"], ids=named)
def test_what_strangers_may_do_has_a_limit_of_its_own(one: Operation) -> None:
    """All of it takes a secret, makes an account or sends mail (defect 23)."""
    assert one.tier in {Tier.ACCOUNT, Tier.LOGIN, Tier.REFRESH}


@pytest.mark.parametrize("one", [one for one in OPERATIONS if one.body], ids=named)
def test_what_takes_a_password_of_somebody_who_has_one_counts_as_a_sign_in(one: Operation) -> None:
    assert one.body
    fields = {field.name for field in msgspec.structs.fields(one.body)}
    if {"old_password", "password"} & fields and not one.access.permission and one.name != "register":
        assert one.tier is Tier.LOGIN


@pytest.mark.parametrize(
    "one",
    [one for one in OPERATIONS if one.method == "POST" and {CREATED, ACCEPTED} & one.answers.keys()],
    ids=named,
)
def test_what_creates_can_be_sent_twice_and_is_done_once(one: Operation) -> None:
    if one.name in NOT_CREATED_HERE:
        return
    (record,) = one.answers.values()
    assert one.repeats is (Repeats.LOCATION if holds_secret(record) else Repeats.ANSWER)
    if one.repeats is Repeats.LOCATION:
        assert one.returns is Made, "whoever repeats it is told where to look"


def test_only_posts_are_made_repeatable_since_the_rest_is_so_anyway() -> None:
    assert [one.name for one in OPERATIONS if one.repeats and one.method != "POST"] == []


@pytest.mark.parametrize(
    "one",
    [one for one in OPERATIONS if one.method in {"PATCH", "PUT"} and one.name not in WITHOUT_VERSION],
    ids=named,
)
def test_what_can_be_changed_has_a_tag(one: Operation) -> None:
    assert one.returns is Tagged
    shows = SEEN_ELSEWHERE.get(one.name)
    (read,) = [
        other
        for other in OPERATIONS
        if (other.name == shows if shows else other.path == one.path and other.method == "GET")
    ]
    assert read.returns is Tagged


@pytest.mark.parametrize(
    "one",
    [
        one
        for one in OPERATIONS
        if one.method == "DELETE" and any(o.path == one.path and o.method in {"PATCH", "PUT"} for o in OPERATIONS)
    ],
    ids=named,
)
def test_what_can_be_changed_can_be_deleted_at_a_version(one: Operation) -> None:
    assert one.versioned or one.name in AT_ANY_VERSION


def test_a_record_that_holds_a_secret_somewhere_is_known_for_it() -> None:
    class Inner(msgspec.Struct):
        token: Secret | msgspec.UnsetType = UNSET

    class Outer(msgspec.Struct):
        inner: list[Inner]

    class Plain(msgspec.Struct):
        name: str

    assert holds_secret(Outer)
    assert not holds_secret(Plain)
