"""`/api/v1/users/me/activity`."""

import httpx
import pytest

from tests.http.support import Party, problem

ACTIVITY = "/api/v1/users/me/activity"


async def test_one_sees_what_one_did_the_latest_first(client: httpx.AsyncClient, ada: Party, root: Party) -> None:
    await client.patch("/api/v1/users/me", json={"display_name": "Ada"}, headers=ada.headers)
    for party in (ada, root):
        entries = (await client.get(ACTIVITY, headers=party.headers)).json()["entries"]
        assert entries
        assert {entry["user_id"] for entry in entries} == {party.id}
    entry, *_ = (await client.get(ACTIVITY, headers=ada.headers)).json()["entries"]
    assert {name: entry[name] for name in entry if name not in {"id", "user_agent", "created_at"}} == {
        "user_id": ada.id,
        "action": "user.update",
        "resource_type": "user",
        "resource_id": ada.id,
        "changes": {"display_name": {"before": None, "after": "Ada"}},
        "ip_address": "192.0.2.9",
        "success": True,
    }
    assert entry["created_at"].endswith("Z")


async def test_pages_follow_each_other_by_link_and_by_cursor(client: httpx.AsyncClient, ada: Party) -> None:
    for name in "abcde":
        await client.patch("/api/v1/users/me", json={"display_name": name}, headers=ada.headers)
    whole = [entry["id"] for entry in (await client.get(ACTIVITY, headers=ada.headers)).json()["entries"]]
    found: list[str] = []
    where = f"{ACTIVITY}?limit=2"
    while where:
        answer = await client.get(where, headers=ada.headers)
        said = answer.json()
        found += [entry["id"] for entry in said["entries"]]
        where = answer.links["next"]["url"] if "next" in answer.links else ""
        assert ("next_cursor" in said) == bool(where)
    assert found == whole


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor="])
async def test_what_cannot_be_asked_is_refused(client: httpx.AsyncClient, ada: Party, query: str) -> None:
    problem(await client.get(f"{ACTIVITY}?{query}", headers=ada.headers), 400, "request_invalid")


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%00", "MDE5YQ"])
async def test_a_cursor_of_nowhere_is_refused(client: httpx.AsyncClient, ada: Party, cursor: str) -> None:
    answer = await client.get(ACTIVITY, params={"cursor": cursor}, headers=ada.headers)
    problem(answer, 400, "cursor_invalid")


async def test_strangers_did_nothing(client: httpx.AsyncClient) -> None:
    problem(await client.get(ACTIVITY), 401, "authentication_required")
