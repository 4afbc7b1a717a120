"""`Idempotency-Key` (decisions W7, rulings R12): what is sent twice is done once."""

import asyncio

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from tests.http.support import MEMBER, PROXY, TRUSTED, Connect, Party, pointers, problem

REGISTER = "/api/v1/auth/register"
USERS = "/api/v1/admin/users"
INVITATIONS = "/api/v1/admin/invitations"
KEY = {"idempotency-key": "5f3c0f5e-0b43-4d0b-9a55-1d0c8e1f0a11"}


async def test_what_is_sent_twice_is_done_once_and_answered_twice(client: httpx.AsyncClient, box: Sandbox) -> None:
    first, second = [await client.post(REGISTER, json=MEMBER, headers=KEY) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["content-type"] == second.headers["content-type"]
    assert len(box.rows.users) == 1


async def test_without_a_key_it_is_another_request(client: httpx.AsyncClient) -> None:
    statuses = [(await client.post(REGISTER, json=MEMBER)).status_code for _ in range(2)]
    assert statuses == [201, 409]


async def test_members_in_another_order_or_unknown_ones_make_no_other_request(client: httpx.AsyncClient) -> None:
    await client.post(REGISTER, json=MEMBER, headers=KEY)
    again = dict(reversed(MEMBER.items())) | {"new_in_some_client": 1}
    assert (await client.post(REGISTER, json=again, headers=KEY)).status_code == 201


async def test_the_same_key_with_another_request_is_refused(client: httpx.AsyncClient, box: Sandbox) -> None:
    await client.post(REGISTER, json=MEMBER, headers=KEY)
    other = MEMBER | {"username": "eve", "email": "eve@example.org"}
    problem(await client.post(REGISTER, json=other, headers=KEY), 422, "idempotency_key_reused")
    other_password = MEMBER | {"password": "another password"}
    problem(await client.post(REGISTER, json=other_password, headers=KEY), 422, "idempotency_key_reused")
    assert len(box.rows.users) == 1


async def test_what_was_refused_may_be_put_right_with_the_same_key(client: httpx.AsyncClient) -> None:
    wrong = MEMBER | {"email": "no address"}
    said = problem(await client.post(REGISTER, json=wrong, headers=KEY), 400, "account_invalid")
    assert pointers(said) == ["/email"]
    assert (await client.post(REGISTER, json=MEMBER, headers=KEY)).status_code == 201


async def test_at_the_same_time_one_is_done_and_the_others_wait_or_are_told(
    client: httpx.AsyncClient, box: Sandbox
) -> None:
    answers = await asyncio.gather(*(client.post(REGISTER, json=MEMBER, headers=KEY) for _ in range(10)))
    assert {one.status_code for one in answers} <= {201, 409}
    assert {one.json()["error"] for one in answers if one.status_code == 409} <= {"request_in_flight"}
    assert len(box.rows.users) == 1
    assert (await client.post(REGISTER, json=MEMBER, headers=KEY)).status_code == 201


async def test_an_answer_that_held_a_secret_is_told_once(client: httpx.AsyncClient, root: Party, box: Sandbox) -> None:
    headers = root.headers | KEY
    first = await client.post(INVITATIONS, json={}, headers=headers)
    assert first.status_code == 201, first.text
    again = await client.post(INVITATIONS, json={}, headers=headers)
    problem(again, 409, "already_done")
    assert again.headers["location"] == first.headers["location"]
    assert (await client.get(again.headers["location"], headers=root.headers)).status_code == 200
    token = first.json()["token"]
    assert token not in repr(box.rows.attempts)
    assert len(box.rows.invitations) == 1


async def test_keys_of_others_mean_nothing(connect: Connect, box: Sandbox) -> None:
    eve = MEMBER | {"username": "eve", "email": "eve@example.org"}
    client = connect(peer=PROXY, trusted_proxies=TRUSTED)
    for address, body in (("198.51.100.7", MEMBER), ("198.51.100.8", eve)):
        headers = KEY | {"x-forwarded-for": address}
        assert (await client.post(REGISTER, json=body, headers=headers)).status_code == 201
    assert len(box.rows.users) == 2


async def test_one_who_is_signed_in_is_known_by_that_and_not_by_an_address(
    connect: Connect, client: httpx.AsyncClient, root: Party
) -> None:
    body = {"username": "eve", "email": "eve@example.org", "password": "nine green lanterns"}
    first = await client.post(USERS, json=body, headers=root.headers | KEY)
    assert first.status_code == 201, first.text
    elsewhere = await connect(peer="198.51.100.7").post(USERS, json=body, headers=root.headers | KEY)
    problem(elsewhere, 409, "already_done")


@pytest.mark.parametrize(
    "key", [b"", b"x" * 256, b"two words", b"tab\tbed", b"caf\xc3\xa9", b"\x7f", b'with"comma, too']
)
async def test_a_key_is_visible_ascii(client: httpx.AsyncClient, box: Sandbox, key: bytes) -> None:
    answer = await client.post(REGISTER, json=MEMBER, headers=[(b"idempotency-key", key)])
    problem(answer, 400, "idempotency_key_invalid")
    assert box.rows.users == {}


async def test_two_keys_are_none(client: httpx.AsyncClient) -> None:
    answer = await client.post(REGISTER, json=MEMBER, headers=[("idempotency-key", "a"), ("idempotency-key", "b")])
    problem(answer, 400, "idempotency_key_invalid")


@pytest.mark.parametrize("key", ["x", "x" * 255, '"quoted"', "!~"])
async def test_any_visible_ascii_is_a_key(client: httpx.AsyncClient, key: str) -> None:
    assert (await client.post(REGISTER, json=MEMBER, headers={"idempotency-key": key})).status_code == 201


async def test_operations_that_make_nothing_ignore_it(client: httpx.AsyncClient, ada: Party) -> None:
    answer = await client.get("/api/v1/users/me", headers=ada.headers | {"idempotency-key": "x" * 300})
    assert answer.status_code == 200


async def test_after_a_day_a_key_is_as_good_as_new(client: httpx.AsyncClient, box: Sandbox) -> None:
    await client.post(REGISTER, json=MEMBER, headers=KEY)
    box.clock.advance(hours=25)
    problem(await client.post(REGISTER, json=MEMBER, headers=KEY), 409, "username_taken")


async def test_no_secret_of_a_request_is_kept(client: httpx.AsyncClient, box: Sandbox) -> None:
    await client.post(REGISTER, json=MEMBER, headers=KEY)
    assert str(MEMBER["password"]) not in repr(box.rows.attempts)
    assert KEY["idempotency-key"] not in repr(box.rows.attempts)
