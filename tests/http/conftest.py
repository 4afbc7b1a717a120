"""The real application over the doubles: what a client sees, nothing between it and the code but httpx."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox, sandbox
from revenge_core.secrets import Secret
from revenge_core.users import NewUser
from revenge_http.app import create_app
from revenge_http.options import HttpOptions
from tests.apps import app_of
from tests.http.support import MEMBER, PASSWORD, PEER, Connect, Party, sign_in


@pytest.fixture
def box() -> Sandbox:
    return sandbox()


@pytest.fixture
async def connect(box: Sandbox) -> AsyncGenerator[Connect]:
    """Makes clients of applications with other options, or that come from elsewhere."""
    opened: list[httpx.AsyncClient] = []

    def connected(*, peer: str = PEER, scheme: str = "http", **options: Any) -> httpx.AsyncClient:  # noqa: ANN401 (fields of HttpOptions)
        app = create_app(box.revenge, HttpOptions(**options)) if options else app_of(box.revenge)
        transport = httpx.ASGITransport(app, client=(peer, 50000))
        client = httpx.AsyncClient(transport=transport, base_url=f"{scheme}://media.example.org")
        opened.append(client)
        return client

    yield connected
    for client in opened:
        await client.aclose()


@pytest.fixture
def client(connect: Connect) -> httpx.AsyncClient:
    return connect()


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> Party:
    """A member, signed in."""
    assert (await client.post("/api/v1/auth/register", json=MEMBER)).status_code == 201
    return await sign_in(client)


@pytest.fixture
async def root(box: Sandbox, client: httpx.AsyncClient) -> Party:
    """An admin, signed in."""
    token = await box.revenge.accounts.issue_bootstrap_token()
    assert token
    await box.revenge.accounts.bootstrap(token, NewUser(username="root", email="root@example.org"), Secret(PASSWORD))
    return await sign_in(client, "root")
