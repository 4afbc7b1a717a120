"""Bodies and parameters that are not what they should be."""

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_http import decoding
from tests.http.support import MEMBER, PASSWORD, Connect, Party, pointers, problem, sign_in

REGISTER = "/api/v1/auth/register"
LOGIN = "/api/v1/auth/login"
JSON = {"content-type": "application/json"}


@pytest.mark.asvs("2.2.1")
async def test_every_missing_and_mistyped_field_is_told_at_once(client: httpx.AsyncClient) -> None:
    body = {"username": 3, "password": ["x"], "display_name": None}
    said = problem(await client.post(REGISTER, json=body), 400, "request_invalid")
    assert said["errors"] == [
        {"pointer": "/username", "detail": "expected a string, got an integer"},
        {"pointer": "/email", "detail": "is required"},
        {"pointer": "/password", "detail": "expected a string, got an array"},
        {"pointer": "/display_name", "detail": "expected a string, got null"},
    ]


async def test_text_is_not_taken_for_a_truth_value(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.post("/api/v1/auth/logout", json={"logout_all": "true"}, headers=ada.headers)
    assert pointers(problem(answer, 400, "request_invalid")) == ["/logout_all"]


async def test_an_unknown_client_type_is_told_with_its_field(client: httpx.AsyncClient) -> None:
    body = {"username": "ada", "password": PASSWORD, "client_type": "toaster"}
    assert pointers(problem(await client.post(LOGIN, json=body), 400, "request_invalid")) == ["/client_type"]


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"3", b"null", b"true"])
async def test_a_body_that_is_no_object_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    said = problem(await client.post(LOGIN, content=body, headers=JSON), 400, "request_invalid")
    assert pointers(said) == [""]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}{}",
        b'{"username": "ada",}',
        b"{'username': 'ada'}",
        b"username=ada&password=x",
        b'{"username": "\xff\xfe", "password": "x"}',
        b'{"username": "\xed\xa0\x80", "password": "x"}',
        rb'{"username": "\ud800", "password": "x"}',
        b'{"username": "a\x00b", "password": "x"}',
        b'\xef\xbb\xbf{"username": "ada", "password": "x"}',
        b"\x00",
        b"NaN",
    ],
)
async def test_what_is_not_json_is_told_so(client: httpx.AsyncClient, body: bytes) -> None:
    problem(await client.post(LOGIN, content=body, headers=JSON), 400, "body_malformed")


@pytest.mark.parametrize("where", [b'{"username": %s}', b'{"nobody knows": %s}', b"%s"])
async def test_deep_nesting_is_refused_wherever_it_is(client: httpx.AsyncClient, where: bytes) -> None:
    for deep in (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000):
        problem(await client.post(LOGIN, content=where % deep, headers=JSON), 400, "body_malformed")


async def test_an_escaped_nul_is_refused_with_its_place(client: httpx.AsyncClient) -> None:
    body = rb'{"username": "a\u0000b", "password": "x\u0000", "more": [{"a/b": "\u0000"}]}'
    said = problem(await client.post(LOGIN, content=body, headers=JSON), 400, "request_invalid")
    assert pointers(said) == ["/more/0/a~1b", "/password", "/username"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"x": ' + b"[" * 500 + b", ".join([rb'"\u0000"'] * 100_000) + b"]" * 500 + b"}",
        b'{"' + b"x" * 500_000 + b'": [' + b", ".join([rb'"\u0000"'] * 50_000) + b"]}",
    ],
)
@pytest.mark.asvs("13.1.2")
async def test_a_flood_of_nuls_gets_a_short_answer(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post(LOGIN, content=body, headers=JSON)
    assert len(problem(answer, 400, "request_invalid")["errors"]) == decoding.MAX_PROBLEMS
    assert len(answer.content) < len(body) / 10


@pytest.mark.parametrize("item", [1, True, None, "", [], {}])
def test_looking_for_nuls_keeps_nothing_of_what_holds_none(item: object) -> None:
    body = ["\x00", *([item] * 100_000)]
    tracemalloc.start()
    try:
        assert [one.pointer for one in decoding.nuls(body)] == ["/0"]
        assert tracemalloc.get_traced_memory()[1] < 100_000  # a note of each would be 11 MB, and half a second of work
    finally:
        tracemalloc.stop()


async def test_a_value_that_looks_like_a_place_is_looked_at_once(client: httpx.AsyncClient) -> None:
    body = {"username": "ada", "password": PASSWORD, "client_type": " - at `$" * 100_000}
    started = time.process_time()
    answer = await client.post(LOGIN, json=body)
    assert time.process_time() - started < 5  # going back to each of them would take minutes
    assert pointers(problem(answer, 400, "request_invalid")) == ["/client_type"]
    assert len(answer.content) < 2000


async def test_an_escaped_backslash_before_u0000_is_only_text(client: httpx.AsyncClient) -> None:
    body = rb'{"username": "nobody", "password": "x\\u0000y"}'
    problem(await client.post(LOGIN, content=body, headers=JSON), 401, "credentials_invalid")


@pytest.mark.asvs("4.1.1")
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json; charset=utf-16",
        "application/json, text/plain",
        "json",
        "",
    ],
)
async def test_another_content_type_is_415(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post(REGISTER, json=MEMBER, headers={"content-type": content_type})
    problem(answer, 415, "media_type_unsupported")


async def test_a_body_without_a_content_type_or_with_two_is_415(client: httpx.AsyncClient) -> None:
    problem(await client.post(LOGIN, content=b"{}"), 415, "media_type_unsupported")
    twice = [("content-type", "application/json"), ("content-type", "application/json")]
    problem(await client.post(LOGIN, content=b"{}", headers=twice), 415, "media_type_unsupported")


async def test_a_compressed_body_is_415(client: httpx.AsyncClient) -> None:
    headers = {**JSON, "content-encoding": "gzip"}
    problem(await client.post(LOGIN, content=b"\x1f\x8b", headers=headers), 415, "media_type_unsupported")


@pytest.mark.parametrize(
    "content_type", ["application/json;charset=UTF-8", 'APPLICATION/JSON; charset="utf-8"', "application/json "]
)
async def test_json_in_utf_8_may_be_said_in_several_ways(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post(REGISTER, json=MEMBER, headers={"content-type": content_type})
    assert answer.status_code == 201


async def pieces(total: int, size: int = 1000) -> AsyncIterator[bytes]:
    for _ in range(total // size):
        yield b" " * size


@pytest.mark.asvs("13.1.2")
async def test_a_body_beyond_the_limit_is_413_and_ends_the_connection(connect: Connect) -> None:
    client = connect(max_body_bytes=2000)
    answer = await client.post(LOGIN, content=b" " * 2001, headers=JSON)
    problem(answer, 413, "body_too_large")
    assert answer.headers["connection"] == "close"


async def test_a_body_in_pieces_cannot_get_around_the_limit(connect: Connect) -> None:
    client = connect(max_body_bytes=5000)
    for length in ({}, {"content-length": "10"}, {"content-length": "not a number"}):
        answer = await client.post(LOGIN, content=pieces(50_000), headers={**JSON, **length})
        problem(answer, 413, "body_too_large")


async def test_a_body_as_long_as_the_limit_is_read(connect: Connect) -> None:
    client = connect(max_body_bytes=5000)
    problem(await client.post(LOGIN, content=pieces(5000), headers=JSON), 400, "body_malformed")


async def test_a_body_that_never_ends_is_given_up(connect: Connect) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)
        yield b"}"

    client = connect(body_timeout=0.05)
    answer = await client.post(LOGIN, content=slow(), headers=JSON)
    problem(answer, 408, "body_too_slow")
    assert answer.headers["connection"] == "close"


async def test_nobody_needs_to_be_known_for_a_body_to_be_too_large(connect: Connect) -> None:
    client = connect(max_body_bytes=2000)
    problem(await client.put("/api/v1/users/me", content=b" " * 3000, headers=JSON), 413, "body_too_large")


async def test_who_may_call_is_decided_before_the_body_is_looked_at(client: httpx.AsyncClient) -> None:
    answer = await client.put("/api/v1/users/me", content=b"{", headers={"content-type": "text/plain"})
    problem(answer, 401, "authentication_required")


async def test_unknown_query_parameters_are_ignored(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.delete("/api/v1/sessions?except_current=true&a=1&a=2", headers=ada.headers)
    assert answer.status_code == 204


async def test_a_flood_of_query_parameters_is_refused(client: httpx.AsyncClient, ada: Party) -> None:
    query = "&".join(f"p{number}=1" for number in range(200))
    answer = await client.delete(f"/api/v1/sessions?{query}", headers=ada.headers)
    problem(answer, 400, "request_invalid")


@pytest.mark.parametrize("field", ["username", "password"])
async def test_text_that_is_costly_to_normalise_is_not_normalised(
    client: httpx.AsyncClient, ada: Party, field: str
) -> None:
    body = {"username": "ada", "password": PASSWORD, field: "a" + "\u0315" * 40_000 + "\u0316" * 40_000}
    started = time.process_time()
    problem(await client.post(LOGIN, json=body), 401, "credentials_invalid")
    assert time.process_time() - started < 5  # it would take a quarter of an hour


async def test_secrets_are_in_no_repr_of_what_was_read(box: Sandbox) -> None:
    from revenge_http.auth import ChangePasswordRequest, LoginRequest, LoginResponse, RefreshRequest
    from revenge_http.decoding import BodyDecoder
    from revenge_http.examples import EXAMPLES

    raw = b'{"username": "a", "password": "hunter22", "old_password": "hunter22", "new_password": "hunter22", '
    raw += b'"refresh_token": "hunter22"}'
    for kind in (LoginRequest, ChangePasswordRequest, RefreshRequest):
        assert "hunter22" not in repr(BodyDecoder(kind).decode(raw))
    assert "5f1c" not in repr(EXAMPLES[LoginResponse])


async def test_a_secret_of_the_wrong_type_is_not_repeated_in_the_answer(client: httpx.AsyncClient) -> None:
    answer = await client.post(LOGIN, json={"username": "a", "password": {"hunter22": "hunter22"}})
    problem(answer, 400, "request_invalid")
    assert "hunter22" not in answer.text


async def test_signing_in_works_with_any_unicode(client: httpx.AsyncClient, ada: Party) -> None:
    assert (await sign_in(client, device_name="Küche 🍳")).id == ada.id
