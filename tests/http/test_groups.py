"""`/api/v1/rbac/groups`."""

from uuid import uuid4

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from tests.http.support import Json, Party, pointers, problem

GROUPS = "/api/v1/rbac/groups"


async def make(client: httpx.AsyncClient, root: Party, name: str = "Films", *roles: str) -> Json:
    answer = await client.post(GROUPS, headers=root.headers, json={"name": name, "roles": roles})
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    assert answer.headers["location"] == f"{GROUPS}/{made['id']}"
    return made


async def roles_of(client: httpx.AsyncClient, party: Party) -> list[str]:
    answer = await client.get(f"/api/v1/rbac/users/{party.id}/permissions", headers=party.headers)
    return sorted({one["role"] for one in answer.json()["roles"]})


async def test_a_group_is_made_looked_at_changed_and_deleted(client: httpx.AsyncClient, root: Party) -> None:
    made = await make(client, root, "Films", "moderator", "guest")
    assert made | {"id": ""} == {
        "id": "",
        "name": "Films",
        "description": "",
        "roles": ["guest", "moderator"],
        "created_at": "2026-01-01T12:00:00Z",
        "updated_at": "2026-01-01T12:00:00Z",
    }
    path = f"{GROUPS}/{made['id']}"
    one = await client.get(path, headers=root.headers)
    assert (one.status_code, one.json()) == (200, made)
    again = await client.get(path, headers={**root.headers, "if-none-match": one.headers["etag"]})
    assert again.status_code == 304
    changed = await client.patch(
        path, headers={**root.headers, "if-match": one.headers["etag"]}, json={"description": "Cinema", "roles": []}
    )
    assert (changed.status_code, changed.json()["description"], changed.json()["roles"]) == (200, "Cinema", [])
    stale = await client.patch(path, headers={**root.headers, "if-match": one.headers["etag"]}, json={"name": "x"})
    problem(stale, 412, "version_mismatch")
    listed = await client.get(GROUPS, headers=root.headers)
    assert listed.json() == {"groups": [changed.json()], "total": 1}
    stale = await client.delete(path, headers={**root.headers, "if-match": one.headers["etag"]})
    problem(stale, 412, "version_mismatch")
    gone = await client.delete(path, headers={**root.headers, "if-match": changed.headers["etag"]})
    assert (gone.status_code, gone.content) == (204, b"")
    problem(await client.get(path, headers=root.headers), 404, "group_not_found")


async def test_a_group_is_made_once_however_often_the_request_comes(client: httpx.AsyncClient, root: Party) -> None:
    headers = {**root.headers, "idempotency-key": "one"}
    first = await client.post(GROUPS, headers=headers, json={"name": "Films"})
    second = await client.post(GROUPS, headers=headers, json={"name": "Films"})
    assert (first.status_code, first.content) == (second.status_code, second.content)
    other = await client.post(GROUPS, headers=root.headers, json={"name": "FILMS"})
    problem(other, 409, "group_name_taken")


async def test_members_come_and_go(client: httpx.AsyncClient, root: Party, ada: Party) -> None:
    path = f"{GROUPS}/{(await make(client, root, 'Films', 'moderator'))['id']}/members"
    for _ in range(2):
        answer = await client.put(f"{path}/{ada.id}", headers=root.headers)
        assert (answer.status_code, answer.content) == (204, b"")
    assert await roles_of(client, ada) == ["moderator", "user"]
    listed = await client.get(path, headers=root.headers)
    source = {"source": "manual", "added_at": "2026-01-01T12:00:00Z", "added_by": root.id}
    assert listed.json() == {
        "members": [{"user_id": ada.id, "username": "ada", "sources": [source]}],
        "total": 1,
    }
    assert (await client.delete(f"{path}/{ada.id}", headers=root.headers)).status_code == 204
    problem(await client.delete(f"{path}/{ada.id}", headers=root.headers), 404, "member_not_found")
    problem(await client.put(f"{path}/{uuid4()}", headers=root.headers), 404, "user_not_found")
    assert await roles_of(client, ada) == ["user"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, ["/name"]),
        ({"name": ""}, ["/name"]),
        ({"name": "x" * 65, "description": "x" * 257}, ["/description", "/name"]),
        ({"name": "x", "roles": ["r"] * 101}, ["/roles"]),
        ({"name": "x", "roles": "admin"}, ["/roles"]),
    ],
)
async def test_a_group_that_cannot_be_is_refused_with_all_that_is_wrong(
    client: httpx.AsyncClient, root: Party, body: Json, where: list[str]
) -> None:
    answer = await client.post(GROUPS, headers=root.headers, json=body)
    assert pointers(problem(answer, 400, answer.json()["error"])) == where


async def test_unknown_roles_are_refused(client: httpx.AsyncClient, root: Party) -> None:
    answer = await client.post(GROUPS, headers=root.headers, json={"name": "x", "roles": ["user", "none"]})
    assert pointers(problem(answer, 400, "group_invalid")) == ["/roles"]


@pytest.mark.asvs("8.2.1")
async def test_a_member_manages_no_groups(client: httpx.AsyncClient, root: Party, ada: Party) -> None:
    path = f"{GROUPS}/{(await make(client, root))['id']}"
    for method, where in (
        ("GET", GROUPS),
        ("POST", GROUPS),
        ("GET", path),
        ("PATCH", path),
        ("DELETE", path),
        ("GET", f"{path}/members"),
        ("PUT", f"{path}/members/{ada.id}"),
        ("DELETE", f"{path}/members/{ada.id}"),
    ):
        problem(await client.request(method, where, headers=ada.headers), 403, "permission_denied")
        problem(await client.request(method, where), 401, "authentication_required")


@pytest.mark.asvs("7.5.1")
async def test_groups_are_changed_after_a_recent_proof(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    path = f"{GROUPS}/{(await make(client, root))['id']}"
    box.clock.advance(minutes=11)
    problem(await client.patch(path, headers=root.headers, json={"name": "x"}), 403, "reauth_required")
    problem(await client.delete(path, headers=root.headers), 403, "reauth_required")


async def test_the_last_admin_stays_one(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    made = await make(client, root, "Bosses", "admin")
    path = f"{GROUPS}/{made['id']}"
    assert (await client.put(f"{path}/members/{root.id}", headers=root.headers)).status_code == 204
    for key in [key for key in box.rows.grants if str(key[0]) == root.id and key[1] == "admin"]:
        del box.rows.grants[key]
    problem(await client.delete(f"{path}/members/{root.id}", headers=root.headers), 409, "last_admin")
    problem(await client.patch(path, headers=root.headers, json={"roles": ["user"]}), 409, "last_admin")
    problem(await client.delete(path, headers=root.headers), 409, "last_admin")
