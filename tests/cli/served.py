"""Sandboxes with people in them, and their real HTTP application on a port."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Thread

import uvicorn

from revenge_adapters import Sandbox
from revenge_core.accounts.entities import AccountChanges, NewInvitation
from revenge_core.actor import Actor
from revenge_core.auth.errors import CredentialsInvalid
from revenge_core.ids import UserId
from revenge_core.secrets import Secret
from revenge_http.asgi import App, Receive, Scope, Send
from tests.apps import app_of
from tests.core.people import KITCHEN, PASSWORD, SOFA, new_user, register, sign_in

HOST = Actor.host()


class Front:
    """A port at which one sandbox after the other can stand."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.app: App | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None, "no sandbox stands here"
        await self.app(scope, receive, send)

    @contextmanager
    def of(self, box: Sandbox) -> Generator[str]:
        """The URL under which the sandbox answers while the block runs."""
        self.app = app_of(box.revenge)
        try:
            yield self.url
        finally:
            self.app = None


@contextmanager
def opened() -> Generator[Front]:
    """A front, on a real server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        front = Front(f"http://127.0.0.1:{listening.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(front, log_config=None, lifespan="off"))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield front
        finally:
            server.should_exit = True
            thread.join()


def peopled(box: Sandbox) -> str:
    """Five accounts in all states, sessions, invitations and a guess; the access token of `root`, who is an admin."""
    return asyncio.run(_peopled(box))


def id_of(box: Sandbox, name: str) -> UserId:
    return next(user.id for user in box.rows.users.values() if user.username == name)


async def _peopled(box: Sandbox) -> str:
    people = box.revenge.administration
    for name in ("ada", "bob", "carol", "dave"):
        await register(box, name)
        box.clock.advance(seconds=1)
    strange = AccountChanges(display_name="Ada \u202egnirts\u202c ふじ")
    await people.change(HOST, id_of(box, "ada"), strange)
    for origin in (KITCHEN, SOFA):
        await sign_in(box, "ada", origin)
        box.clock.advance(seconds=1)
    await people.disable(HOST, id_of(box, "bob"))
    await people.delete(HOST, id_of(box, "carol"))
    await box.revenge.invitations.create(HOST, NewInvitation(uses=3, note="next\tdoor"))
    box.clock.advance(seconds=1)
    await box.revenge.invitations.create(HOST, NewInvitation(email="eve@example.org"))
    with suppress(CredentialsInvalid):
        await box.revenge.auth.login("dave", Secret("wrong password"), KITCHEN)
    await box.revenge.accounts.create_admin(HOST, new_user("root"), PASSWORD)
    return (await sign_in(box, "root")).tokens.access_token.reveal()
