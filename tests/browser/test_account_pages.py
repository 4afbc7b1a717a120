"""The pages under `/account` as a browser shows them, on a real server (decisions W9; identity defects 25 and 42)."""

from typing import Any, Final, Literal

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from revenge_adapters import sandbox
from revenge_core.secrets import Secret
from revenge_core.users.entities import NewUser
from revenge_http.account_pages.routes import PAGES
from revenge_http.app import create_app
from revenge_http.options import CookieMode, HttpOptions
from tests.browser.conftest import Server, served
from tests.http.support import PASSWORD

SESSION: Final = {"revenge_access_token", "revenge_refresh_token", "revenge_csrf"}
CALL: Final = """async ([method, path, headers]) => {
    const answer = await fetch(path, { method, headers });
    return [answer.status, (await answer.json().catch(() => null))?.error ?? null];
}"""
"""What any script on a page of this server can do."""


async def cookies_of(context: BrowserContext) -> dict[str, Any]:
    return {one.get("name", ""): one for one in await context.cookies()}


async def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    await page.goto("/account/sign-in")
    await page.get_by_label("User name or e-mail address").fill(username)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def signed_in(page: Page) -> None:
    await expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


@pytest.mark.asvs("3.3.1", "3.3.2", "3.3.4")
async def test_a_wrong_password_is_told_and_the_right_one_sets_cookies_that_scripts_cannot_read(
    page: Page, server: Server
) -> None:
    await server.account("ada")
    await sign_in(page, "ada", "not her password")
    await expect(page.get_by_role("alert")).to_have_text("User name or password is wrong.")
    assert await cookies_of(page.context) == {}
    await sign_in(page, "ada")
    await signed_in(page)
    await expect(page.locator("#name")).to_have_text("ada")
    cookies = await cookies_of(page.context)
    assert cookies.keys() == SESSION | {"revenge_device"}
    assert {name for name, one in cookies.items() if not one["httpOnly"]} == {"revenge_csrf"}
    assert {one["sameSite"] for one in cookies.values()} == {"Lax"}
    assert cookies["revenge_refresh_token"]["path"] == "/api/v1"
    seen = await page.evaluate("document.cookie")
    assert seen == f"revenge_csrf={cookies['revenge_csrf']['value']}"


async def test_the_session_outlives_a_reload_and_the_access_cookie(page: Page, server: Server) -> None:
    await server.account("bea")
    await sign_in(page, "bea")
    await signed_in(page)
    await page.reload()
    await signed_in(page)
    before = await cookies_of(page.context)
    await page.context.clear_cookies(name="revenge_access_token")
    await page.reload()
    await signed_in(page)
    after = await cookies_of(page.context)
    assert after["revenge_refresh_token"]["value"] != before["revenge_refresh_token"]["value"]
    assert after["revenge_access_token"]["value"]
    assert after["revenge_device"]["value"] == before["revenge_device"]["value"]


@pytest.mark.asvs("3.5.1")
async def test_an_unsafe_call_needs_the_csrf_token(page: Page, server: Server) -> None:
    await server.account("cleo")
    await sign_in(page, "cleo")
    await signed_in(page)
    cookies = await cookies_of(page.context)
    right = {"x-csrf-token": cookies["revenge_csrf"]["value"]}
    path = "/api/v1/sessions?except_current=true"
    assert await page.evaluate(CALL, ["GET", "/api/v1/users/me", {}]) == [200, None]
    assert await page.evaluate(CALL, ["DELETE", path, {}]) == [403, "csrf_failed"]
    assert await page.evaluate(CALL, ["DELETE", path, {"x-csrf-token": "0" * 64}]) == [403, "csrf_failed"]
    assert await page.evaluate(CALL, ["POST", "/api/v1/auth/refresh", {}]) == [403, "csrf_failed"]
    assert await page.evaluate(CALL, ["DELETE", path, right]) == [204, None]


@pytest.mark.asvs("3.5.1", "7.6.2")
async def test_a_page_of_another_site_can_neither_use_the_cookies_nor_set_any(page: Page, server: Server) -> None:
    await server.account("dora")
    await sign_in(page, "dora")
    await signed_in(page)
    before = await cookies_of(page.context)
    await page.context.route(
        "http://evil.example/", lambda route: route.fulfill(content_type="text/html", body="<h1>Kittens</h1>")
    )
    evil = await page.context.new_page()
    await evil.goto("http://evil.example/")
    posts = """async (url) => {
        const form = document.createElement("form");
        Object.assign(form, { method: "post", action: url, enctype: "text/plain" });
        document.body.append(form);
        form.submit();
    }"""
    for path in ("/api/v1/auth/logout", "/api/v1/auth/refresh"):
        await evil.goto("http://evil.example/")
        async with evil.expect_navigation(wait_until="commit") as navigation:
            await evil.evaluate(posts, server.url + path)
        answer = await navigation.value
        assert answer is not None
        assert answer.status in {400, 401, 403, 415}
    await evil.close()
    assert await cookies_of(page.context) == before
    await page.reload()
    await signed_in(page)


async def test_defect_42_signing_out_leaves_nothing_but_the_known_device(page: Page, server: Server) -> None:
    await server.account("eve")
    await sign_in(page, "eve")
    await signed_in(page)
    kept = await cookies_of(page.context)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("status").filter(has_text="You are signed out.")).to_be_visible()
    assert (await cookies_of(page.context)).keys() == {"revenge_device"}
    stolen = {"authorization": f"Bearer {kept['revenge_access_token']['value']}"}
    assert await page.evaluate(CALL, ["GET", "/api/v1/users/me", stolen]) == [401, "session_ended"]
    await sign_in(page, "eve")
    await signed_in(page)
    assert (await cookies_of(page.context))["revenge_device"]["value"] == kept["revenge_device"]["value"]


async def test_a_session_that_was_ended_elsewhere_is_signed_out_here(page: Page, server: Server) -> None:
    await server.account("fay")
    await sign_in(page, "fay")
    await signed_in(page)
    token = (await cookies_of(page.context))["revenge_access_token"]["value"]
    answer = await server.admin.delete("/api/v1/sessions", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 204
    await page.reload()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert (await cookies_of(page.context)).keys() == {"revenge_device"}


async def test_an_address_is_verified_by_its_link_once_and_only_when_asked(page: Page, server: Server) -> None:
    email = await server.account("gwen")
    link = await server.link(email, "verify")
    await page.goto(link)
    await expect(page.get_by_role("heading", name="Verify your address")).to_be_visible()
    assert page.url == f"{server.url}/account/verify", "the token leaves the address bar"
    assert "token" not in await page.evaluate("location.href + document.referrer + JSON.stringify(history.state)")
    await page.get_by_role("button", name="Verify my address").click()
    await expect(page.get_by_role("heading", name="Your address is verified")).to_be_visible()
    await page.goto("about:blank")
    await page.goto(link)
    await page.get_by_role("button", name="Verify my address").click()
    await expect(page.get_by_role("alert")).not_to_be_empty()


async def test_a_forgotten_password_is_replaced_by_a_mailed_link(page: Page, server: Server) -> None:
    email = await server.account("hana")
    await page.goto("/account/sign-in")
    await page.get_by_role("link", name="Forgot your password?").click()
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_role("button", name="Send the mail").click()
    await expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    await page.goto(await server.link(email, "reset"))
    password = page.get_by_label("New password")
    await password.fill("password123")
    await page.get_by_role("button", name="Set the password").click()
    await expect(password).to_have_attribute("aria-invalid", "true")
    await expect(password).to_be_focused()
    await expect(page.locator("#new_password-error")).to_contain_text("New password is one of the passwords")
    await password.fill("nine green lanterns")
    await page.get_by_role("button", name="Set the password").click()
    await expect(page.get_by_role("heading", name="The new password is set")).to_be_visible()
    await sign_in(page, "hana")
    await expect(page.get_by_role("alert")).to_have_text("User name or password is wrong.")
    await sign_in(page, "hana", "nine green lanterns")
    await signed_in(page)


async def test_an_invitation_makes_an_account(page: Page, server: Server) -> None:
    answer = await server.admin.post("/api/v1/admin/invitations", json={"email": "ida@example.org"})
    assert answer.status_code == 201, answer.text
    await page.goto(await server.link("ida@example.org", "invitation"))
    await expect(page.get_by_label("E-mail address")).to_have_value("ida@example.org")
    await page.get_by_label("User name").fill("i")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Make my account").click()
    await expect(page.get_by_label("User name")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("User name").fill("ida")
    await page.get_by_role("button", name="Make my account").click()
    await expect(page.get_by_role("heading", name="Your account is made")).to_be_visible()
    await page.get_by_role("link", name="Sign in").click()
    await sign_in(page, "ida")
    await signed_in(page)
    await expect(page.get_by_text("Your e-mail address is not verified yet")).to_be_hidden()


@pytest.mark.parametrize(("name", "heading"), [("verify", "not complete"), ("reset", "not complete")])
async def test_a_link_without_its_token_says_so_and_one_opened_in_the_same_tab_is_taken(
    page: Page, server: Server, name: str, heading: str
) -> None:
    await page.goto(f"/account/{name}")
    await expect(page.get_by_role("heading", name=heading)).to_be_visible()
    await page.evaluate("location.hash = 'token=0123'")
    await expect(page.locator("#asking")).to_be_visible()
    await expect(page).to_have_url(f"{server.url}/account/{name}")


async def test_a_browser_that_keeps_no_cookies_is_told_that_it_is_not_signed_in(page: Page, server: Server) -> None:
    await server.account("jana")

    async def without_cookies(route: Route) -> None:
        answer = await route.fetch()
        await page.context.clear_cookies()
        headers = {name: value for name, value in answer.headers.items() if name != "set-cookie"}
        await route.fulfill(response=answer, headers=headers)

    await page.route("**/auth/login", without_cookies)
    await sign_in(page, "jana")
    await expect(page.get_by_role("alert").first).to_contain_text("You cannot stay signed in")


async def test_without_cookie_mode_the_page_says_so_and_the_others_work(page: Page) -> None:
    async with served(create_app(sandbox().revenge, HttpOptions())) as url:
        await page.goto(f"{url}/account/sign-in")
        await expect(page.get_by_text("its cookie mode is switched off")).to_be_visible()
        await expect(page.get_by_role("button")).to_have_count(0)
        await page.goto(f"{url}/account/forgot")
        await page.get_by_label("E-mail address").fill("ada@example.org")
        await page.get_by_role("button", name="Send the mail").click()
        await expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
async def test_a_page_fits_a_small_screen_and_works_without_a_mouse(
    page: Page, server: Server, name: str, scheme: Literal["light", "dark"]
) -> None:
    """WCAG 2.2: 1.4.10 reflow at 320 pixels, 2.1.1 keyboard, 2.4.3 order, 2.4.7 focus, 2.5.8 size of targets."""
    await page.emulate_media(color_scheme=scheme)
    made = await server.admin.post("/api/v1/admin/invitations", json={})
    await page.goto(f"/account/{name}#token={made.json()['token']}")
    await expect(page.locator("main > section:visible")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    wanted = await page.locator(":is(a, button, input):visible").all()
    assert wanted
    for one in wanted:
        await page.keyboard.press("Tab")
        await expect(one).to_be_focused()
        assert await one.evaluate("(element) => getComputedStyle(element).outlineStyle") == "solid"
        box = await one.bounding_box()
        assert box
        in_a_sentence = await one.evaluate("(element) => element.matches('p:not(.alone) a')")
        assert in_a_sentence or box["height"] >= 24
    ground = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 20, 29)"}[scheme]


async def test_a_network_that_is_away_is_told(page: Page, server: Server) -> None:
    await page.goto("/account/forgot")
    await page.get_by_label("E-mail address").fill("ada@example.org")
    await page.route("**/api/**", lambda route: route.abort())
    await page.get_by_role("button", name="Send the mail").click()
    await expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")


async def test_the_pages_stand_under_a_prefix_as_well(page: Page) -> None:
    box = sandbox()
    await box.revenge.accounts.register(NewUser(username="kim", email="kim@example.org"), Secret(PASSWORD))
    options = HttpOptions(path_prefix="/media", cookies=CookieMode(csrf_key=Secret("a key")))
    async with served(create_app(box.revenge, options)) as url:
        await page.goto(f"{url}/media/account/forgot")
        await page.get_by_role("link", name="Back to signing in").click()
        await page.get_by_label("User name or e-mail address").fill("kim")
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await signed_in(page)
        cookies = await cookies_of(page.context)
        assert {one["path"] for one in cookies.values()} == {"/media/", "/media/api/v1"}
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert (await cookies_of(page.context)).keys() == {"revenge_device"}
