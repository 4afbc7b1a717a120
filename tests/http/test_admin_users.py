"""`/api/v1/admin/users`."""

from uuid import uuid4

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox, sandbox
from revenge_core.mail.entities import MailRules
from tests.http.support import MEMBER, Json, Party, pointers, problem, sign_in

USERS = "/api/v1/admin/users"
GRACE = {"username": "grace", "email": "grace@example.org"}


@pytest.fixture
def box(request: pytest.FixtureRequest) -> Sandbox:
    return sandbox(mail_rules=getattr(request, "param", MailRules()))


async def names(client: httpx.AsyncClient, root: Party, **query: object) -> list[str]:
    answer = await client.get(USERS, params=query, headers=root.headers)  # type: ignore[arg-type]  # as httpx takes them
    assert answer.status_code == 200, answer.text
    return [user["username"] for user in answer.json()["users"]]


async def test_accounts_are_listed_with_what_administrators_see(
    client: httpx.AsyncClient, root: Party, ada: Party
) -> None:
    said: Json = (await client.get(USERS, headers=root.headers)).json()
    assert said["total"] == 2
    first, second = said["users"]
    assert (first["id"], first["roles"], first["is_admin"]) == (ada.id, ["user"], False)
    assert (second["username"], second["roles"], second["is_admin"]) == ("root", ["admin"], True)
    assert "deleted_at" not in first


async def test_defect_32_whoever_holds_the_role_is_an_admin_and_nobody_else(
    client: httpx.AsyncClient, root: Party, ada: Party
) -> None:
    assert await names(client, root, is_admin="true") == ["root"]
    assert await names(client, root, is_admin="false") == ["ada"]
    assert await names(client, root, role="user", is_active="true") == ["ada"]
    assert await names(client, root, is_active="false") == []
    await client.delete(f"{USERS}/{ada.id}", headers=root.headers)
    assert await names(client, root, deleted="true") == ["ada"]
    assert await names(client, root) == ["root"]


async def test_defect_44_other_clients_words_for_a_page_are_understood(
    client: httpx.AsyncClient, root: Party, ada: Party
) -> None:
    assert await names(client, root, search="AD") == await names(client, root, query="ad") == ["ada"]
    assert await names(client, root, query="%") == []
    assert await names(client, root, page_size=1, page=2) == await names(client, root, limit=1, offset=1) == ["root"]
    assert await names(client, root, limit=1) == ["ada"]
    assert await names(client, root, page=3) == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=201", "/limit"),
        ("page_size=0", "/page_size"),
        ("offset=-1", "/offset"),
        ("page=0", "/page"),
        ("page=1000000&limit=200", "/offset"),
        ("is_admin=maybe", "/is_admin"),
        ("query=" + "x" * 201, "/query"),
        ("search=" + "x" * 201, "/search"),
    ],
)
async def test_a_list_has_its_limits(client: httpx.AsyncClient, root: Party, query: str, pointer: str) -> None:
    answer = await client.get(f"{USERS}?{query}", headers=root.headers)
    assert answer.status_code == 400
    assert pointers(answer.json()) == [pointer]


async def test_an_account_is_made_and_says_where_it_is(client: httpx.AsyncClient, root: Party) -> None:
    answer = await client.post(USERS, json={**GRACE, "roles": ["moderator", "user"]}, headers=root.headers)
    assert answer.status_code == 201, answer.text
    said: Json = answer.json()
    assert said["roles"] == ["moderator", "user"]
    assert "reset_link" not in said
    assert answer.headers["location"] == f"{USERS}/{said['id']}"
    got = await client.get(answer.headers["location"], headers=root.headers)
    assert got.json() == said
    assert got.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize("box", [MailRules(is_on=False)], indirect=True)
async def test_without_mail_the_answer_holds_a_link_which_is_told_once(client: httpx.AsyncClient, root: Party) -> None:
    headers = {**root.headers, "idempotency-key": "grace"}
    answer = await client.post(USERS, json=GRACE, headers=headers)
    assert "/account/reset#token=" in answer.json()["reset_link"]
    again = await client.post(USERS, json=GRACE, headers=headers)
    problem(again, 409, "already_done")
    assert again.headers["location"] == answer.headers["location"]
    problem(await client.post(f"{answer.headers['location']}/send-reset", headers=root.headers), 409, "mail_off")


async def test_all_that_is_wrong_is_told(client: httpx.AsyncClient, root: Party) -> None:
    body = {"username": "g", "email": "x", "roles": ["boss"]}
    said = problem(await client.post(USERS, json=body, headers=root.headers), 400, "account_invalid")
    assert pointers(said) == ["/email", "/roles", "/username"]


@pytest.mark.asvs("6.4.6")
async def test_a_password_given_by_somebody_else_is_not_looked_at(client: httpx.AsyncClient, root: Party) -> None:
    body = {**GRACE, "password": MEMBER["password"]}
    assert (await client.post(USERS, json=body, headers=root.headers)).status_code == 201
    answer = await client.post("/api/v1/auth/login", json={"username": "grace", "password": MEMBER["password"]})
    problem(answer, 401, "credentials_invalid")


async def test_an_account_is_changed_at_the_version_that_was_seen(
    client: httpx.AsyncClient, root: Party, ada: Party
) -> None:
    place = f"{USERS}/{ada.id}"
    seen = await client.get(place, headers=root.headers)
    tag = seen.headers["etag"]
    assert (await client.get(place, headers={**root.headers, "if-none-match": tag})).status_code == 304
    changed = await client.patch(place, json={"display_name": "Ada"}, headers={**root.headers, "if-match": tag})
    assert (changed.status_code, changed.json()["display_name"]) == (200, "Ada")
    stale = await client.patch(place, json={"display_name": "Eve"}, headers={**root.headers, "if-match": tag})
    problem(stale, 412, "version_mismatch")
    for deed in (client.delete(place, headers={**root.headers, "if-match": tag}),):
        problem(await deed, 412, "version_mismatch")
    for verb in ("disable", "enable"):
        answer = await client.post(f"{place}/{verb}", headers={**root.headers, "if-match": tag})
        problem(answer, 412, "version_mismatch")
    fresh = changed.headers["etag"]
    assert (await client.delete(place, headers={**root.headers, "if-match": fresh})).status_code == 204


async def test_somebody_is_kept_out_and_let_in_again(client: httpx.AsyncClient, root: Party, ada: Party) -> None:
    place = f"{USERS}/{ada.id}"
    assert (await client.post(f"{place}/disable", headers=root.headers)).status_code == 204
    problem(await client.get("/api/v1/users/me", headers=ada.headers), 401, "session_ended")
    assert (await client.get(place, headers=root.headers)).json()["is_active"] is False
    assert (await client.post(f"{place}/enable", headers=root.headers)).status_code == 204
    await sign_in(client)


async def test_defect_20_a_deleted_account_is_out_at_once_and_can_be_restored(
    client: httpx.AsyncClient, root: Party, ada: Party
) -> None:
    place = f"{USERS}/{ada.id}"
    assert (await client.delete(place, headers=root.headers)).status_code == 204
    problem(await client.get("/api/v1/users/me", headers=ada.headers), 401, "session_ended")
    problem(await client.delete(place, headers=root.headers), 404, "user_not_found")
    seen: Json = (await client.get(place, headers=root.headers)).json()
    assert (seen["deleted_at"], seen["purge_at"]) == ("2026-01-01T12:00:00Z", "2026-01-31T12:00:00Z")
    back = await client.post(f"{place}/restore", headers=root.headers)
    assert (back.status_code, back.json()["id"]) == (200, ada.id)
    assert "deleted_at" not in back.json()
    problem(await client.post(f"{place}/restore", headers=root.headers), 409, "account_not_deleted")


async def test_defect_28_ones_own_account_is_a_conflict_not_a_lack_of_rights(
    client: httpx.AsyncClient, root: Party
) -> None:
    problem(await client.delete(f"{USERS}/{root.id}", headers=root.headers), 409, "own_account")
    problem(await client.post(f"{USERS}/{root.id}/disable", headers=root.headers), 409, "own_account")
    body: Json = {"roles": ["user"]}
    problem(await client.patch(f"{USERS}/{root.id}", json=body, headers=root.headers), 409, "last_admin")


async def test_sessions_are_ended_and_counted(client: httpx.AsyncClient, root: Party, ada: Party) -> None:
    await sign_in(client)
    answer = await client.post(f"{USERS}/{ada.id}/revoke-sessions", headers=root.headers)
    assert (answer.status_code, answer.json()) == (200, {"revoked": 2})


async def test_a_link_is_mailed(client: httpx.AsyncClient, box: Sandbox, root: Party, ada: Party) -> None:
    assert (await client.post(f"{USERS}/{ada.id}/send-reset", headers=root.headers)).status_code == 204
    await box.jobs.run()
    assert any("/account/reset#token=" in one.email.text.reveal() for one in box.mail.to("ada@example.org"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/disable"),
        ("POST", "/enable"),
        ("POST", "/restore"),
        ("POST", "/send-reset"),
        ("POST", "/revoke-sessions"),
    ],
)
async def test_members_may_not_and_whom_there_is_not_nothing_is_done_to(
    client: httpx.AsyncClient, root: Party, ada: Party, method: str, path: str
) -> None:
    body: Json | None = {} if method == "PATCH" else None
    there, nowhere = f"{USERS}/{root.id}{path}", f"{USERS}/{uuid4()}{path}"
    problem(await client.request(method, there, json=body, headers=ada.headers), 403, "permission_denied")
    problem(await client.request(method, nowhere, json=body, headers=ada.headers), 403, "permission_denied")
    problem(await client.request(method, there, json=body), 401, "authentication_required")
    problem(await client.request(method, nowhere, json=body, headers=root.headers), 404, "user_not_found")
    nonsense = await client.request(method, f"{USERS}/x{path}", json=body, headers=root.headers)
    assert pointers(problem(nonsense, 400, "request_invalid")) == ["/userId"]
