"""`ETag`, `If-Match`, `If-None-Match` (RFC 9110, section 13; decisions W7)."""

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenge_http.conditions import FOREIGN, asked_version, entity_tag
from revenge_http.errors import ConditionMalformed
from tests.http.support import Party, problem

ME = "/api/v1/users/me"


async def tag_of(client: httpx.AsyncClient, party: Party) -> str:
    return str((await client.get(ME, headers=party.headers)).headers["etag"])


async def test_what_can_change_has_a_strong_tag_that_stays_while_nothing_does(
    client: httpx.AsyncClient, ada: Party
) -> None:
    tag = await tag_of(client, ada)
    assert tag.startswith('"')
    assert tag.endswith('"')
    assert await tag_of(client, ada) == tag


@pytest.mark.parametrize("known", ["{tag}", "W/{tag}", '"other", {tag}', '{tag},"other"', "*", ' "a" , {tag} '])
async def test_who_knows_it_already_is_not_told_again(client: httpx.AsyncClient, ada: Party, known: str) -> None:
    tag = await tag_of(client, ada)
    answer = await client.get(ME, headers=ada.headers | {"if-none-match": known.format(tag=tag)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert answer.headers["cache-control"] == "private, no-store"
    assert "content-length" not in answer.headers


@pytest.mark.parametrize("known", ['"other"', "garbage", "", '"', "{bare}", '"1-0000000000000000"'])
async def test_who_knows_something_else_is_told(client: httpx.AsyncClient, ada: Party, known: str) -> None:
    tag = await tag_of(client, ada)
    answer = await client.get(ME, headers=ada.headers | {"if-none-match": known.format(bare=tag.strip('"'))})
    assert answer.status_code == 200
    assert answer.headers["etag"] == tag


async def test_a_change_changes_the_tag_and_says_the_new_one(client: httpx.AsyncClient, ada: Party) -> None:
    tag = await tag_of(client, ada)
    changed = await client.patch(ME, json={"display_name": "Ada"}, headers=ada.headers)
    assert changed.headers["etag"] != tag
    assert await tag_of(client, ada) == changed.headers["etag"]


async def test_a_change_at_the_version_that_was_read_is_made(client: httpx.AsyncClient, ada: Party) -> None:
    headers = ada.headers | {"if-match": await tag_of(client, ada)}
    assert (await client.patch(ME, json={"display_name": "Ada"}, headers=headers)).status_code == 200


async def test_a_change_of_what_changed_meanwhile_is_refused(client: httpx.AsyncClient, ada: Party) -> None:
    stale = ada.headers | {"if-match": await tag_of(client, ada)}
    await client.patch(ME, json={"display_name": "Ada"}, headers=ada.headers)
    problem(await client.patch(ME, json={"display_name": "Bob"}, headers=stale), 412, "version_mismatch")
    problem(await client.put(ME, json={"display_name": "Bob"}, headers=stale), 412, "version_mismatch")
    assert (await client.get(ME, headers=ada.headers)).json()["display_name"] == "Ada"


async def test_of_many_changes_at_one_version_one_is_made(client: httpx.AsyncClient, ada: Party) -> None:
    headers = ada.headers | {"if-match": await tag_of(client, ada)}
    answers = await asyncio.gather(
        *(client.patch(ME, json={"display_name": f"Ada {number}"}, headers=headers) for number in range(8))
    )
    assert sorted(one.status_code for one in answers) == [200] + [412] * 7


@pytest.mark.parametrize("match", ["*", " * "])
async def test_any_version_will_do_where_that_is_what_is_asked(
    client: httpx.AsyncClient, ada: Party, match: str
) -> None:
    headers = ada.headers | {"if-match": match}
    assert (await client.patch(ME, json={"display_name": "Ada"}, headers=headers)).status_code == 200


@pytest.mark.parametrize("match", ['"other"', "W/{tag}", '"99-0123456789abcdef"', '""'])
async def test_a_tag_that_this_server_never_gave_matches_nothing(
    client: httpx.AsyncClient, ada: Party, match: str
) -> None:
    headers = ada.headers | {"if-match": match.format(tag=await tag_of(client, ada))}
    problem(await client.patch(ME, json={"display_name": "Ada"}, headers=headers), 412, "version_mismatch")


@pytest.mark.parametrize("match", ["garbage", '"', '"a', "1", "", ",", '"a" "b"', '"a",', 'w/"a"', '"a"\x7f', '*, "a"'])
async def test_what_is_no_tag_is_told_so(client: httpx.AsyncClient, ada: Party, match: str) -> None:
    headers = ada.headers | {"if-match": match}
    problem(await client.patch(ME, json={"display_name": "Ada"}, headers=headers), 400, "condition_malformed")


async def test_a_read_at_another_version_is_refused(client: httpx.AsyncClient, ada: Party) -> None:
    tag = await tag_of(client, ada)
    assert (await client.get(ME, headers=ada.headers | {"if-match": tag})).status_code == 200
    problem(await client.get(ME, headers=ada.headers | {"if-match": '"x"'}), 412, "version_mismatch")


def scope(*headers: bytes) -> dict[str, object]:
    return {"headers": [(b"if-match", value) for value in headers]}


@given(st.integers(0, 10**17), st.binary(max_size=50))
def test_the_version_in_a_tag_is_the_one_that_went_in(version: int, body: bytes) -> None:
    assert asked_version(scope(entity_tag(version, body))) == version


@given(st.integers(0, 10**9), st.lists(st.binary(max_size=5), min_size=1, max_size=3))
def test_several_tags_of_one_version_ask_for_it(version: int, bodies: list[bytes]) -> None:
    assert asked_version(scope(*[entity_tag(version, body) for body in bodies])) == version


def test_tags_of_two_versions_ask_for_nothing_that_could_be_answered() -> None:
    with pytest.raises(ConditionMalformed):
        asked_version(scope(entity_tag(1, b""), entity_tag(2, b"")))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_version_none_or_a_refusal(value: bytes) -> None:
    try:
        asked = asked_version(scope(value))
    except ConditionMalformed:
        return
    assert asked is None or asked >= FOREIGN


def test_a_long_list_is_read_in_no_time() -> None:
    with pytest.raises(ConditionMalformed):
        asked_version(scope(b'"a",' * 8000 + b"x"))
