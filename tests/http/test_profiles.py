"""`/api/v1/users/{userId}`: which fields who sees (ASVS 8.2.3)."""

import httpx
import pytest

from tests.http.support import MEMBER, Party, problem, sign_in

SHOWN = {"id", "username", "display_name", "is_active", "created_at"}
WHOLE = {*SHOWN, "email", "locale", "timezone", "qar_enabled", "is_admin", "email_verified", "last_login_at"}


@pytest.fixture
async def max_(client: httpx.AsyncClient) -> Party:
    """Another member."""
    await client.post("/api/v1/auth/register", json={**MEMBER, "username": "max", "email": "max@example.org"})
    return await sign_in(client, "max")


async def show(client: httpx.AsyncClient, party: Party, **wishes: object) -> None:
    name = {"display_name": "Ada"}
    assert (await client.patch("/api/v1/users/me", json=name, headers=party.headers)).status_code == 200
    answer = await client.put("/api/v1/users/me/preferences", json=wishes, headers=party.headers)
    assert answer.status_code == 200


async def look(client: httpx.AsyncClient, viewer: Party, user_id: str) -> httpx.Response:
    return await client.get(f"/api/v1/users/{user_id}", headers=viewer.headers)


async def test_one_sees_oneself_as_a_whole(client: httpx.AsyncClient, ada: Party) -> None:
    await show(client, ada, profile_visibility="private")
    said = (await look(client, ada, ada.id)).json()
    assert said.keys() == WHOLE
    assert (said["id"], said["is_admin"]) == (ada.id, False)


async def test_an_administrator_sees_anybody_as_a_whole(client: httpx.AsyncClient, ada: Party, root: Party) -> None:
    await show(client, ada, profile_visibility="private")
    assert (await look(client, root, ada.id)).json().keys() == WHOLE
    assert (await look(client, root, root.id)).json()["is_admin"] is True


@pytest.mark.asvs("8.2.3")
@pytest.mark.parametrize(("show_email", "fields"), [(False, SHOWN), (True, {*SHOWN, "email"})])
async def test_defect_21_a_stranger_sees_what_is_shown_and_nothing_else(
    client: httpx.AsyncClient, ada: Party, max_: Party, show_email: bool, fields: set[str]
) -> None:
    await show(client, ada, profile_visibility="public", show_email=show_email)
    assert (await look(client, max_, ada.id)).json().keys() == fields


@pytest.mark.parametrize("visibility", ["private", "friends"])
async def test_a_stranger_cannot_tell_who_hides_from_who_is_not_there(
    client: httpx.AsyncClient, ada: Party, max_: Party, visibility: str
) -> None:
    await show(client, ada, profile_visibility=visibility, show_email=True)
    nobody = "019a0000-0000-7000-8000-000000000000"
    hidden = problem(await look(client, max_, ada.id), 404, "user_not_found")
    missing = problem(await look(client, max_, nobody), 404, "user_not_found")
    for said in (hidden, missing):
        del said["instance"], said["request_id"]
    assert hidden == missing


async def test_an_id_that_is_none_is_told(client: httpx.AsyncClient, ada: Party) -> None:
    problem(await look(client, ada, "42"), 400, "request_invalid")


async def test_strangers_without_an_account_see_nobody(client: httpx.AsyncClient, ada: Party) -> None:
    await show(client, ada, profile_visibility="public")
    problem(await client.get(f"/api/v1/users/{ada.id}"), 401, "authentication_required")


async def test_what_one_viewer_knows_is_not_what_another_knows(
    client: httpx.AsyncClient, ada: Party, max_: Party, root: Party
) -> None:
    await show(client, ada, profile_visibility="public")
    tags = {(await look(client, viewer, ada.id)).headers["etag"] for viewer in (ada, max_, root)}
    assert len(tags) == 2
    known = (await look(client, max_, ada.id)).headers["etag"]
    assert known.startswith('"0-'), "a stranger learns how often the account was changed"
    answer = await client.get(f"/api/v1/users/{ada.id}", headers={**max_.headers, "if-none-match": known})
    assert answer.status_code == 304
    await show(client, ada, show_email=True)
    answer = await client.get(f"/api/v1/users/{ada.id}", headers={**max_.headers, "if-none-match": known})
    assert answer.status_code == 200
