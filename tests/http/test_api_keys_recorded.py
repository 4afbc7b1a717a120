"""The recorder: what a key was seen to need is enough for the same calls, and no part of it can be left out (A4)."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revenge_adapters.wiring.sandbox import Sandbox, sandbox
from revenge_core.actor import Actor
from revenge_core.apikeys.entities import KeyScope, NewKey
from revenge_core.secrets import Secret
from revenge_core.testing.builders import a_grant
from revenge_core.users import NewUser
from tests.apps import app_of
from tests.conftest import SCALE
from tests.http.support import PASSWORD

UNUSED: Final = "mail:test"
"""Keeps a key from having nothing at all; no call here needs it."""


class Call(NamedTuple):
    """One request that succeeds however often it is sent."""

    method: str
    path: str
    body: dict[str, Any] | None = None


CALLS: Final = (
    Call("GET", "/api/v1/users/me"),
    Call("PATCH", "/api/v1/users/me", {"display_name": "Ada"}),
    Call("GET", "/api/v1/users/me/preferences"),
    Call("PATCH", "/api/v1/users/me/preferences", {"theme": "dark"}),
    Call("DELETE", "/api/v1/users/me/avatar"),
    Call("GET", "/api/v1/users/me/activity"),
    Call("GET", "/api/v1/users/{ada}"),
    Call("GET", "/api/v1/users/{bob}"),
    Call("GET", "/api/v1/rbac/users/{ada}/roles"),
    Call("GET", "/api/v1/rbac/roles"),
    Call("GET", "/api/v1/admin/users"),
    Call("GET", "/api/v1/admin/users/{bob}"),
    Call("PATCH", "/api/v1/admin/users/{bob}", {"display_name": "Bob"}),
    Call("POST", "/api/v1/admin/users/{bob}/disable"),
    Call("POST", "/api/v1/admin/users/{bob}/enable"),
    Call("GET", "/api/v1/admin/invitations"),
    Call("POST", "/api/v1/admin/invitations", {}),
    Call("GET", "/api/v1/admin/jobs"),
    Call("GET", "/api/v1/admin/jobs/counts"),
    Call("GET", "/api/v1/admin/limits"),
    Call("GET", "/api/v1/admin/queues"),
    Call("POST", "/api/v1/admin/queues/bulk/pause"),
    Call("GET", "/api/v1/admin/workers"),
)
DONE: Final = frozenset({200, 201, 202, 204})
NOTHING_THERE: Final = "avatar_not_found"


class World:
    """Ada, who administers, and Bob; keys of Ada's that last for one round of calls."""

    def __init__(self) -> None:
        self.box: Sandbox = sandbox()
        self.people: dict[str, str] = {}

    async def begin(self) -> None:
        """Let them in."""
        accounts, auth = self.box.revenge.accounts, self.box.revenge.auth
        for name, role in (("ada", "admin"), ("bob", "user")):
            user = (await accounts.register(NewUser(username=name, email=f"{name}@example.org"), Secret(PASSWORD))).user
            grant = a_grant(user.id, role)
            self.box.rows.grants[user.id, role, grant.source] = grant
            self.people[name] = str(user.id)
        token = (await auth.login("ada", Secret(PASSWORD))).tokens.access_token
        self.ada: Actor = await auth.authenticate(token.reveal())

    async def refused(self, calls: Sequence[Call], new: NewKey) -> tuple[list[str], frozenset[str]]:
        """Which of the calls a key like this is refused, and what the recorder proposes after them."""
        keys = self.box.revenge.api_keys
        made = await keys.create(self.ada, new)
        transport = httpx.ASGITransport(app_of(self.box.revenge))
        headers = {"x-api-key": made.secret.reveal()}
        found: list[str] = []
        async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client:
            for method, path, body in calls:
                answer = await client.request(method, path.format(**self.people), json=body)
                if answer.status_code not in DONE and answer.json()["error"] != NOTHING_THERE:
                    assert answer.status_code in {403, 404}, answer.text
                    found.append(f"{method} {path}: {answer.json()['error']}")
        proposal = (await keys.proposal(self.ada, made.key.id)).permissions
        await keys.revoke(self.ada, made.key.id)
        return found, proposal


async def judge(calls: Sequence[Call]) -> None:
    world = World()
    await world.begin()
    everything = NewKey(name="a", scopes=frozenset({KeyScope.ADMIN}), recording=True)
    refused, proposal = await world.refused(calls, everything)
    assert refused == []
    refused, again = await world.refused(calls, NewKey(name="b", permissions=proposal, recording=True))
    assert (refused, again) == ([], proposal)
    for right in proposal:
        refused, _ = await world.refused(calls, NewKey(name="c", permissions=proposal - {right} | {UNUSED}))
        assert refused, f"{right} was proposed, and all went well without it"


@pytest.mark.asvs("8.1.2")
@settings(max_examples=max(5, round(25 * SCALE)))
@given(st.lists(st.sampled_from(CALLS), min_size=1, max_size=8, unique_by=lambda call: call[:2]))
def test_what_is_proposed_is_enough_and_none_of_it_too_much(calls: list[Call]) -> None:
    asyncio.run(judge(calls))


@pytest.mark.asvs("8.1.2")
async def test_all_calls_together_need_what_each_of_them_needs() -> None:
    world = World()
    await world.begin()
    new = NewKey(name="a", scopes=frozenset({KeyScope.ADMIN}), recording=True)
    _, together = await world.refused(CALLS, new)
    one_by_one = [(await world.refused([call], new))[1] for call in CALLS]
    assert together == frozenset[str]().union(*one_by_one)


async def test_a_key_that_does_not_record_proposes_nothing() -> None:
    world = World()
    await world.begin()
    _, proposal = await world.refused(CALLS, NewKey(name="a", scopes=frozenset({KeyScope.ADMIN})))
    assert proposal == frozenset()
