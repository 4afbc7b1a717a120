"""Other sites' pages cannot use a browser's cookies (rulings R15, ASVS 3.5)."""

from typing import Final

import httpx
import pytest

from revenge_core.secrets import Secret
from revenge_http.options import CookieMode
from tests.http.support import MEMBER, PASSWORD, PROXY, TRUSTED, Connect, Json, problem
from tests.http.test_cookies import LOGIN, ME, MODE, RIGHT, SESSION, csrf_of, set_by

FOREIGN: Final = "https://evil.example"
PAGE: Final = "https://tv.lan"
OWN: Final = "http://media.example.org"
REFRESH: Final = "/api/v1/auth/refresh"


@pytest.fixture
async def browser(connect: Connect) -> httpx.AsyncClient:
    """Ada's: it keeps cookies, and has signed in."""
    client = connect(cookies=MODE, cors_origins=(PAGE,))
    assert (await client.post("/api/v1/auth/register", json=MEMBER)).status_code == 201
    assert (await client.post(LOGIN, json=RIGHT)).status_code == 200
    return client


@pytest.mark.asvs("3.5.1")
@pytest.mark.parametrize("wrong", [None, "", "0" * 64, "é", "x" * 10_000])
async def test_an_unsafe_request_with_a_cookie_needs_the_csrf_token_of_its_session(
    browser: httpx.AsyncClient, wrong: str | None
) -> None:
    headers = {} if wrong is None else {b"x-csrf-token": wrong.encode()}
    for method, path in (("PUT", ME), ("PATCH", ME), ("POST", "/api/v1/auth/logout"), ("DELETE", "/api/v1/sessions")):
        body: Json | None = {} if path == ME else None
        problem(await browser.request(method, path, json=body, headers=headers), 403, "csrf_failed")
    problem(await browser.post(REFRESH, headers=headers), 403, "csrf_failed")
    assert (await browser.get(ME)).status_code == 200, "nothing was done, and reading needs none"
    right = csrf_of(browser)
    assert (await browser.put(ME, json={"display_name": "Ada"}, headers=right)).status_code == 200
    assert (await browser.post(REFRESH, headers=right)).status_code == 200


async def test_the_csrf_token_of_another_session_is_no_use(browser: httpx.AsyncClient) -> None:
    others = csrf_of(browser)
    await browser.post(LOGIN, json=RIGHT)
    assert others != csrf_of(browser)
    problem(await browser.put(ME, json={}, headers=others), 403, "csrf_failed")
    problem(await browser.post(REFRESH, headers=others), 403, "csrf_failed")


async def test_a_cookie_that_a_sibling_domain_planted_makes_no_csrf_token(browser: httpx.AsyncClient) -> None:
    cookies = f"revenge_access_token={browser.cookies['revenge_access_token']}; revenge_csrf=planted"
    headers = {"x-csrf-token": "planted", "cookie": cookies}
    problem(await browser.put(ME, json={}, headers=headers), 403, "csrf_failed")


async def test_every_server_with_the_same_key_takes_the_csrf_token_and_no_other_does(
    browser: httpx.AsyncClient, connect: Connect
) -> None:
    beside, apart = connect(cookies=MODE), connect(cookies=CookieMode(csrf_key=Secret("another key")))
    for client in (beside, apart):
        client.cookies = browser.cookies
    assert (await beside.put(ME, json={}, headers=csrf_of(browser))).status_code == 200
    problem(await apart.put(ME, json={}, headers=csrf_of(browser)), 403, "csrf_failed")


async def test_even_the_right_csrf_token_is_no_use_to_a_foreign_page(browser: httpx.AsyncClient) -> None:
    for said in ({"origin": FOREIGN}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        problem(await browser.put(ME, json={}, headers={**csrf_of(browser), **said}), 403, "csrf_failed")
        problem(await browser.post(REFRESH, headers={**csrf_of(browser), **said}), 403, "csrf_failed")


@pytest.mark.asvs("3.5.1", "7.6.2")
@pytest.mark.parametrize(
    "said",
    [
        {"origin": FOREIGN},
        {"origin": "null"},
        {"origin": "https://media.example.org"},
        {"origin": OWN + ".evil.example"},
        {"origin": OWN + ":8096"},
        {"origin": FOREIGN, "sec-fetch-site": "cross-site"},
        {"origin": FOREIGN, "x-forwarded-host": "evil.example", "x-forwarded-proto": "https"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_defect_25_a_foreign_page_cannot_sign_its_visitor_in(
    connect: Connect, browser: httpx.AsyncClient, said: dict[str, str]
) -> None:
    client = connect(cookies=MODE, cors_origins=(PAGE, "*"))
    answer = await client.post(LOGIN, json=RIGHT, headers=said)
    assert set_by(answer) == {}
    assert "x-csrf-token" not in answer.headers
    token = answer.json()["refresh_token"]
    answer = await client.post(REFRESH, json={"refresh_token": token}, headers=said)
    assert (answer.status_code, set_by(answer)) == (200, {})


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"origin": OWN},
        {"origin": PAGE, "sec-fetch-site": "cross-site"},
        {"origin": "https://revenge.example.org"},
        {"origin": "https://media.example.org", "sec-fetch-site": "same-origin"},
    ],
)
async def test_our_own_pages_and_those_that_are_named_get_cookies(connect: Connect, said: dict[str, str]) -> None:
    client = connect(cookies=MODE, cors_origins=(PAGE,), public_url="https://revenge.example.org:443/media")
    await client.post("/api/v1/auth/register", json=MEMBER)
    assert set_by(await client.post(LOGIN, json=RIGHT, headers=said)).keys() >= SESSION


async def test_what_a_trusted_proxy_says_is_this_servers_own_origin(connect: Connect) -> None:
    client = connect(cookies=MODE, trusted_proxies=TRUSTED, peer=PROXY)
    await client.post("/api/v1/auth/register", json=MEMBER)
    proxied = {"x-forwarded-proto": "https", "x-forwarded-host": "evil.example, tv.example.org"}
    answer = await client.post(LOGIN, json=RIGHT, headers={**proxied, "origin": "https://tv.example.org"})
    assert set_by(answer).keys() >= SESSION
    assert set_by(await client.post(LOGIN, json=RIGHT, headers={**proxied, "origin": FOREIGN})) == {}


async def test_a_foreign_page_cannot_have_cookies_cleared(browser: httpx.AsyncClient, connect: Connect) -> None:
    token = (await connect().post(LOGIN, json=RIGHT)).json()["access_token"]
    headers = {"authorization": f"Bearer {token}", "origin": FOREIGN}
    answer = await browser.post("/api/v1/auth/logout", headers=headers)
    assert (answer.status_code, set_by(answer)) == (204, {})


@pytest.mark.asvs("3.4.2")
async def test_defect_25_only_named_origins_may_call_with_credentials(connect: Connect) -> None:
    asks = {"access-control-request-method": "PUT", "access-control-request-headers": "x-csrf-token"}
    for options, origin, allowed in (
        ({"cors_origins": (PAGE,)}, PAGE, "true"),
        ({"cors_origins": (PAGE,)}, FOREIGN, None),
        ({"cors_origins": ("*",)}, PAGE, None),
        ({"cors_origins": (PAGE, "*")}, PAGE, None),
        ({"cors_origins": (PAGE,), "cookies": None}, PAGE, None),
    ):
        client = connect(**{"cookies": MODE, **options})
        for answer in (
            await client.options(ME, headers={"origin": origin, **asks}),
            await client.get("/healthz", headers={"origin": origin}),
        ):
            assert answer.headers.get("access-control-allow-credentials") == allowed


async def test_a_named_page_on_another_site_learns_its_csrf_token_from_the_answer(browser: httpx.AsyncClient) -> None:
    answer = await browser.post(LOGIN, json=RIGHT, headers={"origin": PAGE})
    assert "X-CSRF-Token" in answer.headers["access-control-expose-headers"].split(", ")
    headers = {"x-csrf-token": answer.headers["x-csrf-token"], "origin": PAGE}
    assert (await browser.put(ME, json={"display_name": "Ada"}, headers=headers)).status_code == 200


async def test_a_public_operation_that_looks_at_its_caller_takes_a_cookie(connect: Connect, root: object) -> None:
    client = connect(cookies=MODE)
    bare = (await client.get("/readyz")).json()
    await client.post(LOGIN, json={"username": "root", "password": PASSWORD})
    assert (await client.get("/readyz")).json() != bare
