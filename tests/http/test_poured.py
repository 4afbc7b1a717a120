"""Answers that are made while they are sent."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from revenge_core.errors import DatabaseUnavailable
from revenge_http.asgi import Message
from revenge_http.poured import PouredAnswer


class Client:
    """What an answer is sent to: it can hang up."""

    def __init__(self, leaves_after: int = 100) -> None:
        self.got: list[bytes] = []
        self.is_complete = False
        self._leaves_after = leaves_after
        self._left = asyncio.Event()

    async def receive(self) -> Message:
        if self.got[self._leaves_after :]:
            return {"type": "http.disconnect"}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await asyncio.sleep(0)
        if message["type"] == "http.response.body":
            self.got.append(message["body"])
            self.is_complete = not message.get("more_body")
        if len(self.got) == self._leaves_after:
            self._left.set()
            for _ in range(3):
                await asyncio.sleep(0)


async def pieces(made: list[int], number: int, *, fails: bool = False) -> AsyncIterator[bytes]:
    for one in range(number):
        made.append(one)
        yield b"%d" % one
    if fails:
        raise DatabaseUnavailable


def answer(given: AsyncIterator[bytes]) -> PouredAnswer:
    return PouredAnswer(given, media_type="text/csv", filename="x.csv")


@pytest.mark.parametrize("number", [0, 1, 5])
async def test_all_pieces_arrive(number: int) -> None:
    client, made = Client(), list[int]()
    await answer(pieces(made, number))({}, client.receive, client.send)
    assert b"".join(client.got) == b"".join(b"%d" % one for one in range(number))
    assert client.is_complete


async def test_for_a_client_that_left_nothing_more_is_made() -> None:
    client, made = Client(leaves_after=3), list[int]()
    await answer(pieces(made, 1000))({}, client.receive, client.send)
    assert len(made) <= 4


async def test_what_goes_wrong_later_leaves_the_answer_incomplete() -> None:
    client, made = Client(), list[int]()
    with pytest.raises(DatabaseUnavailable):
        await answer(pieces(made, 3, fails=True))({}, client.receive, client.send)
    assert not client.is_complete


async def test_what_goes_wrong_at_once_is_an_answer_of_its_own() -> None:
    client, made = Client(), list[int]()
    with pytest.raises(DatabaseUnavailable):
        await answer(pieces(made, 0, fails=True))({}, client.receive, client.send)
    assert client.got == []
