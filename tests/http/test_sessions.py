"""`/api/v1/sessions`."""

from uuid import uuid4

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from tests.http.support import PEER, Party, pointers, problem, sign_in

SESSIONS = "/api/v1/sessions"


async def is_alive(client: httpx.AsyncClient, party: Party) -> bool:
    return (await client.get("/api/v1/users/me", headers=party.headers)).status_code == 200


@pytest.mark.asvs("7.5.2")
async def test_the_list_shows_every_session_and_marks_the_present_one(
    client: httpx.AsyncClient, box: Sandbox, ada: Party
) -> None:
    box.clock.advance(minutes=5)
    other = await sign_in(client)
    answer = await client.get(SESSIONS, headers=ada.headers)
    assert answer.status_code == 200
    said = answer.json()
    assert said["total"] == 2
    assert [one["is_current"] for one in said["sessions"]] == [False, True]
    assert said["sessions"][0] | {"id": "", "user_agent": ""} == {
        "id": "",
        "client_type": "app",
        "ip_address": PEER,
        "user_agent": "",
        "created_at": "2026-01-01T12:05:00Z",
        "last_activity_at": "2026-01-01T12:05:00Z",
        "expires_at": "2026-01-31T12:05:00Z",
        "is_active": True,
        "is_current": False,
    }
    assert await is_alive(client, other)


async def test_somebody_elses_sessions_are_not_in_the_list(client: httpx.AsyncClient, ada: Party, root: Party) -> None:
    assert (await client.get(SESSIONS, headers=ada.headers)).json()["total"] == 1


async def test_the_present_session_can_be_seen_and_ended(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.get(f"{SESSIONS}/current", headers=ada.headers)
    assert answer.json()["is_current"] is True
    assert (await client.delete(f"{SESSIONS}/current", headers=ada.headers)).status_code == 204
    assert not await is_alive(client, ada)


async def test_another_session_of_ones_own_can_be_ended(client: httpx.AsyncClient, ada: Party) -> None:
    other = await sign_in(client)
    current = (await client.get(f"{SESSIONS}/current", headers=other.headers)).json()["id"]
    assert (await client.delete(f"{SESSIONS}/{current}", headers=ada.headers)).status_code == 204
    assert not await is_alive(client, other)
    problem(await client.delete(f"{SESSIONS}/{current}", headers=ada.headers), 404, "session_not_found")


@pytest.mark.asvs("8.2.2")
async def test_a_session_of_somebody_else_is_404_as_if_it_were_not_there(
    client: httpx.AsyncClient, ada: Party, root: Party
) -> None:
    foreign = (await client.get(f"{SESSIONS}/current", headers=root.headers)).json()["id"]
    answers = [await client.delete(f"{SESSIONS}/{one}", headers=ada.headers) for one in (foreign, uuid4())]
    said = [problem(answer, 404, "session_not_found") for answer in answers]
    assert said[0]["detail"] == said[1]["detail"]
    assert await is_alive(client, root)


@pytest.mark.asvs("7.4.5")
async def test_an_admin_ends_the_session_of_somebody_else(client: httpx.AsyncClient, ada: Party, root: Party) -> None:
    current = (await client.get(f"{SESSIONS}/current", headers=ada.headers)).json()["id"]
    assert (await client.delete(f"{SESSIONS}/{current}", headers=root.headers)).status_code == 204
    assert not await is_alive(client, ada)


@pytest.mark.parametrize("name", ["1", "current%00", "%F0%9F%98%80", "'; drop table sessions; --"])
async def test_what_is_no_id_is_told_at_the_parameter(client: httpx.AsyncClient, ada: Party, name: str) -> None:
    said = problem(await client.delete(f"{SESSIONS}/{name}", headers=ada.headers), 400, "request_invalid")
    assert pointers(said) == ["/sessionId"]


async def test_all_sessions_end_the_present_one_included(client: httpx.AsyncClient, ada: Party) -> None:
    other = await sign_in(client)
    assert (await client.delete(SESSIONS, headers=ada.headers)).status_code == 204
    assert not await is_alive(client, ada)
    assert not await is_alive(client, other)


@pytest.mark.parametrize("yes", ["true", "1", "TRUE"])
async def test_all_other_sessions_end_when_asked_so(client: httpx.AsyncClient, ada: Party, yes: str) -> None:
    other = await sign_in(client)
    assert (await client.delete(f"{SESSIONS}?except_current={yes}", headers=ada.headers)).status_code == 204
    assert await is_alive(client, ada)
    assert not await is_alive(client, other)


@pytest.mark.asvs("15.3.7")
async def test_a_parameter_given_twice_or_not_boolean_ends_nothing(client: httpx.AsyncClient, ada: Party) -> None:
    for query in ("except_current=true&except_current=false", "except_current=maybe", "except_current="):
        answer = await client.delete(f"{SESSIONS}?{query}", headers=ada.headers)
        assert pointers(problem(answer, 400, "request_invalid")) == ["/except_current"]
    assert await is_alive(client, ada)


async def test_there_is_no_single_session_to_read_by_id(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.get(f"{SESSIONS}/{uuid4()}", headers=ada.headers)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "DELETE, OPTIONS"
