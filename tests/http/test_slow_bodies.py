"""Rights that end while a body is still on its way: a request begun before lets nobody act after (ASVS 8.3.2)."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec import json
from msgspec.structs import replace

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.actor import Actor
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.secrets import Secret
from revenge_core.users.entities import NewUser
from revenge_http import gate
from revenge_http.asgi import App, Message
from tests.apps import app_of
from tests.http.support import MEMBER, PASSWORD, PEER, Party

Meanwhile = Callable[[], Awaitable[object]]


async def slowly(
    app: App, method: str, path: str, credential: tuple[bytes, bytes], body: object, meanwhile: Meanwhile
) -> tuple[int, Any]:
    """Send a request whose last byte comes after something else happened; its status and what is said."""
    encoded = json.encode(body)
    sent: list[Message] = []
    parts = [encoded[:-1], encoded[-1:]]

    async def receive() -> Message:
        part = parts.pop(0)
        if not parts:
            await meanwhile()
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"x"), (b"content-type", b"application/json"), credential],
        "client": (PEER, 1),
        "server": ("x", 80),
    }
    await app(scope, receive, send)
    return sent[0]["status"], json.decode(b"".join(one.get("body", b"") for one in sent[1:]))


@pytest.fixture(autouse=True)
def _late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every last byte counts as late."""
    monkeypatch.setattr(gate, "PATIENCE_SECONDS", -1)


async def is_one_of_two_admins(box: Sandbox, party: Party) -> UserId:
    """Whoever is not the last can be demoted."""
    other = NewUser(username="other", email="other@example.org")
    await box.revenge.accounts.create_admin(Actor.host(), other, Secret(PASSWORD))
    return UserId(UUID(party.id))


async def register(client: httpx.AsyncClient) -> UserId:
    answer = await client.post("/api/v1/auth/register", json=MEMBER)
    assert answer.status_code == 201
    return UserId(UUID(answer.json()["id"]))


def bearer(party: Party) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {party.access_token}".encode()


@pytest.mark.asvs("8.3.2", "7.4.1")
async def test_a_session_that_ended_meanwhile_makes_no_key(box: Sandbox, ada: Party) -> None:
    async def ended() -> None:
        await box.revenge.administration.revoke_sessions(Actor.host(), UserId(UUID(ada.id)))

    new = {"name": "Later", "scopes": ["write"]}
    status, said = await slowly(app_of(box.revenge), "POST", "/api/v1/apikeys", bearer(ada), new, ended)
    assert (status, said["error"]) == (401, "session_ended")
    assert box.rows.api_keys == {}


@pytest.mark.asvs("8.3.2")
async def test_whoever_is_demoted_meanwhile_hands_out_no_role(
    box: Sandbox, client: httpx.AsyncClient, root: Party
) -> None:
    ada, mine = await register(client), await is_one_of_two_admins(box, root)

    async def demoted() -> None:
        await box.revenge.grants.withdraw(Actor.host(), mine, "admin")

    path = f"/api/v1/rbac/users/{ada}/roles"
    status, said = await slowly(app_of(box.revenge), "POST", path, bearer(root), {"role": "admin"}, demoted)
    assert (status, said["error"]) == (403, "permission_denied")
    assert Permission.ROLES_ASSIGN.value in said["detail"]
    assert {role for holder, role, _ in box.rows.grants if holder == ada} == {"user"}


@pytest.mark.asvs("8.3.2")
async def test_what_is_judged_inside_is_judged_by_the_rights_at_the_end_of_the_body(
    box: Sandbox, client: httpx.AsyncClient, root: Party
) -> None:
    """The route still lets them in; the service no longer lets them give away all."""
    ada, mine = await register(client), await is_one_of_two_admins(box, root)
    guest = box.rows.roles["guest"]
    box.rows.roles["guest"] = replace(guest, permissions=guest.permissions | {"roles:assign"})

    async def demoted() -> None:
        await box.revenge.grants.assign(Actor.host(), mine, "guest")
        await box.revenge.grants.withdraw(Actor.host(), mine, "admin")

    path = f"/api/v1/rbac/users/{ada}/roles"
    status, said = await slowly(app_of(box.revenge), "POST", path, bearer(root), {"role": "moderator"}, demoted)
    assert (status, said["error"]) == (403, "role_too_powerful")


@pytest.mark.asvs("8.3.2")
async def test_a_key_that_is_revoked_meanwhile_changes_nothing(
    box: Sandbox, client: httpx.AsyncClient, ada: Party
) -> None:
    made = await client.post("/api/v1/apikeys", json={"name": "x", "scopes": ["write"]}, headers=ada.headers)
    key = made.json()

    async def revoked() -> None:
        assert (await client.delete(f"/api/v1/apikeys/{key['id']}", headers=ada.headers)).status_code == 204

    credential = (b"x-api-key", key["api_key"].encode())
    body = {"display_name": "Eve"}
    status, said = await slowly(app_of(box.revenge), "PUT", "/api/v1/users/me", credential, body, revoked)
    assert (status, said["error"]) == (401, "api_key_invalid")
    assert box.rows.users[UserId(UUID(ada.id))].display_name is None


async def test_whoever_kept_their_rights_is_served_however_slow(box: Sandbox, ada: Party) -> None:
    async def nothing() -> None: ...

    body = {"display_name": "Ada"}
    status, said = await slowly(app_of(box.revenge), "PUT", "/api/v1/users/me", bearer(ada), body, nothing)
    assert (status, said["display_name"]) == (200, "Ada")
