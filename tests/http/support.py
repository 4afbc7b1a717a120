"""What every test of the HTTP edge needs: somebody signed in, and the one shape of every error."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

import httpx

from revenge_http.asgi import App, Message

PASSWORD: Final = "seven purple umbrellas"
MEMBER: Final = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
PEER: Final = "192.0.2.9"
PROXY: Final = "10.0.0.1"
TRUSTED: Final = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
PROBLEM_MEMBERS: Final = {
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "code",
    "message",
    "error",
    "request_id",
}

Json = dict[str, Any]
Connect = Callable[..., httpx.AsyncClient]


@dataclass(frozen=True)
class Party:
    """Somebody who is signed in."""

    id: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.access_token}"}


async def sign_in(client: httpx.AsyncClient, username: str = "ada", **more: object) -> Party:
    answer = await client.post("/api/v1/auth/login", json={"username": username, "password": PASSWORD, **more})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    return Party(said["user"]["id"], said["access_token"], said["refresh_token"])


def problem(answer: httpx.Response, status: int, error: str) -> Json:
    """Check the one shape of every error (decisions W2), and hand it out."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: Json = answer.json()
    assert said["status"] == said["code"] == status
    assert said["error"] == error
    assert said["type"] == f"/problems/{error}"
    assert said["message"] == said["detail"]
    assert said["title"]
    assert said["request_id"] == answer.headers["x-request-id"]
    assert said.keys() <= {*PROBLEM_MEMBERS, "errors"}
    assert said.keys() >= PROBLEM_MEMBERS
    return said


def pointers(said: Json) -> list[str]:
    return sorted(one["pointer"] for one in said["errors"])


async def raw(app: App, **scope: object) -> tuple[int, dict[bytes, bytes], bytes]:
    """One request as no client library would send it."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    whole: dict[str, object] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/healthz",
        "raw_path": b"/healthz",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"x")],
        "client": (PEER, 1),
        "server": ("x", 80),
        **scope,
    }
    await app(whole, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(one.get("body", b"") for one in sent[1:])
