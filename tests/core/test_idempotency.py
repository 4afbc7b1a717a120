"""Requests that are sent twice are done once."""

import asyncio

import pytest

from revenge_adapters import Sandbox
from revenge_core.actor import Actor, ActorKind, KeyUse, Origin
from revenge_core.errors import DatabaseUnavailable, Forbidden
from revenge_core.idempotency.entities import Attempt, Outcome
from revenge_core.idempotency.errors import AlreadyDone, IdempotencyKeyReused, RequestInFlight
from revenge_core.ids import KeyId
from revenge_core.testing.builders import a_user, an_actor, an_id

MADE = Outcome(status=201, body=b"{}", location="/api/v1/things/1")
TOLD_ONCE = Outcome(status=201, body=None, location="/api/v1/keys/1")


class Workshop:
    """Does what it is told to, and counts how often."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.done = 0
        self.begun = asyncio.Event()
        self.outcome = MADE
        self.fails: BaseException | None = None

    def attempt(self, key: str = "key", content: bytes = b"content", address: str = "192.0.2.9") -> Attempt:
        actor = Actor.anonymous(Origin(address=address))
        return self.box.revenge.idempotency.attempt(actor, "makeThing", key, content)

    async def send(self, attempt: Attempt | None = None) -> Outcome:
        return await self.box.revenge.idempotency.once(attempt or self.attempt(), self.work)

    async def work(self) -> Outcome:
        self.done += 1
        self.begun.set()
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        return self.outcome


@pytest.fixture
def shop(box: Sandbox) -> Workshop:
    return Workshop(box)


async def test_the_second_of_two_gets_the_first_ones_answer(shop: Workshop) -> None:
    assert [await shop.send(), await shop.send()] == [MADE, MADE]
    assert shop.done == 1


async def test_what_was_told_once_is_not_told_twice_but_where_it_is(shop: Workshop) -> None:
    shop.outcome = TOLD_ONCE
    assert await shop.send() == TOLD_ONCE
    with pytest.raises(AlreadyDone) as refused:
        await shop.send()
    assert refused.value.location == "/api/v1/keys/1"
    assert shop.done == 1


async def test_while_one_is_done_the_other_is_told_to_wait(shop: Workshop) -> None:
    first = asyncio.create_task(shop.send())
    await shop.begun.wait()
    with pytest.raises(RequestInFlight) as refused:
        await shop.send()
    assert refused.value.retry_after == 1
    assert await first == MADE


async def test_the_same_key_with_another_request_is_a_mistake(shop: Workshop) -> None:
    await shop.send()
    with pytest.raises(IdempotencyKeyReused):
        await shop.send(shop.attempt(content=b"other"))
    assert shop.done == 1


@pytest.mark.parametrize("failure", [Forbidden(), ValueError("a defect"), asyncio.CancelledError()])
async def test_what_was_refused_may_be_tried_again_with_the_same_key(shop: Workshop, failure: BaseException) -> None:
    shop.fails = failure
    with pytest.raises(type(failure)):
        await shop.send()
    shop.fails = None
    assert await shop.send(shop.attempt(content=b"put right")) == MADE


async def test_callers_and_operations_have_keys_of_their_own(shop: Workshop, box: Sandbox) -> None:
    await shop.send()
    await shop.send(shop.attempt(address="192.0.2.10"))
    await shop.send(shop.attempt(key="other"))
    assert shop.done == 3


def test_whoever_is_signed_in_has_the_same_keys_everywhere(box: Sandbox) -> None:
    user = a_user()
    here, there = (
        box.revenge.idempotency.attempt(
            Actor(kind=Actor.anonymous().kind, user_id=user.id, origin=Origin(address=address)), "x", "key", b""
        )
        for address in ("192.0.2.9", "192.0.2.10")
    )
    assert here == there


def test_neither_key_nor_content_is_kept(shop: Workshop) -> None:
    attempt = shop.attempt(key="my-secret-key", content=b"my-secret-password")
    assert b"my-secret" not in attempt.key_hash + attempt.fingerprint
    assert "my-secret" not in repr(attempt)


async def test_what_was_done_is_answered_where_that_cannot_be_noted(
    shop: Workshop, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> Outcome:
        monkeypatch.setattr(box.tables, "draft", away)
        return MADE

    assert await box.revenge.idempotency.once(shop.attempt(), work) == MADE
    monkeypatch.undo()
    with pytest.raises(RequestInFlight):
        await shop.send()
    box.clock.advance(seconds=61)
    assert await shop.send() == MADE


async def test_a_refusal_is_told_where_it_cannot_be_noted(
    shop: Workshop, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> Outcome:
        monkeypatch.setattr(box.tables, "draft", away)
        raise Forbidden

    with pytest.raises(Forbidden):
        await box.revenge.idempotency.once(shop.attempt(), work)


def away() -> object:
    raise DatabaseUnavailable


async def test_keys_are_forgotten_after_a_day(shop: Workshop, box: Sandbox) -> None:
    await shop.send(shop.attempt(key="old"))
    box.clock.advance(hours=23)
    await shop.send(shop.attempt(key="young"))
    box.clock.advance(hours=2)
    await box.jobs.run()
    assert len(box.rows.attempts) == 1


async def test_an_api_key_is_told_nothing_of_what_its_owner_or_another_key_was_answered(shop: Workshop) -> None:
    user = a_user()
    keys = [KeyUse(id=KeyId(an_id()), reads_own=True, writes_own=True) for _ in range(2)]
    actors = [an_actor(user), *(Actor(kind=ActorKind.API_KEY, user_id=user.id, key=key) for key in keys)]
    attempts = [shop.box.revenge.idempotency.attempt(actor, "makeThing", "key", b"content") for actor in actors]
    for attempt in attempts * 2:
        await shop.send(attempt)
    assert shop.done == 3
