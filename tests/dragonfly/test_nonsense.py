"""A server that answers anything but what was asked is one that is away."""

import asyncio

import pytest

from revenge_adapters.dragonfly.cache import DragonflyEntries
from revenge_adapters.dragonfly.client import RedisClient
from revenge_core.secrets import Secret


@pytest.mark.parametrize(
    "answer",
    [
        b"*1\r\n" * 9000 + b"$1\r\nx\r\n",
        b"*-5\r\n",
        b"*0\r\n",
        b"*99999999999\r\n",
        b"$-7\r\nabc\r\n",
        b"$1e3\r\n",
        b"-\xff\xfe\r\n",
        b"-ASK 1\r\n",
        b"-MOVED 1 elsewhere:1\r\n",
        b"*1\r\n-LOADING\r\n",
        b">2\r\n+invalidate\r\n*0\r\n",
    ],
)
async def test_nonsense_is_a_miss_whatever_it_is(answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        client = RedisClient(Secret(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        entries = DragonflyEntries(client)
        assert await entries.read("a") is None
        entries.write("a", b"b", 1000)
        await entries.close()
        await client.close()
