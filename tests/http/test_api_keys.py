"""`/apikeys`: making, looking at, narrowing, rotating and ending keys."""

import re
from typing import Any

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from tests.http.support import Json, Party, pointers, problem, sign_in

KEYS = "/api/v1/apikeys"
ME = "/api/v1/users/me"
READ = {"name": "Backups", "scopes": ["read"]}
EVE = {"username": "eve", "email": "eve@example.org", "password": "seven purple umbrellas"}


async def made(client: httpx.AsyncClient, party: Party, **more: Any) -> Json:  # noqa: ANN401 (any field of a key)
    answer = await client.post(KEYS, json=READ | more, headers=party.headers)
    assert answer.status_code == 201, answer.text
    said: Json = answer.json()
    return said


async def status_with(client: httpx.AsyncClient, secret: str) -> int:
    return (await client.get(ME, headers={"x-api-key": secret})).status_code


@pytest.fixture
async def eve(client: httpx.AsyncClient) -> Party:
    """Another member, signed in."""
    assert (await client.post("/api/v1/auth/register", json=EVE)).status_code == 201
    return await sign_in(client, "eve")


async def test_a_key_is_told_once_with_all_that_it_is(client: httpx.AsyncClient, ada: Party) -> None:
    wanted = READ | {
        "description": "Runs every night",
        "permissions": ["libraries:scan"],
        "allowed_addresses": ["192.0.2.0/24"],
        "rate_limit": 60,
        "recording": True,
    }
    answer = await client.post(KEYS, json=wanted, headers=ada.headers)
    said = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"{KEYS}/{said['id']}")
    assert re.fullmatch(r"rv_[0-9a-f]{64}", said["api_key"])
    assert said["key_prefix"] == said["api_key"][:8]
    assert said["message"]
    assert {name: said[name] for name in wanted} == wanted
    assert answer.headers["cache-control"] == "no-store"
    looked = await client.get(answer.headers["location"], headers=ada.headers)
    assert looked.json() == {name: value for name, value in said.items() if name not in {"api_key", "message"}}
    assert looked.json()["user_id"] == ada.id
    listed = (await client.get(KEYS, headers=ada.headers)).json()
    assert listed == {"keys": [looked.json()], "total": 1}


async def test_keys_expire_in_a_year_or_when_it_is_said_or_never(client: httpx.AsyncClient, ada: Party) -> None:
    usual, never = await made(client, ada), await made(client, ada, name="for ever", expires_at=None)
    assert usual["expires_at"][:4] == str(int(usual["created_at"][:4]) + 1)
    assert "expires_at" not in never
    said = await made(client, ada, name="soon", expires_at=usual["expires_at"].replace("Z", "+00:00"))
    assert said["expires_at"] == usual["expires_at"]
    for past in ("2001-01-01T00:00:00Z", usual["created_at"]):
        answer = await client.post(KEYS, json=READ | {"name": "x", "expires_at": past}, headers=ada.headers)
        assert pointers(problem(answer, 400, "api_key_spec")) == ["/expires_at"]


async def test_everything_that_is_wrong_with_a_key_is_said_at_once_where_it_was_written(
    client: httpx.AsyncClient, ada: Party
) -> None:
    wrong = {
        "name": " ",
        "description": "x" * 1001,
        "scopes": [],
        "permissions": ["movies:*", "nothing"],
        "allowed_addresses": ["192.0.2.1/24", "nowhere"],
        "rate_limit": 0,
    }
    said = problem(await client.post(KEYS, json=wrong, headers=ada.headers), 400, "api_key_spec")
    places = ["/allowed_addresses/0", "/allowed_addresses/1", "/description", "/name", "/permissions", "/rate_limit"]
    assert pointers(said) == places
    answer = await client.post(KEYS, json={"name": "x", "scopes": ["root"]}, headers=ada.headers)
    assert pointers(problem(answer, 400, "request_invalid")) == ["/scopes/0"]
    answer = await client.post(KEYS, json={"name": "x", "scopes": []}, headers=ada.headers)
    assert pointers(problem(answer, 400, "api_key_spec")) == ["/scopes"]


async def test_a_key_that_is_asked_for_twice_is_made_once_and_not_told_again(
    client: httpx.AsyncClient, ada: Party
) -> None:
    headers = ada.headers | {"idempotency-key": "one"}
    first, second = [await client.post(KEYS, json=READ, headers=headers) for _ in range(2)]
    problem(second, 409, "already_done")
    assert second.headers["location"] == first.headers["location"]
    assert (await client.get(KEYS, headers=ada.headers)).json()["total"] == 1


async def test_a_rotation_that_is_asked_for_twice_leaves_the_key_that_was_told(
    client: httpx.AsyncClient, ada: Party
) -> None:
    key = await made(client, ada)
    headers, rotate = ada.headers | {"idempotency-key": "one"}, f"{KEYS}/{key['id']}/rotate"
    first, second = [await client.post(rotate, headers=headers) for _ in range(2)]
    problem(second, 409, "already_done")
    assert await status_with(client, first.json()["api_key"]) == 200


async def test_nobody_has_more_than_ten_keys_nor_two_of_one_name(client: httpx.AsyncClient, ada: Party) -> None:
    for number in range(10):
        await made(client, ada, name=f"key {number}")
    answer = await client.post(KEYS, json=READ | {"name": "one more"}, headers=ada.headers)
    problem(answer, 409, "too_many_api_keys")
    (first, *_) = (await client.get(KEYS, headers=ada.headers)).json()["keys"]
    assert (await client.delete(f"{KEYS}/{first['id']}", headers=ada.headers)).status_code == 204
    answer = await client.post(KEYS, json=READ | {"name": "KEY 1"}, headers=ada.headers)
    problem(answer, 409, "api_key_name_taken")


@pytest.mark.asvs("7.5.1")
async def test_a_key_for_administration_takes_a_recent_proof(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    box.clock.advance(minutes=11)
    answer = await client.post(KEYS, json=READ | {"scopes": ["admin"]}, headers=root.headers)
    problem(answer, 403, "reauth_required")
    await made(client, root, scopes=["write"])


async def test_a_change_narrows_and_renames_and_leaves_the_rest(client: httpx.AsyncClient, ada: Party) -> None:
    key = await made(client, ada, scopes=["write"], description="old", rate_limit=60)
    place = f"{KEYS}/{key['id']}"
    answer = await client.patch(place, json={"name": "New", "description": None}, headers=ada.headers)
    assert answer.status_code == 200
    said = answer.json()
    assert (said["name"], said["scopes"], said["rate_limit"], "description" in said) == ("New", ["write"], 60, False)
    answer = await client.patch(place, json={"scopes": ["read"], "rate_limit": 30}, headers=ada.headers)
    assert (answer.json()["scopes"], answer.json()["rate_limit"]) == (["read"], 30)
    headers = {"x-api-key": key["api_key"]}
    problem(await client.patch(ME, json={"display_name": "x"}, headers=headers), 403, "permission_denied")
    assert (await client.get(ME, headers=headers)).status_code == 200


async def test_a_change_never_widens(client: httpx.AsyncClient, ada: Party) -> None:
    key = await made(client, ada, rate_limit=60, allowed_addresses=["192.0.2.0/24"])
    wider = {"scopes": ["write"], "rate_limit": None, "allowed_addresses": ["192.0.0.0/16"]}
    said = problem(await client.patch(f"{KEYS}/{key['id']}", json=wider, headers=ada.headers), 400, "api_key_widened")
    assert pointers(said) == ["/allowed_addresses", "/rate_limit", "/scopes"]


async def test_a_change_at_another_version_is_refused(client: httpx.AsyncClient, ada: Party) -> None:
    place = f"{KEYS}/{(await made(client, ada))['id']}"
    tag = (await client.get(place, headers=ada.headers)).headers["etag"]
    headers = ada.headers | {"if-match": tag}
    first, second = [await client.patch(place, json={"name": name}, headers=headers) for name in ("one", "two")]
    assert first.status_code == 200
    problem(second, 412, "version_mismatch")
    again = await client.get(place, headers=ada.headers | {"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


async def test_after_a_rotation_both_keys_work_for_a_while(client: httpx.AsyncClient, box: Sandbox, ada: Party) -> None:
    old = await made(client, ada)
    answer = await client.post(f"{KEYS}/{old['id']}/rotate", json={"overlap_seconds": 60}, headers=ada.headers)
    new = answer.json()
    assert (answer.status_code, new["id"]) == (201, old["id"])
    assert new["api_key"] != old["api_key"]
    assert "previous_until" in new
    assert [await status_with(client, one["api_key"]) for one in (old, new)] == [200, 200]
    box.clock.advance(seconds=61)
    assert [await status_with(client, one["api_key"]) for one in (old, new)] == [401, 200]


async def test_a_rotation_may_end_the_old_key_at_once(client: httpx.AsyncClient, ada: Party) -> None:
    old = await made(client, ada)
    rotate = f"{KEYS}/{old['id']}/rotate"
    new = (await client.post(rotate, json={"overlap_seconds": 0}, headers=ada.headers)).json()
    assert [await status_with(client, one["api_key"]) for one in (old, new)] == [401, 200]
    answer = await client.post(rotate, json={"overlap_seconds": -1}, headers=ada.headers)
    assert pointers(problem(answer, 400, "request_invalid")) == ["/overlap_seconds"]


async def test_a_key_that_was_ended_is_over_everywhere_and_can_be_looked_at(
    client: httpx.AsyncClient, ada: Party
) -> None:
    key = await made(client, ada)
    place = f"{KEYS}/{key['id']}"
    assert [(await client.delete(place, headers=ada.headers)).status_code for _ in range(2)] == [204, 204]
    assert await status_with(client, key["api_key"]) == 401
    assert (await client.get(KEYS, headers=ada.headers)).json() == {"keys": [], "total": 0}
    said = (await client.get(place, headers=ada.headers)).json()
    assert said["is_active"] is False
    assert "revoked_at" in said
    problem(await client.patch(place, json={"name": "x"}, headers=ada.headers), 409, "api_key_over")


async def test_an_expired_key_is_not_active(client: httpx.AsyncClient, box: Sandbox, ada: Party) -> None:
    key = await made(client, ada)
    box.clock.advance(days=366)
    ada = await sign_in(client)
    assert (await client.get(f"{KEYS}/{key['id']}", headers=ada.headers)).json()["is_active"] is False
    assert await status_with(client, key["api_key"]) == 401


@pytest.mark.asvs("8.2.2")
async def test_keys_of_somebody_else_are_not_there(client: httpx.AsyncClient, ada: Party, eve: Party) -> None:
    key = await made(client, ada)
    place, headers = f"{KEYS}/{key['id']}", eve.headers
    for answer in (
        await client.get(place, headers=headers),
        await client.patch(place, json={"name": "x"}, headers=headers),
        await client.delete(place, headers=headers),
        await client.post(f"{place}/rotate", headers=headers),
        await client.get(f"{place}/uses", headers=headers),
    ):
        problem(answer, 404, "api_key_not_found")
    assert (await client.get(KEYS, headers=headers)).json()["total"] == 0
    problem(await client.get(f"/api/v1/admin/users/{ada.id}/apikeys", headers=headers), 403, "permission_denied")
    problem(await client.delete(f"/api/v1/admin/apikeys/{key['id']}", headers=headers), 403, "permission_denied")
    assert await status_with(client, key["api_key"]) == 200


async def test_administrators_see_and_end_keys_of_others(client: httpx.AsyncClient, ada: Party, root: Party) -> None:
    key = await made(client, ada)
    listed = (await client.get(f"/api/v1/admin/users/{ada.id}/apikeys", headers=root.headers)).json()
    assert [one["id"] for one in listed["keys"]] == [key["id"]]
    assert "api_key" not in listed["keys"][0]
    assert (await client.delete(f"/api/v1/admin/apikeys/{key['id']}", headers=root.headers)).status_code == 204
    assert await status_with(client, key["api_key"]) == 401


async def test_a_key_makes_no_keys(client: httpx.AsyncClient, root: Party) -> None:
    key = await made(client, root, scopes=["admin"])
    answer = await client.post(KEYS, json=READ | {"name": "another"}, headers={"x-api-key": key["api_key"]})
    problem(answer, 403, "key_refused")
