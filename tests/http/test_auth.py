"""`/api/v1/auth`: each operation's answer, and what it refuses."""

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from tests.http.support import MEMBER, PASSWORD, Party, pointers, problem, sign_in

FULL_USER = {
    "id",
    "username",
    "email",
    "locale",
    "timezone",
    "qar_enabled",
    "is_active",
    "is_admin",
    "email_verified",
    "created_at",
}


async def test_registering_answers_201_with_the_full_account(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/auth/register", json=MEMBER)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    said = answer.json()
    assert said.keys() == FULL_USER
    assert (said["is_active"], said["is_admin"], said["email_verified"]) == (True, False, False)
    assert said["created_at"] == "2026-01-01T12:00:00Z"


async def test_a_display_name_that_was_given_comes_back(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/auth/register", json={**MEMBER, "display_name": "Ada"})
    assert answer.json()["display_name"] == "Ada"


@pytest.mark.parametrize(
    ("other", "error"),
    [({"email": "else@example.org", "username": "ADA"}, "username_taken"), ({"username": "else"}, "email_taken")],
)
async def test_a_name_or_address_of_somebody_else_is_409(
    client: httpx.AsyncClient, ada: Party, other: dict[str, str], error: str
) -> None:
    problem(await client.post("/api/v1/auth/register", json={**MEMBER, **other}), 409, error)


async def test_everything_wrong_with_an_account_is_told_at_once(client: httpx.AsyncClient) -> None:
    body = {"username": "a!", "email": "nowhere", "password": "short"}
    said = problem(await client.post("/api/v1/auth/register", json=body), 400, "account_invalid")
    assert set(pointers(said)) == {"/username", "/email", "/password"}


async def test_a_full_hash_queue_is_503_with_a_time_to_come_back(client: httpx.AsyncClient, box: Sandbox) -> None:
    box.hasher.busy = True
    for path, body in (("register", MEMBER), ("login", MEMBER)):
        answer = await client.post(f"/api/v1/auth/{path}", json=body)
        problem(answer, 503, "hasher_busy")
        assert answer.headers["retry-after"] == "1"


@pytest.mark.asvs("6.4.1")
async def test_the_bootstrap_token_makes_the_first_admin_once(client: httpx.AsyncClient, box: Sandbox) -> None:
    token = await box.revenge.accounts.issue_bootstrap_token()
    assert token
    body = {**MEMBER, "token": token.reveal()}
    answer = await client.post("/api/v1/auth/bootstrap", json=body)
    assert answer.status_code == 201
    assert answer.json()["is_admin"] is True
    again = {**body, "username": "eve", "email": "eve@example.org"}
    problem(await client.post("/api/v1/auth/bootstrap", json=again), 400, "token_invalid")


@pytest.mark.parametrize("login", ["ada", "ADA", "ada@example.org"])
async def test_signing_in_takes_the_name_or_the_address(client: httpx.AsyncClient, ada: Party, login: str) -> None:
    answer = await client.post("/api/v1/auth/login", json={"username": login, "password": PASSWORD})
    assert answer.status_code == 200
    said = answer.json()
    assert said.keys() == {"user", "access_token", "refresh_token", "expires_in", "device_token"}
    assert said["user"].keys() == FULL_USER | {"last_login_at"}
    assert said["expires_in"] == 900


@pytest.mark.asvs("6.3.8")
async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(client: httpx.AsyncClient, ada: Party) -> None:
    bodies = ({"username": "ada", "password": "wrong"}, {"username": "nobody", "password": "wrong"})
    answers = [await client.post("/api/v1/auth/login", json=body) for body in bodies]
    said = [problem(answer, 401, "credentials_invalid") for answer in answers]
    assert said[0] | {"request_id": ""} == said[1] | {"request_id": ""}
    assert all(answer.headers["www-authenticate"] == 'Bearer realm="Revenge"' for answer in answers)


async def test_a_device_name_and_a_client_type_are_kept(client: httpx.AsyncClient, ada: Party) -> None:
    party = await sign_in(client, device_name="Living room", client_type="tv")
    current = (await client.get("/api/v1/sessions/current", headers=party.headers)).json()
    assert (current["device_name"], current["client_type"]) == ("Living room", "tv")


async def test_a_device_name_of_101_characters_is_refused(client: httpx.AsyncClient, ada: Party) -> None:
    body = {"username": "ada", "password": PASSWORD, "device_name": "x" * 101}
    said = problem(await client.post("/api/v1/auth/login", json=body), 400, "request_invalid")
    assert pointers(said) == ["/device_name"]
    assert (await sign_in(client, device_name="x" * 100)).id == ada.id


@pytest.mark.parametrize("path", ["/api/v1/auth/refresh", "/api/v1/sessions/refresh"])
@pytest.mark.asvs("10.4.5")
async def test_refreshing_gives_a_new_pair_that_works_on_both_paths(
    client: httpx.AsyncClient, ada: Party, path: str
) -> None:
    answer = await client.post(path, json={"refresh_token": ada.refresh_token})
    assert answer.status_code == 200
    said = answer.json()
    assert said.keys() == {"access_token", "refresh_token", "expires_in"}
    assert said["refresh_token"] != ada.refresh_token
    headers = {"authorization": f"Bearer {said['access_token']}"}
    assert (await client.get("/api/v1/users/me", headers=headers)).status_code == 200


async def test_an_unknown_refresh_token_is_401(client: httpx.AsyncClient) -> None:
    problem(await client.post("/api/v1/auth/refresh", json={"refresh_token": "x"}), 401, "refresh_token_invalid")


@pytest.mark.asvs("7.4.1")
async def test_signing_out_ends_the_session_and_its_tokens(client: httpx.AsyncClient, ada: Party) -> None:
    body = {"refresh_token": ada.refresh_token}
    answer = await client.post("/api/v1/auth/logout", json=body, headers=ada.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    answer = await client.get("/api/v1/users/me", headers=ada.headers)
    problem(answer, 401, "session_ended")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    problem(await client.post("/api/v1/auth/refresh", json=body), 401, "refresh_token_invalid")


@pytest.mark.parametrize("kwargs", [{}, {"content": b""}, {"json": {}}])
async def test_signing_out_needs_no_body(client: httpx.AsyncClient, ada: Party, kwargs: dict[str, object]) -> None:
    answer = await client.request("POST", "/api/v1/auth/logout", headers=ada.headers, **kwargs)  # type: ignore[arg-type]
    assert answer.status_code == 204


async def test_logout_all_ends_every_session(client: httpx.AsyncClient, ada: Party) -> None:
    other = await sign_in(client)
    await client.post("/api/v1/auth/logout", json={"logout_all": True}, headers=ada.headers)
    problem(await client.get("/api/v1/users/me", headers=other.headers), 401, "session_ended")


@pytest.mark.asvs("6.2.3")
async def test_changing_the_password_asks_for_the_present_one(client: httpx.AsyncClient, ada: Party) -> None:
    body = {"old_password": "wrong", "new_password": "nine green lanterns"}
    answer = await client.post("/api/v1/auth/change-password", json=body, headers=ada.headers)
    problem(answer, 400, "old_password_wrong")


@pytest.mark.asvs("7.4.3")
async def test_changing_the_password_ends_the_other_sessions(client: httpx.AsyncClient, ada: Party) -> None:
    other = await sign_in(client)
    body = {"old_password": PASSWORD, "new_password": "nine green lanterns"}
    answer = await client.post("/api/v1/auth/change-password", json=body, headers=ada.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get("/api/v1/users/me", headers=ada.headers)).status_code == 200
    problem(await client.get("/api/v1/users/me", headers=other.headers), 401, "session_ended")


async def test_a_weak_new_password_is_told_at_its_field(client: httpx.AsyncClient, ada: Party) -> None:
    body = {"old_password": PASSWORD, "new_password": "short"}
    answer = await client.post("/api/v1/auth/change-password", json=body, headers=ada.headers)
    assert pointers(problem(answer, 400, "password_refused")) == ["/new_password"]


@pytest.mark.asvs("15.3.3")
async def test_fields_that_nobody_asked_for_change_nothing(client: httpx.AsyncClient, box: Sandbox) -> None:
    body = {**MEMBER, "is_admin": True, "email_verified": True, "id": "x", "roles": ["admin"], "is_active": False}
    answer = await client.post("/api/v1/auth/register", json=body)
    assert answer.status_code == 201
    said = answer.json()
    assert (said["is_admin"], said["email_verified"], said["is_active"]) == (False, False, True)
    assert {grant.role for grant in box.rows.grants.values()} == {"user"}
