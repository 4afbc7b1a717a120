"""What routes say about API keys is what services do with them, also where nobody stands at the gate (ASVS 8.3.1)."""

from typing import Final

import pytest

from revenge_adapters.wiring.sandbox import Sandbox, sandbox
from revenge_core.actor import OWN_RIGHTS
from revenge_core.apikeys.entities import KeyScope
from revenge_core.apikeys.policy import BUNDLES
from revenge_core.errors import Forbidden, KeyRefused, RevengeError
from revenge_core.permissions import Permission
from revenge_http.app import OPERATIONS
from revenge_http.openapi import document
from revenge_http.operations import Operation
from revenge_http.options import HttpOptions
from tests.house.operation_calls import EVERY_RIGHT, call, somebody, with_key

ASKING: Final = [one for one in OPERATIONS if not one.access.is_public]
TAKING: Final = [one for one in ASKING if one.access.keys]
PARTLY: Final = {"adminCreateInvitation", "adminCreateUser", "adminUpdateUser"}
"""A key may do it, unless roles are given or an address changes, which takes a recent proof."""
ANOTHER_WAY: Final = {"getUserById"}
"""The service lets in with `users:get` alone whoever looks at somebody else."""
SMALLER: Final = {"read": (), "write": (KeyScope.READ,), "admin": (KeyScope.READ, KeyScope.WRITE)}


@pytest.fixture
def box() -> Sandbox:
    return sandbox()


def named(one: Operation) -> str:
    return one.name


@pytest.mark.asvs("8.3.1")
@pytest.mark.parametrize("one", [one for one in ASKING if not one.access.keys], ids=named)
async def test_a_service_refuses_keys_where_its_route_does(box: Sandbox, one: Operation) -> None:
    actor = with_key(somebody(box), EVERY_RIGHT)
    with pytest.raises(KeyRefused):
        await call(box, one, actor)


@pytest.mark.parametrize("one", [one for one in TAKING if one.name not in PARTLY], ids=named)
async def test_a_service_takes_keys_where_its_route_does(box: Sandbox, one: Operation) -> None:
    """With the smallest scope that the documentation names (`x-key-scope`)."""
    scope = KeyScope(one.access.key_scope(one.method))
    answer: Exception | None = None
    try:
        await call(box, one, with_key(somebody(box), BUNDLES[scope]))
    except RevengeError as other:  # there is no such thing, for instance
        answer = other
    assert not isinstance(answer, Forbidden)


@pytest.mark.asvs("8.3.1", "10.3.2")
@pytest.mark.parametrize("one", TAKING, ids=named)
async def test_a_service_refuses_every_smaller_scope(box: Sandbox, one: Operation) -> None:
    smaller = [frozenset[str](), *(BUNDLES[scope] for scope in SMALLER[one.access.key_scope(one.method)])]
    for rights in smaller:
        with pytest.raises(Forbidden):
            await call(box, one, with_key(somebody(box), rights))


@pytest.mark.asvs("8.3.1")
@pytest.mark.parametrize("one", [one for one in TAKING if one.name not in ANOTHER_WAY], ids=named)
async def test_a_service_refuses_a_key_that_has_every_right_but_those_that_its_route_asks_for(
    box: Sandbox, one: Operation
) -> None:
    lacking = {one.access.permission.value} if one.access.permission else set[str]()
    with pytest.raises(Forbidden):
        await call(box, one, with_key(somebody(box), EVERY_RIGHT - lacking - OWN_RIGHTS))


def test_what_a_key_does_in_part_is_on_no_route_that_refuses_keys() -> None:
    assert {one.name for one in TAKING} >= PARTLY


def test_no_key_manages_keys_sessions_or_credentials_whatever_the_method() -> None:
    """By their paths, so that a new route of one of these cannot be forgotten (decisions A4, rulings R13)."""
    places = ("/apikeys", "/sessions", "/devices", "/auth/logout", "/auth/change-password", "/auth/reauthenticate")
    wrong = [one.name for one in TAKING if any(place in one.path for place in places)]
    assert wrong == []
    assert not any(one.access.permission in {Permission.APIKEYS_LIST, Permission.APIKEYS_REVOKE} for one in TAKING)


def test_the_document_says_which_scope_lets_a_key_in() -> None:
    paths = document(OPERATIONS, HttpOptions())["paths"]
    for one in OPERATIONS:
        described = paths[one.path][one.method.lower()]
        assert described["x-key-scope"] in {"none", "refused", *KeyScope}
        takes_keys = {"apiKeyAuth": []} in described["security"]
        assert takes_keys == (one.access.looks or (one.access.keys and not one.access.is_public))
        assert (described["x-key-scope"] == "refused") == (not takes_keys and not one.access.is_public)
