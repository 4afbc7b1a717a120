"""Talking to Dragonfly: few commands, each within a time limit, none of them tried twice behind anybody's back.

Restraint keeps this working on Dragonfly, Valkey and Redis alike: RESP2, no transactions, and one script
(`locks.py`), which declares its key.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from revenge_adapters.dragonfly.errors import CacheUnavailable
from revenge_core.secrets import Secret

TIMEOUT: Final = timedelta(seconds=2)
SILENCE_SECONDS: Final = 5.0
"""Who hears nothing on a subscription for so long asks whether anybody is there."""
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0

T = TypeVar("T")
Command: TypeAlias = Sequence[str | bytes | int]

_driver: Any = redis.asyncio.Redis
"""Untyped on purpose: the driver's own types are unions of what two protocols and two clients may answer."""


class RedisClient:
    """The server at `url` (`redis://`, `rediss://` for TLS, `unix://`). Connects when it is first needed.

    A connection that broke while nobody used it is replaced; a command on which one breaks fails.
    """

    def __init__(self, url: Secret, *, timeout: timedelta = TIMEOUT) -> None:
        self.name = place_of(url)
        self._timeout = timeout.total_seconds()
        self._exchanges: set[asyncio.Task[Any]] = set()
        self._redis = _driver.from_url(
            url.reveal(),
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            driver_info=None,  # CLIENT SETINFO, which not every server knows
        )

    async def close(self) -> None:
        """End all connections."""
        if self._exchanges:
            await asyncio.wait(self._exchanges)
        with suppress(RedisError, OSError):
            await self._redis.aclose()

    async def do(self, *command: str | bytes | int) -> Any:  # noqa: ANN401 -- each command answers in its own form
        """The answer to one command.

        Raises:
            CacheUnavailable: there was none, or it was refused; the command may have been carried out or not.
        """
        return (await self.do_all([command]))[0]

    async def do_all(self, commands: Sequence[Command], *, refusals: bool = False) -> list[Any]:
        """The answers to commands that are sent in one trip; others' may come in between.

        With `refusals` a command that the server refuses has the driver's `ResponseError` for an answer.

        Raises:
            CacheUnavailable: there was no answer, or a command was refused; some may have been carried out.
        """
        try:
            answers = await self._apart(self._exchange(commands))
        # ValueError: a number that is none; RecursionError: lists within lists within lists
        except (RedisError, OSError, TimeoutError, ValueError, RecursionError) as error:
            raise self._in_our_words(error) from error
        for answer in answers:
            if isinstance(answer, RedisError) and not (refusals and isinstance(answer, ResponseError)):
                raise self._in_our_words(answer) from answer
        return answers

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return list(await pipeline.execute(raise_on_error=False))

    async def _apart(self, exchange: Coroutine[Any, Any, T]) -> T:
        """Run it in a task of its own: of cancellations that come at a bad moment the driver swallows some."""
        task = asyncio.create_task(exchange)
        self._exchanges.add(task)
        task.add_done_callback(self._done)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            raise

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._exchanges.discard(task)
        if not task.cancelled():
            task.exception()  # whoever was cancelled meanwhile does not want to know

    @asynccontextmanager
    async def subscribed(self, channel: str) -> AsyncGenerator[Callable[[], Awaitable[bytes]]]:
        """A function that waits for what is published next on the channel, on a connection of its own.

        Raises (also while waiting):
            CacheUnavailable: the connection cannot be made or broke, or the server does not answer any more.
        """
        pubsub = self._redis.pubsub()

        async def heard() -> bytes:
            asked = False
            while True:
                message = await self._apart(pubsub.get_message(timeout=SILENCE_SECONDS))
                if message is not None and message["type"] == "message":
                    return bytes(message["data"])
                if message is None and asked:
                    raise TimeoutError
                asked = message is None
                if asked:
                    await self._apart(pubsub.ping())

        try:
            await self._apart(pubsub.subscribe(channel))
            if await self._apart(pubsub.get_message(timeout=self._timeout)) is None:
                raise TimeoutError
            yield heard
        except (RedisError, OSError, TimeoutError) as error:
            raise self._in_our_words(error) from error
        finally:
            with suppress(RedisError, OSError):
                await pubsub.aclose()

    def _in_our_words(self, error: Exception) -> CacheUnavailable:
        """The driver's words hold addresses and the server's complaint, never the password."""
        return CacheUnavailable(f"{self.name}: {str(error) or type(error).__name__}", retry_after=1)


class Backoff:
    """How long to wait before trying to reach the server again: longer each time, until it was reached."""

    def __init__(self) -> None:
        self._pause = FIRST_PAUSE_SECONDS

    def reached(self) -> None:
        """It answered."""
        self._pause = FIRST_PAUSE_SECONDS

    async def wait(self) -> None:
        """Wait before the next try."""
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)


def place_of(url: Secret) -> str:
    """What may be shown of an address: no user, no password."""
    parts = urlsplit(url.reveal())
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
