"""`/api/v1/rbac/explain` and `/api/v1/rbac/users/{userId}/permissions`."""

from collections.abc import Mapping
from typing import Final
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revenge_adapters.wiring.sandbox import Sandbox, sandbox
from revenge_core.actor import Actor
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import GrantSource, NewGroup
from revenge_core.testing.builders import a_grant, a_membership
from tests.apps import app_of
from tests.core.access_worlds import AccessWorld, access_worlds
from tests.http.support import MEMBER, PEER, Json, Party, pointers, problem, sign_in

EXPLAIN: Final = "/api/v1/rbac/explain"
HOST: Final = Actor.host()
DOORS: Final[Mapping[str, str]] = {
    "audit:read": "/api/v1/admin/activity",
    "groups:list": "/api/v1/rbac/groups",
    "invitations:list": "/api/v1/admin/invitations",
    "jobs:list": "/api/v1/admin/jobs",
    "limits:list": "/api/v1/admin/limits",
    "queues:list": "/api/v1/admin/queues",
    "roles:explain": f"{EXPLAIN}?user=ada&permission=movies:get",
    "roles:list": "/api/v1/rbac/roles",
    "schedules:list": "/api/v1/admin/schedules",
    "users:list": "/api/v1/admin/users",
    "workers:list": "/api/v1/admin/workers",
}
"""Routes that ask for a permission and change nothing."""


async def explained(client: httpx.AsyncClient, root: Party, user: str, permission: str, **more: str) -> Json:
    params = {"user": user, "permission": permission, **more}
    answer = await client.get(EXPLAIN, params=params, headers=root.headers)
    assert answer.status_code == 200, answer.text
    said: Json = answer.json()
    return said


async def make_key(client: httpx.AsyncClient, party: Party, **about: object) -> Json:
    answer = await client.post("/api/v1/apikeys", headers=party.headers, json={"name": "robot", **about})
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


@pytest.mark.parametrize("how", ["id", "name", "letters", "address"])
async def test_a_permission_is_explained_link_by_link(
    client: httpx.AsyncClient, box: Sandbox, root: Party, ada: Party, how: str
) -> None:
    group = await box.revenge.groups.create(HOST, NewGroup(name="films", roles=frozenset({"moderator"})))
    await box.revenge.groups.add_member(HOST, group.id, next(id for id in box.rows.users if str(id) == ada.id))
    user = {"id": ada.id, "name": "ada", "letters": "ADA", "address": "ada@example.org"}[how]
    assert await explained(client, root, user, "libraries:scan") == {
        "user_id": ada.id,
        "username": "ada",
        "permission": "libraries:scan",
        "allowed": True,
        "rules": [
            {
                "kind": "membership",
                "subject": "ada",
                "object": "films",
                "source": "manual",
                "text": "user ada is in group films (manual)",
            },
            {
                "kind": "group_role",
                "subject": "films",
                "object": "moderator",
                "text": "group films carries role moderator",
            },
            {
                "kind": "policy",
                "subject": "moderator",
                "object": "libraries:scan",
                "source": "built_in",
                "text": "policy moderator has libraries:scan (built_in) matches libraries:scan",
            },
        ],
        "held": ["moderator"],
        "carriers": ["admin", "moderator"],
    }


async def test_a_refusal_names_what_is_held_and_what_would_do(
    client: httpx.AsyncClient, root: Party, ada: Party
) -> None:
    said = await explained(client, root, "ada", "users:delete")
    assert (said["allowed"], said["held"], said["carriers"]) == (False, [], ["admin"])
    assert [rule["text"] for rule in said["rules"]] == ["role user, which user ada holds, does not carry users:delete"]
    assert ada.id == said["user_id"]


async def test_whoever_is_out_may_do_nothing_whatever_they_hold(
    client: httpx.AsyncClient, box: Sandbox, root: Party, ada: Party
) -> None:
    ada_id = next(id for id in box.rows.users if str(id) == ada.id)
    await box.revenge.administration.disable(HOST, ada_id)
    said = await explained(client, root, "ada", "movies:get")
    assert (said["allowed"], [rule["object"] for rule in said["rules"]]) == (False, ["disabled"])
    await box.revenge.administration.delete(HOST, ada_id)
    said = await explained(client, root, "ada", "movies:get")
    assert (said["allowed"], [rule["object"] for rule in said["rules"]]) == (False, ["deleted"])
    answer = await client.get(f"/api/v1/rbac/users/{ada.id}/permissions", headers=root.headers)
    assert (answer.json()["permissions"], answer.json()["total"]) == ([], 0)
    assert [one["role"] for one in answer.json()["roles"]] == ["user"]


@pytest.mark.parametrize("wrong", ["movies:fly", "*:*", "movies:*", "x" * 65, "\x00:\x00"])
async def test_what_is_no_permission_is_refused(client: httpx.AsyncClient, root: Party, wrong: str) -> None:
    answer = await client.get(EXPLAIN, params={"user": "root", "permission": wrong}, headers=root.headers)
    assert pointers(problem(answer, 400, answer.json()["error"])) == ["/permission"]


@pytest.mark.parametrize("nobody", ["nobody", str(uuid4()), "x" * 254])
async def test_nothing_is_explained_of_nobody(client: httpx.AsyncClient, root: Party, nobody: str) -> None:
    answer = await client.get(EXPLAIN, params={"user": nobody, "permission": "movies:get"}, headers=root.headers)
    problem(answer, 404, "user_not_found")
    answer = await client.get(f"/api/v1/rbac/users/{uuid4()}/permissions", headers=root.headers)
    problem(answer, 404, "user_not_found")


@pytest.mark.asvs("8.2.2")
async def test_ones_own_permissions_are_for_everybody_and_those_of_others_are_not(
    client: httpx.AsyncClient, root: Party, ada: Party
) -> None:
    own = await client.get(f"/api/v1/rbac/users/{ada.id}/permissions", headers=ada.headers)
    assert own.status_code == 200
    said = own.json()
    assert {"resource": "movies", "action": "get"} in said["permissions"]
    assert said["total"] == len(said["permissions"])
    assert said["roles"] == [{"role": "user", "source": "registration", "since": "2026-01-01T12:00:00Z"}]
    assert said["groups"] == []
    other = await client.get(f"/api/v1/rbac/users/{root.id}/permissions", headers=ada.headers)
    problem(other, 403, "permission_denied")
    problem(await client.get(f"/api/v1/rbac/users/{ada.id}/permissions"), 401, "authentication_required")
    asked = await client.get(EXPLAIN, params={"user": "ada", "permission": "movies:get"}, headers=ada.headers)
    problem(asked, 403, "permission_denied")


async def test_an_api_key_is_explained_with_its_scope_and_its_libraries(client: httpx.AsyncClient, root: Party) -> None:
    library = str(uuid4())
    key = await make_key(client, root, scopes=["read"], permissions=["users:list"], libraries=[library])
    id = key["id"]
    said = await explained(client, root, "root", "movies:list", key=id)
    assert (said["allowed"], said["rules"][0]["text"]) == (
        True,
        "key robot has the scope read, which includes movies:list",
    )
    said = await explained(client, root, "root", "users:list", key=id)
    assert (said["allowed"], said["rules"][0]["text"]) == (True, "key robot names users:list")
    said = await explained(client, root, "root", "libraries:scan", key=id)
    text = "key robot has the scope read, and libraries:scan takes the scope write, or itself named"
    assert (said["allowed"], [rule["text"] for rule in said["rules"]]) == (False, [text])
    assert (await explained(client, root, "root", "movies:list", key=id, library=library))["allowed"]
    said = await explained(client, root, "root", "movies:list", key=id, library=str(uuid4()))
    assert (said["allowed"], [rule["kind"] for rule in said["rules"]]) == (False, ["key_library"])
    assert (await client.delete(f"/api/v1/apikeys/{id}", headers=root.headers)).status_code == 204
    said = await explained(client, root, "root", "movies:list", key=id)
    assert (said["allowed"], [rule["object"] for rule in said["rules"]]) == (False, ["revoked"])


async def test_a_key_is_explained_beside_what_its_owner_lacks(
    client: httpx.AsyncClient, box: Sandbox, root: Party, ada: Party
) -> None:
    key = await make_key(client, ada, scopes=["read"])
    said = await explained(client, root, "ada", "users:delete", key=key["id"])
    assert (said["allowed"], [rule["kind"] for rule in said["rules"]]) == (False, ["key", "no_role"])
    asked = {"user": "root", "permission": "movies:get", "key": key["id"]}
    problem(await client.get(EXPLAIN, params=asked, headers=root.headers), 404, "api_key_not_found")
    asked = {"user": "root", "permission": "movies:get", "key": str(uuid4())}
    problem(await client.get(EXPLAIN, params=asked, headers=root.headers), 404, "api_key_not_found")
    box.clock.advance(days=366)
    fresh = await sign_in(client, "root")
    said = await explained(client, fresh, "ada", "movies:get", key=key["id"])
    assert (said["allowed"], [rule["object"] for rule in said["rules"]]) == (False, ["expired"])


@pytest.mark.asvs("8.2.1")
@given(world=access_worlds(), data=st.data())
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
async def test_what_is_explained_is_what_the_gate_decides(world: AccessWorld, data: st.DataObject) -> None:
    box = sandbox()
    transport = httpx.ASGITransport(app_of(box.revenge), client=(PEER, 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://media.example.org") as client:
        assert (await client.post("/api/v1/auth/register", json=MEMBER)).status_code == 201
        ada = await sign_in(client)
        world.settle(box)
        ada_id = UserId(next(id for id in box.rows.users if str(id) == ada.id))
        for key in [key for key in box.rows.grants if key[0] == ada_id]:
            del box.rows.grants[key]
        for role in data.draw(st.sets(st.sampled_from([role.name for role in world.roles]), max_size=2)):
            box.rows.grants[ada_id, role, GrantSource.MANUAL] = a_grant(ada_id, role, source=GrantSource.MANUAL)
        for group in data.draw(st.sets(st.sampled_from(world.groups))) if world.groups else ():
            box.rows.members[group.id, ada_id, GrantSource.OIDC] = a_membership(
                group.id, ada_id, source=GrantSource.OIDC
            )
        for permission, path in DOORS.items():
            answer = await client.get(path, headers=ada.headers)
            found = await box.revenge.explaining.explain(HOST, ada.id, Permission(permission).value)
            assert answer.status_code == (200 if found.allowed else 403), (permission, answer.text)
