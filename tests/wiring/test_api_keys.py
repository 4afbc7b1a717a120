"""API keys in the wiring: judged from memory, and over on every server as soon as anything about them changes."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from revenge_adapters import open_revenge
from revenge_adapters.wiring.settings import Settings
from revenge_core.actor import Actor
from revenge_core.apikeys import KeyScope
from revenge_core.apikeys.entities import KeyChanges, NewKey
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.users import NewUser
from revenge_http.app import create_app
from revenge_http.options import HttpOptions

Make = Callable[..., Settings]
PASSWORD = Secret("seven purple umbrellas")
BOUND_SECONDS = 2.0
"""How long another server may take to notice (rulings R25)."""


def client_of(revenge: Revenge) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(revenge, HttpOptions())), base_url="http://x")


async def ada(revenge: Revenge) -> Actor:
    await revenge.accounts.register(NewUser(username="ada", email="ada@example.org"), PASSWORD)
    token = (await revenge.auth.login("ada", PASSWORD)).tokens.access_token
    return await revenge.auth.authenticate(token.reveal())


async def until(holds: Callable[[], Awaitable[bool]], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 (another server sends no event when it has noticed)
            await asyncio.sleep(0.05)


async def test_a_key_that_ends_or_is_narrowed_on_one_server_does_so_on_the_other(given_settings: Make) -> None:
    settings = given_settings()
    async with (
        open_revenge(settings, worker=False) as one,
        open_revenge(settings, worker=False) as other,
        client_of(other) as client,
    ):
        owner = await ada(one)
        made = await one.api_keys.create(owner, NewKey(name="x", scopes=frozenset({KeyScope.WRITE})))
        headers = {"x-api-key": made.secret.reveal()}

        async def sent(method: str) -> int:
            return (
                await client.request(method, "/api/v1/users/me", json={"locale": "en"}, headers=headers)
            ).status_code

        async def is_narrowed() -> bool:
            return await sent("PATCH") == 403

        async def is_over() -> bool:
            return await sent("GET") == 401

        assert [await sent(method) for method in ("PATCH", "GET", "GET")] == [200, 200, 200]
        await one.api_keys.change(owner, made.key.id, KeyChanges(scopes=frozenset({KeyScope.READ})))
        await until(is_narrowed, BOUND_SECONDS)
        assert await sent("GET") == 200
        await one.api_keys.revoke(owner, made.key.id)
        await until(is_over, BOUND_SECONDS)


async def test_when_a_key_was_used_is_written_by_and_by(given_settings: Make) -> None:
    async with open_revenge(given_settings(), worker=False) as revenge, client_of(revenge) as client:
        owner = await ada(revenge)
        made = await revenge.api_keys.create(owner, NewKey(name="x", scopes=frozenset({KeyScope.READ})))
        answer = await client.get("/api/v1/users/me", headers={"x-api-key": made.secret.reveal()})
        assert answer.status_code == 200

        async def is_written() -> bool:
            return (await revenge.api_keys.get(owner, made.key.id)).last_used_at is not None

        await until(is_written, 20)
