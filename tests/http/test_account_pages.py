"""The pages under `/account`: what the server sends. What browsers make of it is in tests/browser."""

import re
from html.parser import HTMLParser
from importlib.resources import files

import httpx
import pytest
from typing_extensions import override

from revenge_http.account_pages.routes import PAGES, assets, version
from tests.http.support import Connect, problem
from tests.http.test_cookies import MODE

VOID = frozenset({"img", "input", "link", "meta"})


class Page(HTMLParser):
    """What a page is made of; elements that do not end where they should are told at once."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripted: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"] or self.open[-1:] == ["style"]:
            self.scripted.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.asvs("3.4.3", "14.3.2")
@pytest.mark.parametrize("name", PAGES)
async def test_a_page_loads_only_what_is_ours_and_runs_nothing_inline(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/account/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = dict(one.split(" ", 1) for one in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    page = Page(answer.text)
    assert page.scripted == []
    assert [
        one for _, attributes in page.elements for one in attributes if one.startswith("on") or one == "style"
    ] == []
    loaded = [one["src"] for one in page.all("script")] + [one["href"] for one in page.all("link")]
    assert len(loaded) == 3
    for path in [*loaded, *(one["href"] for one in page.all("a"))]:
        assert not re.match(r"/|\w+:", path), "a relative address works under any prefix"
        assert (await client.get(f"/account/{path}")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/account"])
async def test_whoever_types_the_address_of_the_server_gets_to_the_sign_in(connect: Connect, path: str) -> None:
    for prefix in ("", "/films"):
        async with connect(path_prefix=prefix) as client:
            answer = await client.get(f"{prefix}{path}")
            assert (answer.status_code, answer.headers["location"]) == (303, f"{prefix}/account/sign-in")


def test_every_page_that_a_mail_names_is_there() -> None:
    texts = [one.read_text() for one in files("revenge_adapters").joinpath("mail_texts").iterdir()]
    named = {page for text in texts for page in re.findall(r"\$url/account/([\w-]+)", text)}
    assert named == {"forgot", "sign-in"}
    assert named <= set(PAGES)


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_can_be_read_aloud(client: httpx.AsyncClient, name: str) -> None:
    page = Page((await client.get(f"/account/{name}")).text)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("main")) == 1
    labelled = {one["for"] for one in page.all("label")}
    inputs = page.all("input")
    assert {one["id"] for one in inputs} == labelled
    assert all(one.get("autocomplete") for one in inputs)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {word for one in inputs for word in one.get("aria-describedby", "").split()} <= set(ids)
    roles = [attributes.get("role") for _, attributes in page.elements]
    assert roles.count("alert") >= 1


async def test_a_page_says_whether_cookie_mode_is_on(client: httpx.AsyncClient, connect: Connect) -> None:
    for asked, said in ((client, "off"), (connect(cookies=MODE), "on")):
        page = Page((await asked.get("/account/sign-in")).text)
        assert page.all("html")[0]["data-cookies"] == said


async def test_the_name_of_the_server_cannot_break_a_page(connect: Connect) -> None:
    client = connect(server_name='<b>"Bob\'s"</b> $title')
    answer = await client.get("/account/invitation")
    assert "b" not in {tag for tag, _ in Page(answer.text).elements}
    assert "$title</p>" in answer.text


async def test_what_pages_load_is_kept_for_ever_and_an_older_address_is_asked_for_again(
    client: httpx.AsyncClient,
) -> None:
    for name in assets():
        answer = await client.get(f"/account/assets/{version()}/{name}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        tag = answer.headers["etag"]
        again = await client.get(f"/account/assets/{version()}/{name}", headers={"if-none-match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        older = await client.get(f"/account/assets/0123456789abcdef/{name}")
        assert (older.content, older.headers["cache-control"]) == (answer.content, "public, no-cache")


@pytest.mark.parametrize("path", ["x.js", "sign-in.html", "frame.html", "..%2fpages.css", "%2e%2e", "routes.py", ""])
async def test_nothing_else_of_the_folder_is_shown(client: httpx.AsyncClient, path: str) -> None:
    problem(await client.get(f"/account/assets/{version()}/{path}"), 404, "route_not_found")


def test_scripts_import_only_what_is_there_and_make_no_code_of_text() -> None:
    for name, content in assets().items():
        if name.endswith(".js"):
            text = content.decode()
            imported = re.findall(r'from "\./([^"]+)"', text)
            assert set(imported) <= assets().keys()
            assert text.count("import ") == len(imported)
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|console\.", text
            )


def test_colours_have_enough_contrast() -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11: text 4.5 to 1, outlines 3 to 1, in the light and in the dark."""
    for palette in re.findall(r"--ground.*?--problem: #\w+", assets()["account.css"].decode(), re.DOTALL):
        colour = dict(re.findall(r"--([\w-]+): #(\w+)", palette))
        for ink, ground in (
            ("ink", "ground"),
            ("soft", "ground"),
            ("accent", "ground"),
            ("problem", "ground"),
            ("on-accent", "accent"),
        ):
            assert contrast(colour[ink], colour[ground]) >= 4.5, (ink, ground)
        assert contrast(colour["line"], colour["ground"]) >= 3


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    digits = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.asvs("7.4.4")
async def test_whoever_is_signed_in_is_shown_how_to_sign_out(connect: Connect) -> None:
    answer = await connect(cookies=MODE).get("/account/sign-in")
    _, _, shown = answer.text.partition('<section id="in"')
    assert '<button type="submit">Sign out</button>' in shown
    assert '"auth/logout"' in (files("revenge_http.account_pages") / "files" / "sign-in.js").read_text("utf-8")
