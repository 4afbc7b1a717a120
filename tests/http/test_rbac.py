"""`/api/v1/rbac`: roles, policies and who holds what, as clients see them."""

from uuid import uuid4

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.activity.entities import Action
from revenge_core.permissions import Permission
from tests.http.support import MEMBER, Json, Party, pointers, problem, sign_in

ROLES = "/api/v1/rbac/roles"
POLICIES = "/api/v1/rbac/policies"
LIST_MOVIES = {"resource": "movies", "action": "list"}


def roles_of(who: Party) -> str:
    return f"/api/v1/rbac/users/{who.id}/roles"


async def make(client: httpx.AsyncClient, root: Party, name: str = "curator", **body: object) -> httpx.Response:
    answer = await client.post(ROLES, json={"name": name, **body}, headers=root.headers)
    assert answer.status_code == 201, answer.text
    return answer


async def policies(client: httpx.AsyncClient, root: Party) -> list[Json]:
    said = (await client.get(POLICIES, headers=root.headers)).json()
    assert said["total"] == len(said["policies"])
    found: list[Json] = said["policies"]
    return found


async def test_a_role_is_made_read_changed_and_deleted(client: httpx.AsyncClient, root: Party) -> None:
    made = await make(
        client, root, description="Looks after films", permissions=[LIST_MOVIES, LIST_MOVIES], parents=["user"]
    )
    assert made.json() == {
        "name": "curator",
        "description": "Looks after films",
        "permissions": [LIST_MOVIES],
        "parents": ["user"],
        "is_built_in": False,
        "user_count": 0,
    }
    where = made.headers["location"]
    assert where == f"{ROLES}/curator"
    read = await client.get(where, headers=root.headers)
    assert (read.json(), read.headers["etag"]) == (made.json(), made.headers["etag"])
    tag = {**root.headers, "if-none-match": read.headers["etag"]}
    assert (await client.get(where, headers=tag)).status_code == 304
    body: Json = {"description": "", "parents": []}
    changed = await client.patch(where, json=body, headers={**root.headers, "if-match": read.headers["etag"]})
    assert changed.json() == {**made.json(), **body}
    stale = {**root.headers, "if-match": read.headers["etag"]}
    problem(await client.patch(where, json=body, headers=stale), 412, "version_mismatch")
    problem(await client.put(f"{where}/permissions", json={"permissions": []}, headers=stale), 412, "version_mismatch")
    problem(await client.delete(where, headers=stale), 412, "version_mismatch")
    fresh = {**root.headers, "if-match": changed.headers["etag"]}
    assert (await client.delete(where, headers=fresh)).status_code == 204
    problem(await client.get(where, headers=root.headers), 404, "role_not_found")


async def test_roles_are_listed_by_name_with_their_holders_counted(
    client: httpx.AsyncClient, root: Party, ada: Party
) -> None:
    said = (await client.get(ROLES, headers=root.headers)).json()
    assert said["total"] == 4
    assert [(one["name"], one["is_built_in"], one["user_count"]) for one in said["roles"]] == [
        ("admin", True, 1),
        ("guest", True, 0),
        ("moderator", True, 0),
        ("user", True, 1),
    ]
    assert said["roles"][0]["permissions"] == [{"resource": "*", "action": "*"}]


async def test_a_role_that_is_asked_for_again_is_made_once(client: httpx.AsyncClient, root: Party) -> None:
    headers = {**root.headers, "idempotency-key": "once"}
    answers = [await client.post(ROLES, json={"name": "curator"}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    answer = await client.post(ROLES, json={"name": "Curator"}, headers=root.headers)
    problem(answer, 409, "role_exists")


async def test_everything_that_is_wrong_with_a_role_is_told_at_once(client: httpx.AsyncClient, root: Party) -> None:
    body = {
        "name": "a b",
        "description": "x" * 257,
        "permissions": [LIST_MOVIES, {"resource": "movies", "action": "fly"}],
        "parents": ["admin"],
    }
    said = problem(await client.post(ROLES, json=body, headers=root.headers), 400, "role_invalid")
    assert pointers(said) == ["/description", "/name", "/parents/0", "/permissions/1"]
    answer = await client.post(ROLES, json={"permissions": [{"resource": 1}]}, headers=root.headers)
    assert pointers(problem(answer, 400, "request_invalid")) == [
        "/name",
        "/permissions/0/action",
        "/permissions/0/resource",
    ]


async def test_permissions_are_replaced_whole(client: httpx.AsyncClient, root: Party) -> None:
    await make(client, root, permissions=[LIST_MOVIES])
    body = {"permissions": [{"resource": "*", "action": "sync"}, {"resource": "jobs", "action": "*"}]}
    answer = await client.put(f"{ROLES}/curator/permissions", json=body, headers=root.headers)
    assert answer.status_code == 200
    assert answer.json()["permissions"] == body["permissions"]
    assert answer.headers["etag"]
    answer = await client.put(f"{ROLES}/admin/permissions", json=body, headers=root.headers)
    problem(answer, 400, "role_built_in")
    answer = await client.put(f"{ROLES}/guest/permissions", json={"permissions": []}, headers=root.headers)
    problem(answer, 400, "role_built_in")
    answer = await client.put(f"{ROLES}/nobody/permissions", json=body, headers=root.headers)
    problem(answer, 404, "role_not_found")


async def test_roles_are_refused_deletion_in_the_contracts_order(
    client: httpx.AsyncClient, root: Party, ada: Party
) -> None:
    problem(await client.delete(f"{ROLES}/guest", headers=root.headers), 400, "role_built_in")
    problem(await client.delete(f"{ROLES}/nobody", headers=root.headers), 404, "role_not_found")
    await make(client, root)
    await client.post(roles_of(ada), json={"role": "curator"}, headers=root.headers)
    problem(await client.delete(f"{ROLES}/curator", headers=root.headers), 400, "role_in_use")
    await client.delete(f"{roles_of(ada)}/curator", headers=root.headers)
    assert (await client.delete(f"{ROLES}/curator", headers=root.headers)).status_code == 204


@pytest.mark.parametrize("subject", ["curator", "role:curator"])
async def test_policies_are_added_listed_and_removed(client: httpx.AsyncClient, root: Party, subject: str) -> None:
    await make(client, root)
    body = {"subject": subject, "object": "movies", "action": "list"}
    expected = {"subject": "curator", "object": "movies", "action": "list", "source": "manual"}
    for _ in range(2):
        answer = await client.post(POLICIES, json=body, headers=root.headers)
        assert (answer.status_code, answer.json()) == (201, expected)
    found = await policies(client, root)
    assert found.count(expected) == 1
    assert {"subject": "admin", "object": "*", "action": "*", "source": "built_in"} in found
    answer = await client.request("DELETE", POLICIES, json=body, headers=root.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert expected not in await policies(client, root)
    answer = await client.request("DELETE", POLICIES, json=body, headers=root.headers)
    problem(answer, 404, "policy_not_found")


async def test_policies_of_what_does_not_exist_are_refused(client: httpx.AsyncClient, root: Party) -> None:
    body = {"subject": str(uuid4()), "object": "movies", "action": "fly"}
    for method in ("POST", "DELETE"):
        answer = await client.request(method, POLICIES, json=body, headers=root.headers)
        assert pointers(problem(answer, 400, "policy_invalid")) == ["/action", "/subject"]
    answer = await client.request("DELETE", POLICIES, headers=root.headers)
    problem(answer, 415, "media_type_unsupported")


async def test_permissions_are_those_that_there_are(client: httpx.AsyncClient, root: Party) -> None:
    said = (await client.get("/api/v1/rbac/permissions", headers=root.headers)).json()
    assert said["total"] == len(said["permissions"]) == len(Permission)
    assert {f"{one['resource']}:{one['action']}" for one in said["permissions"]} == set(Permission)


# Who holds what


async def test_a_role_is_given_seen_and_taken(client: httpx.AsyncClient, box: Sandbox, root: Party, ada: Party) -> None:
    for _ in range(2):
        answer = await client.post(roles_of(ada), json={"role": "moderator"}, headers=root.headers)
        assert (answer.status_code, answer.json()) == (201, {"roles": ["moderator", "user"], "total": 2})
    assert [entry.action for entry in box.rows.activity.values()].count(Action.USER_ROLE_ASSIGN) == 1
    said = (await client.get(roles_of(ada), headers=ada.headers)).json()
    assert said == (await client.get(roles_of(ada), headers=root.headers)).json()
    assert (said["roles"], said["total"]) == (["moderator", "user"], 2)
    by_hand, registered = said["holdings"]
    assert (by_hand["role"], by_hand["source"], by_hand["given_by"]) == ("moderator", "manual", root.id)
    assert registered.keys() == {"role", "source", "since"}
    assert (await client.get("/api/v1/rbac/roles", headers=ada.headers)).status_code == 403
    assert (await client.get("/api/v1/admin/users", headers=ada.headers)).status_code == 200
    holders = (await client.get(f"{ROLES}/moderator/users", headers=root.headers)).json()
    assert holders == {"users": [{"user_id": ada.id, "username": "ada", "holdings": [by_hand]}], "total": 1}
    assert (await client.delete(f"{roles_of(ada)}/moderator", headers=root.headers)).status_code == 204
    problem(await client.delete(f"{roles_of(ada)}/moderator", headers=root.headers), 404, "role_not_held")
    assert (await client.get("/api/v1/admin/users", headers=ada.headers)).status_code == 403


async def test_platform_2_1_roles_of_others_are_not_seen(client: httpx.AsyncClient, root: Party, ada: Party) -> None:
    problem(await client.get(roles_of(root), headers=ada.headers), 404, "user_not_found")
    problem(await client.get(f"/api/v1/rbac/users/{uuid4()}/roles", headers=root.headers), 404, "user_not_found")
    problem(await client.get(roles_of(ada)), 401, "authentication_required")


async def test_what_does_not_exist_is_not_given(client: httpx.AsyncClient, root: Party, ada: Party) -> None:
    answer = await client.post(roles_of(ada), json={"role": "nobody"}, headers=root.headers)
    assert pointers(problem(answer, 400, "role_unknown")) == ["/role"]
    stranger = f"/api/v1/rbac/users/{uuid4()}/roles"
    problem(await client.post(stranger, json={"role": "user"}, headers=root.headers), 404, "user_not_found")
    problem(await client.delete(f"{stranger}/user", headers=root.headers), 404, "user_not_found")


async def test_the_last_admin_and_oneself_stay_admin(client: httpx.AsyncClient, root: Party, ada: Party) -> None:
    problem(await client.delete(f"{roles_of(root)}/admin", headers=root.headers), 409, "last_admin")
    await client.post(roles_of(ada), json={"role": "admin"}, headers=root.headers)
    problem(await client.delete(f"{roles_of(root)}/admin", headers=root.headers), 409, "own_admin")
    assert (await client.delete(f"{roles_of(root)}/admin", headers=ada.headers)).status_code == 204


async def test_holders_are_told_page_by_page_to_who_may_list_accounts(
    client: httpx.AsyncClient, root: Party, ada: Party
) -> None:
    for name in ("bea", "carl"):
        body = {**MEMBER, "username": name, "email": f"{name}@example.org"}
        assert (await client.post("/api/v1/auth/register", json=body)).status_code == 201
    where = f"{ROLES}/user/users"
    said = (await client.get(where, params={"limit": 1, "offset": 1}, headers=root.headers)).json()
    assert ([one["username"] for one in said["users"]], said["total"]) == (["bea"], 3)
    problem(await client.get(where, params={"limit": 0}, headers=root.headers), 400, "request_invalid")
    problem(await client.get(f"{ROLES}/nobody/users", headers=root.headers), 404, "role_not_found")


# Who may

REQUESTS: dict[str, tuple[str, str, Json | None]] = {
    "listRoles": ("GET", ROLES, None),
    "createRole": ("POST", ROLES, {"name": "second"}),
    "getRole": ("GET", f"{ROLES}/curator", None),
    "updateRole": ("PATCH", f"{ROLES}/curator", {"description": "other"}),
    "deleteRole": ("DELETE", f"{ROLES}/curator", None),
    "updateRolePermissions": ("PUT", f"{ROLES}/curator/permissions", {"permissions": []}),
    "listRoleUsers": ("GET", f"{ROLES}/curator/users", None),
    "listPermissions": ("GET", "/api/v1/rbac/permissions", None),
    "listPolicies": ("GET", POLICIES, None),
    "addPolicy": ("POST", POLICIES, {"subject": "curator", "object": "movies", "action": "list"}),
    "removePolicy": ("DELETE", POLICIES, {"subject": "curator", "object": "movies", "action": "list"}),
    "assignRole": ("POST", f"/api/v1/rbac/users/{uuid4()}/roles", {"role": "curator"}),
    "removeRole": ("DELETE", f"/api/v1/rbac/users/{uuid4()}/roles/curator", None),
}


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("role", ["guest", "user", "moderator"])
async def test_platform_2_5_roles_are_for_who_has_the_permission(
    client: httpx.AsyncClient, root: Party, ada: Party, name: str, role: str
) -> None:
    method, path, body = REQUESTS[name]
    await make(client, root)
    await client.post(roles_of(ada), json={"role": role}, headers=root.headers)
    problem(await client.request(method, path, json=body), 401, "authentication_required")
    problem(await client.request(method, path, json=body, headers=ada.headers), 403, "permission_denied")


@pytest.mark.asvs("7.5.1")
@pytest.mark.parametrize("name", [name for name, (method, _, _) in REQUESTS.items() if method != "GET"])
async def test_changes_of_roles_take_a_recent_proof(
    client: httpx.AsyncClient, box: Sandbox, root: Party, name: str
) -> None:
    method, path, body = REQUESTS[name]
    await make(client, root)
    box.clock.advance(minutes=11)
    problem(await client.request(method, path, json=body, headers=root.headers), 403, "reauth_required")


async def test_whoever_may_change_roles_and_not_more_makes_none_stronger(
    client: httpx.AsyncClient, root: Party, ada: Party
) -> None:
    wanted = [{"resource": "roles", "action": "*"}]
    await make(client, root, "keeper", permissions=wanted)
    await client.post(roles_of(ada), json={"role": "keeper"}, headers=root.headers)
    keeper = await sign_in(client)
    body = {"permissions": [{"resource": "*", "action": "*"}]}
    for answer in (
        await client.put(f"{ROLES}/keeper/permissions", json=body, headers=keeper.headers),
        await client.post(ROLES, json={"name": "mine", **body}, headers=keeper.headers),
        await client.post(roles_of(ada), json={"role": "moderator"}, headers=keeper.headers),
        await client.patch(f"{ROLES}/keeper", json={"parents": ["moderator"]}, headers=keeper.headers),
        await client.delete(f"{roles_of(root)}/admin", headers=keeper.headers),
    ):
        problem(answer, 403, "role_too_powerful")
    await make(client, keeper, "mine", permissions=wanted)


async def test_platform_2_5_an_edited_role_counts_for_who_is_signed_in(
    client: httpx.AsyncClient, root: Party, ada: Party
) -> None:
    assert (await client.get(ROLES, headers=ada.headers)).status_code == 403
    body = {"subject": "role:user", "object": "roles", "action": "list"}
    await client.post(POLICIES, json=body, headers=root.headers)
    assert (await client.get(ROLES, headers=ada.headers)).status_code == 200
    await client.request("DELETE", POLICIES, json=body, headers=root.headers)
    assert (await client.get(ROLES, headers=ada.headers)).status_code == 403
