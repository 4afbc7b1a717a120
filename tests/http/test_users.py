"""`/api/v1/users/me`."""

import asyncio
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.ids import UserId
from tests.http.support import Connect, Party, pointers, problem

ME = "/api/v1/users/me"


async def test_one_sees_ones_own_account(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.get(ME, headers=ada.headers)
    assert answer.status_code == 200
    said = answer.json()
    assert (said["id"], said["username"], said["is_admin"]) == (ada.id, "ada", False)
    assert said["last_login_at"] == "2026-01-01T12:00:00Z"
    assert "display_name" not in said
    assert "avatar_url" not in said


async def test_an_admin_is_told_so(client: httpx.AsyncClient, root: Party) -> None:
    assert (await client.get(ME, headers=root.headers)).json()["is_admin"] is True


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_what_is_left_out_of_a_change_stays(client: httpx.AsyncClient, ada: Party, method: str) -> None:
    await client.request(method, ME, json={"display_name": "Ada"}, headers=ada.headers)
    answer = await client.request(method, ME, json={"timezone": "Europe/Zurich"}, headers=ada.headers)
    assert answer.status_code == 200
    assert (answer.json()["display_name"], answer.json()["timezone"]) == ("Ada", "Europe/Zurich")
    answer = await client.request(method, ME, json={"display_name": ""}, headers=ada.headers)
    assert "display_name" not in answer.json()


async def test_every_wrong_field_of_a_change_is_told(client: httpx.AsyncClient, ada: Party) -> None:
    body = {"display_name": "x" * 101, "timezone": "Mars/Olympus"}
    said = problem(await client.put(ME, json=body, headers=ada.headers), 400, "user_invalid")
    assert pointers(said) == ["/display_name", "/timezone"]


async def test_null_is_not_a_value_of_a_field_that_may_be_left_out(client: httpx.AsyncClient, ada: Party) -> None:
    body = {"display_name": None, "timezone": None}
    said = problem(await client.put(ME, json=body, headers=ada.headers), 400, "request_invalid")
    assert pointers(said) == ["/display_name", "/timezone"]


async def test_another_address_waits_until_it_is_verified(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.put(ME, json={"email": "other@example.org"}, headers=ada.headers)
    assert (answer.json()["email"], answer.json()["pending_email"]) == ("ada@example.org", "other@example.org")
    assert (await client.get(ME, headers=ada.headers)).json() == answer.json()
    assert (await client.put(ME, json={"email": "ADA@example.org"}, headers=ada.headers)).status_code == 200


async def test_an_empty_change_is_no_change(client: httpx.AsyncClient, ada: Party) -> None:
    assert (await client.patch(ME, json={}, headers=ada.headers)).status_code == 200


async def test_a_known_state_of_ones_account_is_not_sent_again(client: httpx.AsyncClient, ada: Party) -> None:
    tag = (await client.get(ME, headers=ada.headers)).headers["etag"]
    known = {**ada.headers, "if-none-match": tag}
    answer = await client.get(ME, headers=known)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    changed = await client.patch(ME, json={"display_name": "Ada"}, headers=ada.headers)
    answer = await client.get(ME, headers=known)
    assert (answer.status_code, answer.headers["etag"]) == (200, changed.headers["etag"])


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_of_two_who_saw_the_same_account_one_is_refused(
    client: httpx.AsyncClient, ada: Party, method: str
) -> None:
    tag = (await client.get(ME, headers=ada.headers)).headers["etag"]
    seen = {**ada.headers, "if-match": tag}
    answers = await asyncio.gather(
        *(client.request(method, ME, json={"display_name": name}, headers=seen) for name in ("Ada", "Augusta"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    answer = await client.request(method, ME, json={"display_name": "A"}, headers={**ada.headers, "if-match": "*"})
    assert answer.json()["display_name"] == "A"


async def test_the_language_of_ones_account_is_a_tag(client: httpx.AsyncClient, ada: Party) -> None:
    assert (await client.patch(ME, json={"locale": "de-CH"}, headers=ada.headers)).json()["locale"] == "de-CH"
    said = problem(await client.patch(ME, json={"locale": "de_CH"}, headers=ada.headers), 400, "user_invalid")
    assert pointers(said) == ["/locale"]


async def test_defect_32_an_account_has_every_field_and_no_zero_dates(client: httpx.AsyncClient, ada: Party) -> None:
    await client.patch(ME, json={"display_name": "Ada"}, headers=ada.headers)
    said = (await client.get(ME, headers=ada.headers)).json()
    assert said.keys() == {
        "id",
        "username",
        "email",
        "display_name",
        "locale",
        "timezone",
        "qar_enabled",
        "is_active",
        "is_admin",
        "email_verified",
        "created_at",
        "last_login_at",
    }
    assert (said["created_at"], said["last_login_at"]) == ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z")


async def test_defect_33_whoever_was_deleted_is_signed_out_not_broken(
    box: Sandbox, client: httpx.AsyncClient, ada: Party
) -> None:
    user_id, now = UserId(UUID(ada.id)), box.clock.now()
    box.rows.users[user_id] = replace(box.rows.users[user_id], deleted_at=now, purge_at=now)
    for method in ("GET", "PUT", "PATCH"):
        answer = await client.request(method, ME, json={"display_name": "x"}, headers=ada.headers)
        assert answer.status_code == 401


async def test_where_a_picture_is_starts_with_the_servers_own_prefix(
    box: Sandbox, connect: Connect, client: httpx.AsyncClient, ada: Party, root: Party
) -> None:
    user_id = UserId(UUID(ada.id))
    box.rows.users[user_id] = replace(box.rows.users[user_id], avatar_url="/api/v1/files/avatars/1.webp")
    behind = connect(path_prefix="/films")
    for path, party in ((ME, ada), (f"/api/v1/users/{ada.id}", ada), (f"/api/v1/admin/users/{ada.id}", root)):
        here = (await client.get(path, headers=party.headers)).json()["avatar_url"]
        there = (await behind.get(f"/films{path}", headers=party.headers)).json()["avatar_url"]
        assert (here, there) == ("/api/v1/files/avatars/1.webp", "/films/api/v1/files/avatars/1.webp")
