"""Who may call: credentials, permissions, and routes that say nothing."""

from typing import Any, cast

import httpx
import pytest
from litestar import Litestar, get

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import Role
from revenge_http.access import ENTRANCES, FOR_READING, Access, Entrance, needs, public, signed_in
from revenge_http.app import create_router
from revenge_http.asgi import App
from revenge_http.edge.middleware import Edge
from revenge_http.options import HttpOptions
from revenge_http.problems import ProblemWriter
from tests.http.support import Party, problem

ME = "/api/v1/users/me"


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic YWRhOng=", "bearer\tx", "Token x", "Bearer  ", "Negotiate"]
)
async def test_what_is_no_bearer_token_is_401(client: httpx.AsyncClient, value: str) -> None:
    answer = await client.get(ME, headers={"authorization": value})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="Revenge"')


async def test_no_credential_gets_a_challenge_without_an_error(client: httpx.AsyncClient) -> None:
    answer = await client.get(ME)
    problem(answer, 401, "authentication_required")
    assert answer.headers["www-authenticate"] == 'Bearer realm="Revenge"'


@pytest.mark.asvs("7.2.1", "9.1.1")
@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "\xff\xfe", "null", "x" * 20_000, "eyJhbGciOiJub25lIn0.e30.", "Rv_" + "0" * 64]
)
async def test_a_token_that_is_not_ours_is_401_and_says_so(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get(ME, headers=[(b"authorization", f"Bearer {token}".encode("latin-1"))])
    problem(answer, 401, "access_token_invalid")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_name_of_the_scheme_is_not_case_sensitive(client: httpx.AsyncClient, ada: Party, scheme: str) -> None:
    answer = await client.get(ME, headers={"authorization": f"{scheme} {ada.access_token}"})
    assert answer.status_code == 200


async def test_two_credentials_are_refused_even_if_both_are_good(client: httpx.AsyncClient, ada: Party) -> None:
    bearer = f"Bearer {ada.access_token}"
    for headers in (
        [("authorization", bearer), ("authorization", bearer)],
        [("authorization", bearer), ("x-api-key", "rv_x")],
        [("x-api-key", "rv_x"), ("x-api-key", "rv_x")],
    ):
        problem(await client.get(ME, headers=headers), 400, "two_credentials")


async def test_a_public_route_ignores_whatever_credential_comes(client: httpx.AsyncClient) -> None:
    headers = [("authorization", "Bearer nonsense"), ("authorization", "Basic x"), ("x-api-key", "x")]
    for path in ("/healthz", "/readyz", "/api/openapi.json"):
        assert (await client.get(path, headers=headers)).status_code == 200
    answer = await client.post("/api/v1/auth/refresh", json={"refresh_token": "x"}, headers=headers)
    problem(answer, 401, "refresh_token_invalid")


@pytest.mark.asvs("14.2.1")
async def test_a_token_in_the_address_is_no_credential(client: httpx.AsyncClient, ada: Party) -> None:
    for name in ("token", "access_token", "api_key"):
        problem(await client.get(f"{ME}?{name}={ada.access_token}"), 401, "authentication_required")


@pytest.mark.asvs("9.2.2")
async def test_a_refresh_token_is_no_access_token(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.get(ME, headers={"authorization": f"Bearer {ada.refresh_token}"})
    problem(answer, 401, "access_token_invalid")


@pytest.mark.asvs("9.2.1")
async def test_a_token_past_its_time_is_401(client: httpx.AsyncClient, box: Sandbox, ada: Party) -> None:
    box.clock.advance(minutes=16)
    problem(await client.get(ME, headers=ada.headers), 401, "access_token_invalid")


@pytest.mark.asvs("8.3.2")
async def test_a_permission_that_is_withdrawn_is_missed_at_once(
    client: httpx.AsyncClient, box: Sandbox, ada: Party
) -> None:
    box.rows.roles["user"] = Role(name="user", permissions=frozenset({"profile:read"}))
    assert (await client.get(ME, headers=ada.headers)).status_code == 200
    said = problem(await client.put(ME, json={}, headers=ada.headers), 403, "permission_denied")
    assert "profile:update" in said["detail"]


async def test_one_who_holds_nothing_may_still_sign_out(client: httpx.AsyncClient, box: Sandbox, ada: Party) -> None:
    box.rows.grants.clear()
    problem(await client.get(ME, headers=ada.headers), 403, "permission_denied")
    assert (await client.post("/api/v1/auth/logout", headers=ada.headers)).status_code == 204


def app_with(box: Sandbox, **opt: object) -> App:
    """Our application and one route more, registered after the check at start-up."""

    @get("/late", opt=opt)
    async def late() -> str:
        return "reached"

    options = HttpOptions()
    problems = ProblemWriter(options)
    router: Litestar = create_router(box.revenge, options, problems)
    router.register(late)
    return Edge(cast(App, router), options, problems)


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize("opt", [{}, {ENTRANCES: None}, {ENTRANCES: {"GET": "public"}}, {"entrance": FOR_READING}])
async def test_a_route_that_declares_nothing_is_refused_when_it_is_called(
    box: Sandbox, root: Party, opt: dict[str, Any]
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app_with(box, **opt)), base_url="http://x") as client:
        problem(await client.get("/late", headers=root.headers), 403, "permission_denied")
        problem(await client.get("/late"), 403, "permission_denied")


@pytest.mark.parametrize(
    ("access", "stranger", "member", "admin"),
    [
        (public(), 200, 200, 200),
        (signed_in(), 401, 200, 200),
        (needs(Permission.PROFILE_READ), 401, 200, 200),
        (needs(Permission.HEALTH_READ), 401, 403, 200),
    ],
)
async def test_a_declaration_decides_who_comes_in(
    box: Sandbox, ada: Party, root: Party, access: Access, stranger: int, member: int, admin: int
) -> None:
    app = app_with(box, entrances={"GET": Entrance(access=access)})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        answers = [await client.get("/late", headers=headers) for headers in ({}, ada.headers, root.headers)]
    assert [answer.status_code for answer in answers] == [stranger, member, admin]
