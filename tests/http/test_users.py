"""`/api/v1/users/me`."""

import httpx
import pytest

from tests.http.support import Party, pointers, problem

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


async def test_another_address_needs_mail_which_is_not_there_yet(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.put(ME, json={"email": "other@example.org"}, headers=ada.headers)
    problem(answer, 409, "email_change_unavailable")
    assert (await client.put(ME, json={"email": "ADA@example.org"}, headers=ada.headers)).status_code == 200


async def test_an_empty_change_is_no_change(client: httpx.AsyncClient, ada: Party) -> None:
    assert (await client.patch(ME, json={}, headers=ada.headers)).status_code == 200
