"""Cookies for browsers: what is set, when it counts, and when it goes (decisions W9, defects 25 and 42)."""

from http.cookies import Morsel, SimpleCookie
from typing import Final

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.secrets import Secret
from revenge_http.options import CookieMode
from tests.http.support import MEMBER, PASSWORD, PROXY, TRUSTED, Connect, Json, problem

MODE: Final = CookieMode(csrf_key=Secret("a key that all servers share"))
LOGIN: Final = "/api/v1/auth/login"
ME: Final = "/api/v1/users/me"
RIGHT: Final = {"username": "ada", "password": PASSWORD}
SESSION: Final = {"revenge_access_token", "revenge_refresh_token", "revenge_csrf"}


def set_by(answer: httpx.Response) -> dict[str, Morsel[str]]:
    found: dict[str, Morsel[str]] = {}
    for line in answer.headers.get_list("set-cookie"):
        found.update(SimpleCookie(line))
    return found


def cleared_by(answer: httpx.Response) -> set[str]:
    return {name for name, one in set_by(answer).items() if one["max-age"] == "0" and one.value == ""}


def csrf_of(browser: httpx.AsyncClient) -> dict[str, str]:
    return {"x-csrf-token": browser.cookies["revenge_csrf"]}


@pytest.fixture
async def browser(connect: Connect) -> httpx.AsyncClient:
    """Ada's: it keeps cookies, and has signed in."""
    client = connect(cookies=MODE)
    assert (await client.post("/api/v1/auth/register", json=MEMBER)).status_code == 201
    assert (await client.post(LOGIN, json=RIGHT)).status_code == 200
    return client


async def test_without_cookie_mode_nothing_is_set_and_nothing_that_comes_counts(
    client: httpx.AsyncClient, connect: Connect, browser: httpx.AsyncClient
) -> None:
    client.cookies = browser.cookies
    problem(await client.get(ME), 401, "authentication_required")
    answer = await client.post(LOGIN, json=RIGHT)
    assert (answer.status_code, set_by(answer), "x-csrf-token" in answer.headers) == (200, {}, False)
    said = problem(await client.post("/api/v1/auth/refresh"), 400, "request_invalid")
    assert said["errors"][0]["pointer"] == "/refresh_token"


@pytest.mark.asvs("3.3.1", "3.3.2", "3.3.4")
async def test_a_sign_in_sets_cookies_that_scripts_cannot_read_but_one(browser: httpx.AsyncClient) -> None:
    answer = await browser.post(LOGIN, json={**RIGHT, "client_type": "browser"})
    said, cookies = answer.json(), set_by(answer)
    assert cookies.keys() - {"revenge_device"} == SESSION
    access, refresh, csrf = (
        cookies[name] for name in ("revenge_access_token", "revenge_refresh_token", "revenge_csrf")
    )
    assert (access.value, refresh.value) == (said["access_token"], said["refresh_token"])
    assert (access["path"], refresh["path"], csrf["path"]) == ("/", "/api/v1", "/")
    assert [bool(one["httponly"]) for one in (access, refresh, csrf)] == [True, True, False]
    assert {one["samesite"] for one in cookies.values()} == {"Lax"}
    assert {bool(one["secure"]) for one in cookies.values()} == {False}
    assert {one["domain"] for one in cookies.values()} == {""}
    assert int(access["max-age"]) == said["expires_in"] == 900
    assert int(refresh["max-age"]) == int(csrf["max-age"]) == 90 * 24 * 3600
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-csrf-token"] == csrf.value


@pytest.mark.parametrize("path", ["/api/v1/auth/refresh", "/api/v1/sessions/refresh"])
async def test_defect_25_a_browser_refreshes_by_its_cookie_and_gets_all_of_them_anew(
    browser: httpx.AsyncClient, box: Sandbox, path: str
) -> None:
    before = dict(browser.cookies)
    box.clock.advance(hours=1)
    problem(await browser.get(ME), 401, "access_token_invalid")
    answer = await browser.post(path, headers={"x-csrf-token": before["revenge_csrf"]})
    assert answer.status_code == 200
    cookies = set_by(answer)
    assert cookies.keys() == SESSION
    assert cookies["revenge_refresh_token"].value == answer.json()["refresh_token"] != before["revenge_refresh_token"]
    assert int(cookies["revenge_refresh_token"]["max-age"]) == 90 * 24 * 3600 - 3600
    assert cookies["revenge_csrf"].value == before["revenge_csrf"]
    assert (await browser.get(ME)).json()["username"] == "ada"


async def test_a_refresh_token_in_the_body_still_counts_before_that_of_the_cookie(browser: httpx.AsyncClient) -> None:
    token = browser.cookies["revenge_refresh_token"]
    assert (await browser.post("/api/v1/auth/refresh", json={"refresh_token": token})).status_code == 200
    body = {"refresh_token": "0" * 64}
    problem(
        await browser.post("/api/v1/auth/refresh", json=body, headers=csrf_of(browser)), 401, "refresh_token_invalid"
    )


@pytest.mark.parametrize(
    ("options", "scheme", "headers", "is_secure"),
    [
        ({}, "http", {}, False),
        ({}, "https", {}, True),
        ({"public_url": "https://media.example.org"}, "http", {}, True),
        ({}, "http", {"x-forwarded-proto": "https"}, False),
        ({"trusted_proxies": TRUSTED, "peer": PROXY}, "http", {"x-forwarded-proto": "https"}, True),
        ({"cookies": CookieMode(csrf_key=MODE.csrf_key, same_site="none")}, "http", {}, True),
    ],
)
@pytest.mark.asvs("3.3.1")
async def test_cookies_are_secure_where_the_browser_speaks_tls(
    connect: Connect, options: Json, scheme: str, headers: dict[str, str], *, is_secure: bool
) -> None:
    client = connect(scheme=scheme, **{"cookies": MODE, **options})
    await client.post("/api/v1/auth/register", json=MEMBER)
    cookies = set_by(await client.post(LOGIN, json=RIGHT, headers=headers))
    assert cookies.keys() >= SESSION
    assert {bool(one["secure"]) for one in cookies.values()} == {is_secure}


async def test_cookies_have_the_domain_the_strictness_and_the_prefix_that_are_set(connect: Connect) -> None:
    mode = CookieMode(csrf_key=MODE.csrf_key, domain="example.org", same_site="strict")
    client = connect(cookies=mode, path_prefix="/media", scheme="https")
    await client.post("/media/api/v1/auth/register", json=MEMBER)
    answer = await client.post("/media/api/v1/auth/login", json=RIGHT)
    for one in set_by(answer).values():
        assert (one["domain"], one["samesite"]) == ("example.org", "Strict")
        assert one["path"] in {"/media/", "/media/api/v1"}
    gone = set_by(await client.post("/media/api/v1/auth/logout", headers=csrf_of(client)))
    assert {(one["domain"], one["path"]) for one in gone.values()} == {
        ("example.org", "/media/"),
        ("example.org", "/media/api/v1"),
    }


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/auth/logout", None),
        ("POST", "/api/v1/auth/logout", {"logout_all": True}),
        ("DELETE", "/api/v1/sessions", None),
        ("DELETE", "/api/v1/sessions/current", None),
        ("DELETE", "/api/v1/sessions/{current}", None),
    ],
)
@pytest.mark.asvs("7.4.1")
async def test_defect_42_every_way_out_clears_the_cookies(
    browser: httpx.AsyncClient, method: str, path: str, body: Json | None
) -> None:
    current = (await browser.get("/api/v1/sessions/current")).json()["id"]
    kept = dict(browser.cookies)
    answer = await browser.request(method, path.format(current=current), json=body, headers=csrf_of(browser))
    assert answer.status_code == 204
    assert cleared_by(answer) == SESSION
    assert SESSION & set(browser.cookies) == set()
    for name in SESSION:
        browser.cookies.set(name, kept[name], domain="media.example.org")
    problem(await browser.get(ME), 401, "session_ended")
    refused = await browser.post("/api/v1/auth/refresh", headers={"x-csrf-token": kept["revenge_csrf"]})
    assert refused.status_code == 401


async def test_ending_other_sessions_leaves_this_browsers_cookies_alone(browser: httpx.AsyncClient) -> None:
    other = (await browser.post(LOGIN, json=RIGHT)).json()["access_token"]
    sessions = (await browser.get("/api/v1/sessions")).json()["sessions"]
    (first,) = [one["id"] for one in sessions if not one["is_current"]]
    for path in (f"/api/v1/sessions/{first}", "/api/v1/sessions?except_current=true"):
        answer = await browser.delete(path, headers=csrf_of(browser))
        assert (answer.status_code, set_by(answer)) == (204, {})
    assert browser.cookies["revenge_access_token"] == other
    assert (await browser.get(ME)).status_code == 200


async def test_defect_42_a_changed_password_keeps_this_browser_signed_in(browser: httpx.AsyncClient) -> None:
    body = {"old_password": PASSWORD, "new_password": "nine green lanterns"}
    answer = await browser.post("/api/v1/auth/change-password", json=body, headers=csrf_of(browser))
    assert (answer.status_code, cleared_by(answer)) == (204, set())
    assert (await browser.get(ME)).status_code == 200


async def test_a_browser_whose_session_ended_elsewhere_is_told_to_forget_it(
    browser: httpx.AsyncClient, connect: Connect
) -> None:
    headers = {"authorization": f"Bearer {browser.cookies['revenge_access_token']}"}
    assert (await connect().delete("/api/v1/sessions", headers=headers)).status_code == 204
    csrf = csrf_of(browser)
    refused = await browser.post("/api/v1/auth/refresh", headers=csrf)
    problem(refused, 401, "refresh_token_invalid")
    assert cleared_by(refused) == SESSION


async def test_a_dead_session_is_cleared_by_the_first_answer_that_says_so(
    browser: httpx.AsyncClient, connect: Connect
) -> None:
    headers = {"authorization": f"Bearer {browser.cookies['revenge_access_token']}"}
    assert (await connect().delete("/api/v1/sessions", headers=headers)).status_code == 204
    refused = await browser.get(ME)
    problem(refused, 401, "session_ended")
    assert cleared_by(refused) == SESSION


async def test_an_access_cookie_that_is_no_token_is_forgotten_and_the_session_is_not(
    browser: httpx.AsyncClient,
) -> None:
    headers = {"cookie": "revenge_access_token=nonsense"}
    browser.cookies.clear()
    refused = await browser.get(ME, headers=headers)
    problem(refused, 401, "access_token_invalid")
    assert cleared_by(refused) == {"revenge_access_token"}


async def test_an_unknown_refresh_cookie_is_forgotten(browser: httpx.AsyncClient) -> None:
    browser.cookies.clear()
    refused = await browser.post("/api/v1/auth/refresh", headers={"cookie": "revenge_refresh_token=" + "0" * 64})
    problem(refused, 401, "refresh_token_invalid")
    assert cleared_by(refused) == SESSION


async def test_a_header_wins_over_a_cookie_and_needs_no_csrf_token(
    browser: httpx.AsyncClient, connect: Connect
) -> None:
    grace = {"username": "grace", "email": "grace@example.org", "password": PASSWORD}
    other = connect()
    await other.post("/api/v1/auth/register", json=grace)
    token = (await other.post(LOGIN, json={"username": "grace", "password": PASSWORD})).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    assert (await browser.get(ME, headers=headers)).json()["username"] == "grace"
    assert (await browser.put(ME, json={"display_name": "Grace"}, headers=headers)).status_code == 200
    problem(await browser.get(ME, headers={"authorization": "Bearer nonsense"}), 401, "access_token_invalid")
    problem(await browser.get(ME, headers={"x-api-key": "nonsense"}), 401, "api_key_invalid")


async def test_of_two_cookies_with_one_name_the_first_counts(browser: httpx.AsyncClient) -> None:
    token = browser.cookies["revenge_access_token"]
    browser.cookies.clear()
    for line, status in (
        (f"a=b; revenge_access_token={token}; revenge_access_token=x", 200),
        (f"revenge_access_token=x; revenge_access_token={token}", 401),
        (f"other_revenge_access_token={token}", 401),
        ("revenge_access_token=", 401),
        ("revenge_access_token", 401),
        (";;;=;", 401),
    ):
        assert (await browser.get(ME, headers={"cookie": line})).status_code == status, line


async def test_a_device_is_known_again_by_its_cookie_which_lasts_as_long_as_browsers_keep_one(
    connect: Connect, box: Sandbox
) -> None:
    client = connect(cookies=MODE, scheme="https")
    await client.post("/api/v1/auth/register", json=MEMBER)
    first = await client.post(LOGIN, json=RIGHT)
    device = set_by(first)["revenge_device"]
    assert device.value == first.json()["device_token"]
    assert (device["path"], int(device["max-age"])) == ("/api/v1", 400 * 24 * 3600)
    assert (bool(device["httponly"]), bool(device["secure"])) == (True, True)
    box.clock.advance(days=100)
    second = await client.post(LOGIN, json=RIGHT)
    assert "device_token" not in second.json()
    assert set_by(second)["revenge_device"].OutputString() == device.OutputString()
    out = await client.post("/api/v1/auth/logout", headers=csrf_of(client))
    assert "revenge_device" not in set_by(out)
    foreign = await client.post(LOGIN, json=RIGHT, headers={"origin": "https://evil.example"})
    assert "device_token" in foreign.json(), "a foreign page does not speak for the device"


async def test_forgetting_the_device_of_this_session_clears_its_cookies_and_of_another_does_not(
    browser: httpx.AsyncClient, connect: Connect
) -> None:
    there = connect(cookies=MODE)
    await there.post(LOGIN, json={**RIGHT, "device_name": "another"})
    listed = (await browser.get(f"{ME}/devices")).json()["devices"]
    for is_current, cleared in ((False, set[str]()), (True, SESSION)):
        device_id = next(one["id"] for one in listed if one["is_current"] is is_current)
        answer = await browser.delete(f"{ME}/devices/{device_id}", headers=csrf_of(browser))
        assert (answer.status_code, cleared_by(answer)) == (204, cleared)


async def test_deleting_the_account_clears_the_cookies(browser: httpx.AsyncClient) -> None:
    answer = await browser.delete(ME, headers=csrf_of(browser))
    assert (answer.status_code, cleared_by(answer)) == (204, SESSION)


async def test_the_document_says_what_a_browser_sends(browser: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    document = (await browser.get("/api/openapi.json")).json()
    assert document["components"]["securitySchemes"]["cookieAuth"]["name"] == "revenge_access_token"
    mine = document["paths"][ME]
    assert {"cookieAuth": []} in mine["get"]["security"]
    assert {"cookieAuth": [], "csrfToken": []} in mine["put"]["security"]
    assert "cookieAuth" not in (await client.get("/api/openapi.json")).text
