"""The OpenAPI document, the page for people, and the pages of errors."""

import re
from html.parser import HTMLParser

import httpx
import msgspec
import pytest
import yaml
from typing_extensions import override

from revenge_http.app import OPERATIONS
from revenge_http.decoding import BodyDecoder
from revenge_http.examples import EXAMPLES
from revenge_http.reference import known_errors
from revenge_http.wire import encode
from tests.http.support import Connect, Party, problem


async def test_the_document_is_the_same_as_json_and_as_yaml(client: httpx.AsyncClient) -> None:
    as_json = await client.get("/api/openapi.json")
    as_yaml = await client.get("/api/openapi.yaml")
    assert (as_json.status_code, as_yaml.status_code) == (200, 200)
    assert as_json.headers["content-type"] == "application/json; charset=utf-8"
    assert as_yaml.headers["content-type"] == "application/yaml"
    assert as_json.json() == yaml.safe_load(as_yaml.text)
    assert as_json.json()["openapi"] == "3.1.0"


@pytest.mark.asvs("8.1.1")
async def test_every_operation_says_what_it_needs_and_how_stable_it_is(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/openapi.json")).json()
    found = {one["operationId"]: one for methods in document["paths"].values() for one in methods.values()}
    assert found.keys() == {one.name for one in OPERATIONS}
    assert found["updateCurrentUser"]["x-required-permission"] == "profile:update"
    assert found["login"]["x-required-permission"] is None
    assert (found["getCurrentUser"]["x-key-scope"], found["updateCurrentUser"]["x-key-scope"]) == ("read", "write")
    assert (found["changePassword"]["x-key-scope"], found["login"]["x-key-scope"]) == ("refused", "none")
    assert {one["x-stability"] for one in found.values()} == {"stable"}
    assert all("default" in one["responses"] for one in found.values())


async def test_references_inside_the_document_lead_somewhere(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/openapi.json")
    schemas = answer.json()["components"]["schemas"]
    references = set(re.findall(r'"\$ref":\s*"([^"]+)"', answer.text))
    assert references
    assert references <= {f"#/components/schemas/{name}" for name in schemas}


async def test_a_parameter_that_takes_several_values_says_how(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/openapi.json")).json()
    taken = {one["name"]: one for one in document["paths"]["/api/v1/admin/jobs"]["get"]["parameters"]}
    assert "commas" in taken["state"]["description"]
    assert "commas" not in taken["tag"]["description"]
    assert "description" not in taken["limit"]
    assert (taken["limit"]["schema"]["default"], taken["total"]["schema"]["default"]) == (50, False)
    assert "default" not in taken["state"]["schema"].keys() | taken["created_after"]["schema"].keys()


def test_examples_of_requests_can_be_read_by_the_operations_they_document() -> None:
    for one in OPERATIONS:
        if one.body is not None:
            assert BodyDecoder(one.body).decode(encode(EXAMPLES[one.body])) == EXAMPLES[one.body]


def test_examples_of_answers_are_what_the_schema_says() -> None:
    for record, example in EXAMPLES.items():
        schema = msgspec.json.schema_components((record,), schema_hook=lambda _: {"type": "string"})[1]
        sent = msgspec.json.decode(encode(example))
        assert (
            set(schema[record.__name__].get("required", ()))
            <= sent.keys()
            <= schema[record.__name__]["properties"].keys()
        )


class Page(HTMLParser):
    """What a page loads, links to and runs."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.scripts = 0
        self.open: list[str] = []
        self.feed(html)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.scripts += tag == "script" or any(name.startswith("on") or name == "style" for name in found)
        if tag in {"link", "img", "iframe"}:
            self.loaded.append(found.get("href") or found.get("src") or "")
        if tag == "a":
            self.links.append(found["href"] or "")
        if tag not in {"meta", "link"}:
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.asvs("3.4.3")
async def test_the_page_works_without_script_and_without_network(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(answer.text)
    assert page.open == []
    assert page.scripts == 0
    assert page.loaded == ["/api/docs.css"]
    assert "script-src" not in answer.headers["content-security-policy"]
    for path in {*page.loaded, *page.links}:
        assert (await client.get(path)).status_code == 200, path
    for one in OPERATIONS:
        assert f'id="{one.name}"' in answer.text
        assert one.path.replace("{", "{") in answer.text


async def test_the_name_of_the_server_cannot_break_the_page(connect: Connect) -> None:
    client = connect(server_name='<b>"Bob\'s"</b>')
    page = Page((await client.get("/api/docs")).text)
    assert "b" not in page.open
    answer = await client.get("/api/v1/users/me")
    assert answer.headers["www-authenticate"] == 'Bearer realm="<b>\\"Bob\'s\\"</b>"'


@pytest.mark.asvs("13.4.5")
async def test_the_documentation_can_be_switched_off(connect: Connect) -> None:
    client = connect(docs=False)
    for path in ("/api/docs", "/api/openapi.json", "/api/openapi.yaml"):
        problem(await client.get(path), 404, "route_not_found")
    assert (await client.get("/problems/not_found")).status_code == 200


@pytest.mark.parametrize("code", known_errors())
async def test_every_error_has_a_page(client: httpx.AsyncClient, code: str) -> None:
    answer = await client.get(f"/problems/{code}")
    assert answer.status_code == 200
    page = Page(answer.text)
    assert (page.open, page.scripts) == ([], 0)
    assert "rulings" not in answer.text
    assert "decisions" not in answer.text


async def test_the_type_of_a_problem_leads_to_its_page(client: httpx.AsyncClient) -> None:
    for answer in (await client.get("/nowhere"), await client.get("/api/v1/users/me"), await client.post("/healthz")):
        page = await client.get(answer.json()["type"])
        assert page.status_code == 200
        assert answer.json()["error"] in page.text


async def test_an_error_that_is_none_has_no_page(client: httpx.AsyncClient) -> None:
    for code in ("nonsense", "<script>", "not_found/more"):
        assert (await client.get(f"/problems/{code}")).status_code == 404


async def test_documentation_may_be_cached_and_needs_nobody(client: httpx.AsyncClient, ada: Party) -> None:
    headers = {"authorization": "Bearer nonsense"}
    answer = await client.get("/api/openapi.json", headers=headers)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=300")
