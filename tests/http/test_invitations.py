"""`/api/v1/admin/invitations`."""

from uuid import uuid4

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from tests.http.support import MEMBER, Json, Party, pointers, problem

INVITATIONS = "/api/v1/admin/invitations"


async def make(client: httpx.AsyncClient, root: Party, **body: object) -> httpx.Response:
    answer = await client.post(INVITATIONS, json=body, headers=root.headers)
    assert answer.status_code == 201, answer.text
    return answer


async def test_an_invitation_is_made_and_its_token_told_once(client: httpx.AsyncClient, root: Party) -> None:
    answer = await make(client, root, role="moderator", uses=2, libraries=["films"], note="the neighbours")
    said: Json = answer.json()
    assert (said["role"], said["uses"], said["used"], said["libraries"]) == ("moderator", 2, 0, ["films"])
    assert (said["created_by"], said["expires_at"]) == (root.id, "2026-01-08T12:00:00Z")
    assert said["link"].endswith(f"/account/invitation#token={said['token']}")
    assert answer.headers["location"] == f"{INVITATIONS}/{said['id']}"
    seen = await client.get(answer.headers["location"], headers=root.headers)
    assert seen.json() == {key: value for key, value in said.items() if key not in {"token", "link"}}


async def test_made_again_with_the_same_key_it_is_said_where_it_is(client: httpx.AsyncClient, root: Party) -> None:
    headers = {**root.headers, "idempotency-key": "neighbours"}
    first = await client.post(INVITATIONS, json={}, headers=headers)
    second = await client.post(INVITATIONS, json={}, headers=headers)
    problem(second, 409, "already_done")
    assert second.headers["location"] == first.headers["location"]
    assert first.json()["token"] not in second.text


async def test_invitations_are_listed_the_newest_first(client: httpx.AsyncClient, root: Party) -> None:
    first, second = [(await make(client, root)).json()["id"] for _ in range(2)]
    said: Json = (await client.get(f"{INVITATIONS}?limit=1", headers=root.headers)).json()
    assert ([one["id"] for one in said["invitations"]], said["total"]) == ([second], 2)
    assert "token" not in said["invitations"][0]
    said = (await client.get(f"{INVITATIONS}?limit=1&offset=1", headers=root.headers)).json()
    assert [one["id"] for one in said["invitations"]] == [first]


async def test_an_invitation_is_taken_back(client: httpx.AsyncClient, root: Party) -> None:
    answer = await make(client, root)
    place = answer.headers["location"]
    assert (await client.delete(place, headers=root.headers)).status_code == 204
    assert (await client.get(place, headers=root.headers)).json()["revoked_at"] == "2026-01-01T12:00:00Z"
    problem(await client.delete(place, headers=root.headers), 404, "invitation_not_found")
    body = {**MEMBER, "invitation": answer.json()["token"]}
    problem(await client.post("/api/v1/auth/register", json=body), 400, "token_invalid")


async def test_all_that_is_wrong_is_told(client: httpx.AsyncClient, root: Party) -> None:
    body = {"role": "boss", "uses": 0, "email": "x", "expires_at": "2020-01-01T00:00:00Z", "libraries": [""]}
    said = problem(await client.post(INVITATIONS, json=body, headers=root.headers), 400, "invitation_invalid")
    assert pointers(said) == ["/email", "/expires_at", "/libraries/0", "/role", "/uses"]


@pytest.mark.parametrize("uses", [10**30, -(10**30)])
async def test_numbers_have_an_end(client: httpx.AsyncClient, root: Party, uses: int) -> None:
    answer = await client.post(INVITATIONS, json={"uses": uses}, headers=root.headers)
    assert answer.status_code == 400
    assert pointers(answer.json()) == ["/uses"]


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("GET", "/{id}"), ("DELETE", "/{id}")])
async def test_members_may_not(client: httpx.AsyncClient, root: Party, ada: Party, method: str, path: str) -> None:
    made = (await make(client, root)).json()["id"]
    place = INVITATIONS + path.format(id=made)
    body: Json | None = {} if method == "POST" else None
    problem(await client.request(method, place, json=body, headers=ada.headers), 403, "permission_denied")
    problem(await client.request(method, place, json=body), 401, "authentication_required")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_there_is_none_that_was_never_made(client: httpx.AsyncClient, root: Party, method: str) -> None:
    answer = await client.request(method, f"{INVITATIONS}/{uuid4()}", headers=root.headers)
    problem(answer, 404, "invitation_not_found")


async def test_inviting_to_a_role_takes_a_recent_proof(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    assert (await make(client, root, role="admin")).status_code == 201
    box.clock.advance(minutes=11)
    answer = await client.post(INVITATIONS, json={"role": "admin"}, headers=root.headers)
    problem(answer, 403, "reauth_required")
    await make(client, root)
