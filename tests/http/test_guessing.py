"""The brake on guesses, seen from outside: the real application, with whatever headers (identity.md, 6 and 11)."""

import json
from collections import Counter
from random import Random

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox, sandbox
from revenge_core.activity.entities import Action
from revenge_core.limits.entities import LimitRules
from revenge_http.asgi import App, Message
from tests.apps import app_of
from tests.http.support import MEMBER, PASSWORD, PEER, PROXY, TRUSTED, Connect, Json, Party, problem, sign_in

LOGIN = "/api/v1/auth/login"
GUESS: Json = {"username": "ada", "password": "a bad guess"}
MANY = 10_000


@pytest.fixture
def box() -> Sandbox:
    """Throughput is not limited: what holds guesses back is the brake alone."""
    return sandbox(limit_rules=LimitRules(is_on=False))


async def refuse(client: httpx.AsyncClient, body: Json = GUESS, count: int = 5, **kwargs: object) -> None:
    """Use up the allowance."""
    for _ in range(count):
        problem(await client.post(LOGIN, json=body, **kwargs), 401, "credentials_invalid")  # type: ignore[arg-type] # as httpx takes them


async def test_too_many_guesses_are_429_and_say_when_to_come_back(client: httpx.AsyncClient, ada: Party) -> None:
    await refuse(client)
    answer = await client.post(LOGIN, json=GUESS)
    problem(answer, 429, "too_many_attempts")
    assert answer.headers["retry-after"] == "30"
    problem(await client.post(LOGIN, json={**GUESS, "password": PASSWORD}), 429, "too_many_attempts")


@pytest.mark.asvs("6.3.8")
async def test_defect_11_the_answer_is_the_same_for_a_name_that_nobody_has(
    client: httpx.AsyncClient, ada: Party, connect: Connect
) -> None:
    answers: list[httpx.Response] = []
    for name, peer in (("ada", "192.0.2.50"), ("nobody", "192.0.2.51")):
        elsewhere = connect(peer=peer)
        body = {**GUESS, "username": name}
        await refuse(elsewhere, body)
        answers.append(await elsewhere.post(LOGIN, json=body))
    said = [problem(answer, 429, "too_many_attempts") | {"request_id": ""} for answer in answers]
    assert said[0] == said[1]
    headers = [{key: answer.headers[key] for key in answer.headers if key != "x-request-id"} for answer in answers]
    assert headers[0] == headers[1]


async def post(app: App, body: bytes, forwarded: str) -> tuple[int, bytes]:
    """One request, made by hand: ten thousand through a client library would take a minute."""
    came = iter([{"type": "http.request", "body": body, "more_body": False}])
    sent: list[Message] = []

    async def receive() -> Message:
        return next(came, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [
        (b"host", b"media.example.org"),
        (b"content-type", b"application/json"),
        (b"x-forwarded-for", forwarded.encode()),
        (b"x-real-ip", forwarded.encode()),
        (b"forwarded", f'for="{forwarded}"'.encode()),
    ]
    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": LOGIN,
            "raw_path": LOGIN.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": (PEER, 1),
            "server": ("media.example.org", 80),
        },
        receive,
        send,
    )
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])


@pytest.mark.asvs("6.3.1")
@pytest.mark.asvs("2.4.1")
async def test_defect_06_ten_thousand_guesses_from_forged_addresses_stay_limited(box: Sandbox, ada: Party) -> None:
    app, random, body = app_of(box.revenge), Random(6), json.dumps(GUESS).encode()
    answers: Counter[int] = Counter()
    for number in range(MANY):
        forged = "garbage" if number % 7 == 0 else ".".join(str(random.randrange(256)) for _ in range(4))
        status, _ = await post(app, body, forged)
        answers[status] += 1
    assert answers == {401: 5, 429: MANY - 5}
    told = [entry for entry in box.rows.activity.values() if entry.reason == "too many attempts"]
    assert len(told) == 1
    assert {entry.address for entry in box.rows.activity.values() if entry.action is Action.USER_LOGIN} == {PEER}


async def test_defect_06_behind_a_trusted_proxy_each_client_has_an_allowance_of_its_own(
    connect: Connect, ada: Party
) -> None:
    behind = connect(peer=PROXY, trusted_proxies=TRUSTED)
    await refuse(behind, headers={"x-forwarded-for": "203.0.113.5"})
    answer = await behind.post(LOGIN, json=GUESS, headers={"x-forwarded-for": "6.6.6.6, 203.0.113.5"})
    problem(answer, 429, "too_many_attempts")
    await refuse(behind, headers={"x-forwarded-for": "203.0.113.6"})


async def test_defect_11_the_owner_signs_in_while_everybody_guesses(connect: Connect, ada: Party) -> None:
    behind = connect(peer=PROXY, trusted_proxies=TRUSTED)
    for number in range(60):
        await behind.post(LOGIN, json=GUESS, headers={"x-forwarded-for": f"198.51.100.{number}"})
    answer = await behind.post(LOGIN, json=MEMBER, headers={"x-forwarded-for": "203.0.113.5"})
    assert answer.status_code == 200


async def test_a_known_device_signs_in_from_an_address_that_used_up_its_tries(
    client: httpx.AsyncClient, ada: Party
) -> None:
    token = (await client.post(LOGIN, json=MEMBER)).json()["device_token"]
    await refuse(client)
    problem(await client.post(LOGIN, json=MEMBER), 429, "too_many_attempts")
    answer = await client.post(LOGIN, json={**MEMBER, "device_token": token})
    assert answer.status_code == 200
    assert "device_token" not in answer.json()


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "é\ud83d", "x" * 5000])
async def test_a_token_that_is_none_makes_nothing_known(client: httpx.AsyncClient, ada: Party, token: str) -> None:
    body = json.dumps({**MEMBER, "device_token": token})
    answer = await client.post(LOGIN, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert len(answer.json()["device_token"]) == 64


# Proving once more who one is


async def test_a_proof_answers_with_a_new_access_token_and_its_end(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.post("/api/v1/auth/reauthenticate", json={"password": PASSWORD}, headers=ada.headers)
    assert answer.status_code == 200
    said = answer.json()
    assert said.keys() == {"access_token", "expires_in", "reauth_expires_at"}
    assert (said["expires_in"], said["reauth_expires_at"]) == (900, "2026-01-01T12:10:00Z")
    headers = {"authorization": f"Bearer {said['access_token']}"}
    assert (await client.get("/api/v1/users/me", headers=headers)).status_code == 200


async def test_a_wrong_proof_is_403_and_the_session_goes_on(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.post("/api/v1/auth/reauthenticate", json={"password": "wrong"}, headers=ada.headers)
    problem(answer, 403, "proof_wrong")
    assert (await client.get("/api/v1/users/me", headers=ada.headers)).status_code == 200


async def test_nobody_proves_anything_without_a_session(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/auth/reauthenticate", json={"password": PASSWORD})
    problem(answer, 401, "authentication_required")


# Administrators


async def test_an_administrator_sees_counts_and_forgets_them(
    client: httpx.AsyncClient, ada: Party, root: Party
) -> None:
    await refuse(client)
    problem(await client.post(LOGIN, json=GUESS), 429, "too_many_attempts")
    said = (await client.get("/api/v1/admin/limits", headers=root.headers)).json()
    assert said["total"] == len(said["limits"]) == 3
    (pair,) = [one for one in said["limits"] if one["key"].startswith("pair:")]
    assert pair == {"key": f"pair:{ada.id} {PEER}", "used": 5.0, "at": "2026-01-01T12:00:00Z", "refused": 0}
    answer = await client.delete(f"/api/v1/admin/limits/{ada.id}", headers=root.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.post(LOGIN, json=MEMBER)).status_code == 200


async def test_a_member_sees_and_forgets_no_counts(client: httpx.AsyncClient, ada: Party) -> None:
    problem(await client.get("/api/v1/admin/limits", headers=ada.headers), 403, "permission_denied")
    problem(await client.delete(f"/api/v1/admin/limits/{ada.id}", headers=ada.headers), 403, "permission_denied")


async def test_an_administrator_sees_where_somebody_is_signed_in(
    client: httpx.AsyncClient, ada: Party, root: Party
) -> None:
    answer = await client.get(f"/api/v1/admin/users/{ada.id}/sessions", headers=root.headers)
    said = answer.json()
    assert said["total"] == 1
    assert said["sessions"][0]["is_current"] is False
    problem(await client.get(f"/api/v1/admin/users/{ada.id}/sessions", headers=ada.headers), 403, "permission_denied")


# Devices


async def test_one_sees_ones_devices_and_forgets_one(connect: Connect, client: httpx.AsyncClient, ada: Party) -> None:
    other = await sign_in(connect(peer="203.0.113.5"), device_name="Living room", client_type="tv")
    said = (await client.get("/api/v1/users/me/devices", headers=ada.headers)).json()
    assert said["total"] == 2
    (device,) = [one for one in said["devices"] if not one["is_current"]]
    assert device | {"id": ""} == {
        "id": "",
        "name": "Living room",
        "client_type": "tv",
        "last_address": "203.0.113.5",
        "created_at": "2026-01-01T12:00:00Z",
        "last_seen_at": "2026-01-01T12:00:00Z",
        "is_current": False,
        "is_known": True,
    }
    path = f"/api/v1/users/me/devices/{device['id']}"
    assert (await client.delete(path, headers=ada.headers)).status_code == 204
    problem(await client.get("/api/v1/users/me", headers=other.headers), 401, "session_ended")
    (left,) = [
        one
        for one in (await client.get("/api/v1/users/me/devices", headers=ada.headers)).json()["devices"]
        if not one["is_current"]
    ]
    assert left["is_known"] is False


async def test_a_device_of_somebody_else_is_404(client: httpx.AsyncClient, ada: Party, root: Party) -> None:
    (device,) = (await client.get("/api/v1/users/me/devices", headers=root.headers)).json()["devices"]
    problem(
        await client.delete(f"/api/v1/users/me/devices/{device['id']}", headers=ada.headers), 404, "device_not_found"
    )
    problem(await client.delete("/api/v1/users/me/devices/x", headers=ada.headers), 400, "request_invalid")
