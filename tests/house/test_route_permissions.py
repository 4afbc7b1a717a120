"""Services refuse whoever lacks what their routes declare, also where nobody stands at the gate (ASVS 8.3.1)."""

from typing import Final

import pytest

from revenge_adapters.wiring.sandbox import Sandbox, sandbox
from revenge_core.errors import Forbidden, RevengeError, Unauthenticated
from revenge_core.permissions import ALL_PERMISSIONS, Permission
from revenge_http.app import OPERATIONS
from revenge_http.operations import Operation
from tests.house.operation_calls import call, somebody, with_session

ASKING: Final = [one for one in OPERATIONS if one.access.permission is not None]
ANOTHER_WAY: Final = {"getUserById"}
"""The service lets in with `users:get` alone whoever looks at somebody else."""
HIDING: Final = {"adminListUserSessions", "adminRevokeAPIKey"}
"""Owners may do it too; to anybody else the service says that there is no such thing, which tests of its own show."""


@pytest.fixture
def box() -> Sandbox:
    return sandbox()


def named(one: Operation) -> str:
    return one.name


@pytest.mark.asvs("8.3.1")
@pytest.mark.parametrize("one", [one for one in ASKING if one.name not in HIDING], ids=named)
async def test_a_service_refuses_whoever_has_every_permission_but_that_of_its_route(
    box: Sandbox, one: Operation
) -> None:
    other_ways = {Permission.USERS_GET} if one.name in ANOTHER_WAY else set[Permission]()
    actor = with_session(somebody(box), ALL_PERMISSIONS - {one.access.permission} - other_ways)
    before = box.rows
    with pytest.raises(Forbidden):
        await call(box, one, actor)
    assert box.rows == before


@pytest.mark.parametrize("one", ASKING, ids=named)
async def test_a_service_lets_in_whoever_has_it(box: Sandbox, one: Operation) -> None:
    """Otherwise the test above would pass with a service that refuses everybody."""
    answer: Exception | None = None
    try:
        await call(box, one, with_session(somebody(box), ALL_PERMISSIONS))
    except RevengeError as other:  # there is no such thing, for instance
        answer = other
    assert not isinstance(answer, Forbidden | Unauthenticated)
