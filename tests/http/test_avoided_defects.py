"""Defects of the original, by the number under which the specification lists them: each is not repeated here.

The number of a `defect` is that of section 7 of the identity sheet, `platform N.N` the platform sheet. What others
prove (rotation, guessing, revocation on other nodes) is not proven again.
"""

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from tests.http.support import MEMBER, PASSWORD, Connect, Party, problem, sign_in


async def test_defect_03_a_signed_out_session_does_not_live_on_in_its_access_token(
    client: httpx.AsyncClient, ada: Party
) -> None:
    await client.delete("/api/v1/sessions/current", headers=ada.headers)
    problem(await client.get("/api/v1/users/me", headers=ada.headers), 401, "session_ended")
    answer = await client.post("/api/v1/auth/refresh", json={"refresh_token": ada.refresh_token})
    problem(answer, 401, "refresh_token_invalid")


async def test_defect_04_a_changed_password_does_not_leave_other_tokens_alive(
    client: httpx.AsyncClient, ada: Party
) -> None:
    other = await sign_in(client)
    body = {"old_password": PASSWORD, "new_password": "nine green lanterns"}
    await client.post("/api/v1/auth/change-password", json=body, headers=ada.headers)
    problem(await client.get("/api/v1/users/me", headers=other.headers), 401, "session_ended")


async def test_defect_05_a_refresh_token_is_not_good_forever(client: httpx.AsyncClient, ada: Party) -> None:
    first = (await client.post("/api/v1/auth/refresh", json={"refresh_token": ada.refresh_token})).json()
    await client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    answer = await client.post("/api/v1/auth/refresh", json={"refresh_token": ada.refresh_token})
    problem(answer, 401, "refresh_token_invalid")


async def test_defect_06_a_forged_address_is_not_what_the_audit_keeps(client: httpx.AsyncClient, box: Sandbox) -> None:
    headers = {"x-forwarded-for": "not an address, 1.2.3.4", "x-real-ip": "5.6.7.8"}
    await client.post("/api/v1/auth/login", json=MEMBER, headers=headers)
    assert [entry.address for entry in box.rows.activity.values()] == ["192.0.2.9"]


async def test_defect_10_somebody_can_become_the_first_admin_and_new_accounts_have_a_role(
    client: httpx.AsyncClient, box: Sandbox
) -> None:
    token = await box.revenge.accounts.issue_bootstrap_token()
    assert token
    assert (await client.post("/api/v1/auth/bootstrap", json={**MEMBER, "token": token.reveal()})).json()["is_admin"]
    other = {**MEMBER, "username": "bob", "email": "bob@example.org"}
    await client.post("/api/v1/auth/register", json=other)
    assert sorted(grant.role for grant in box.rows.grants.values()) == ["admin", "user"]


async def test_defect_14_an_address_is_not_changed_without_proof(
    client: httpx.AsyncClient, box: Sandbox, ada: Party
) -> None:
    box.clock.advance(minutes=11)
    answer = await client.put("/api/v1/users/me", json={"email": "thief@example.org"}, headers=ada.headers)
    problem(answer, 403, "reauth_required")


async def test_defect_24_a_busy_hasher_is_not_a_wrong_password(
    client: httpx.AsyncClient, box: Sandbox, ada: Party
) -> None:
    box.hasher.busy = True
    problem(await client.post("/api/v1/auth/login", json=MEMBER), 503, "hasher_busy")
    body = {"old_password": PASSWORD, "new_password": "nine green lanterns"}
    problem(await client.post("/api/v1/auth/change-password", json=body, headers=ada.headers), 503, "hasher_busy")


async def test_defect_25_no_origin_is_reflected_by_default(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


async def test_defect_28_the_status_of_an_answer_and_the_code_in_it_are_equal(
    client: httpx.AsyncClient, ada: Party
) -> None:
    answers = [
        await client.post("/api/v1/auth/register", json=MEMBER),
        await client.post("/api/v1/auth/register", json={}),
        await client.post("/api/v1/auth/login", json={"username": "ada", "password": "x"}),
        await client.delete("/api/v1/sessions/019c5b1e-5e00-7000-8000-000000000001", headers=ada.headers),
        await client.get("/api/v1/sessions"),
        await client.get("/nowhere"),
        await client.post("/healthz"),
    ]
    assert [answer.status_code for answer in answers] == [409, 400, 401, 404, 401, 404, 405]
    assert all(answer.json()["code"] == answer.status_code for answer in answers)
    assert all(answer.json()["message"] for answer in answers)


async def test_defect_30_the_list_of_sessions_marks_the_one_that_asks(client: httpx.AsyncClient, ada: Party) -> None:
    (session,) = (await client.get("/api/v1/sessions", headers=ada.headers)).json()["sessions"]
    assert session["is_current"] is True
    assert session["ip_address"] == "192.0.2.9"


async def test_defect_30_what_sessions_refresh_returns_can_be_used(client: httpx.AsyncClient, ada: Party) -> None:
    pair = (await client.post("/api/v1/sessions/refresh", json={"refresh_token": ada.refresh_token})).json()
    headers = {"authorization": f"Bearer {pair['access_token']}"}
    assert (await client.get("/api/v1/users/me", headers=headers)).status_code == 200


async def test_defect_32_who_never_signed_in_has_no_last_login_and_every_answer_has_is_admin(
    client: httpx.AsyncClient,
) -> None:
    registered = (await client.post("/api/v1/auth/register", json=MEMBER)).json()
    signed = (await client.post("/api/v1/auth/login", json=MEMBER)).json()["user"]
    assert "last_login_at" not in registered
    assert {"is_admin", "timezone", "locale", "qar_enabled"} <= registered.keys() & signed.keys()
    assert registered["timezone"] == "UTC"


async def test_defect_33_a_display_name_has_an_end(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.put("/api/v1/users/me", json={"display_name": "x" * 256}, headers=ada.headers)
    problem(answer, 400, "user_invalid")


@pytest.mark.parametrize("path", ["/api/v1/users/me", "/nowhere", "/healthz"])
async def test_defect_36_the_id_of_a_request_comes_back(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path, headers={"x-request-id": "mine"})).headers["x-request-id"] == "mine"


async def test_defect_39_names_do_not_differ_by_case(client: httpx.AsyncClient, ada: Party) -> None:
    other = {**MEMBER, "email": "Ada@Example.org", "username": "bob"}
    problem(await client.post("/api/v1/auth/register", json=other), 409, "email_taken")


async def test_defect_44_signing_out_without_a_body_is_no_bad_request(client: httpx.AsyncClient, ada: Party) -> None:
    assert (await client.post("/api/v1/auth/logout", headers=ada.headers)).status_code == 204


async def test_platform_1_2_there_is_one_shape_of_error(client: httpx.AsyncClient, ada: Party) -> None:
    answers = {
        "unknown path": await client.get("/api/v1/nowhere"),
        "wrong method": await client.patch("/api/v1/sessions"),
        "no credential": await client.get("/api/v1/users/me"),
        "broken body": await client.post(
            "/api/v1/auth/login", content=b"{", headers={"content-type": "application/json"}
        ),
        "wrong type of body": await client.post("/api/v1/auth/login", content=b"x"),
        "missing fields": await client.post("/api/v1/auth/login", json={}),
        "refused by a rule": await client.post("/api/v1/auth/register", json={**MEMBER, "username": "!"}),
        "bad parameter": await client.delete("/api/v1/sessions/x", headers=ada.headers),
        "nothing there": await client.get("/problems/x"),
    }
    for what, answer in answers.items():
        assert answer.headers["content-type"] == "application/problem+json", what
        problem(answer, answer.status_code, answer.json()["error"])


async def test_platform_1_3_a_key_and_a_token_are_not_mixed_into_one_identity(
    client: httpx.AsyncClient, ada: Party, root: Party
) -> None:
    headers = {**ada.headers, "x-api-key": root.access_token}
    problem(await client.get("/api/v1/users/me", headers=headers), 400, "two_credentials")


async def test_platform_1_4_what_is_refused_early_carries_every_header(client: httpx.AsyncClient) -> None:
    for answer in (await client.get("/nowhere"), await client.get("/api/v1/users/me"), await client.post("/healthz")):
        assert answer.headers["x-request-id"]
        assert "no-store" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_platform_1_2_a_body_is_not_read_without_end(connect: Connect) -> None:
    client = connect(max_body_bytes=1024)
    problem(await client.post("/api/v1/auth/login", content=b" " * 2048), 413, "body_too_large")


async def test_defect_45_a_new_account_is_active_and_lists_have_the_keys_of_the_wire(
    client: httpx.AsyncClient, ada: Party
) -> None:
    bob = {**MEMBER, "username": "bob", "email": "bob@example.org"}
    assert (await client.post("/api/v1/auth/register", json=bob)).json()["is_active"]
    assert (await client.get("/api/v1/sessions", headers=ada.headers)).json().keys() == {"sessions", "total"}
    (session,) = (await client.get("/api/v1/sessions", headers=ada.headers)).json()["sessions"]
    answer = await client.get(f"/api/v1/sessions/{session['id']}", headers=ada.headers)
    problem(answer, 405, "method_not_allowed")
