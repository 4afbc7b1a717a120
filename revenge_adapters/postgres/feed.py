"""Following the revocation feed: a poll every half second; a notification is a reason to poll now (rulings R25)."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

import psycopg
from psycopg.rows import TupleRow, class_row
from typing_extensions import override

from revenge_adapters.boottime import boottime
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.cache.entities import Mark
from revenge_core.cache.ports import SharedFeedView
from revenge_core.clock import Clock
from revenge_core.entity import Entity
from revenge_core.errors import DatabaseUnavailable
from revenge_core.feed import Change, Topic

CHANNEL: Final = "revenge_changes"
INTERVAL_SECONDS: Final = 0.5
TRUSTED_SECONDS: Final = 1.5
POLL_DEADLINE_SECONDS: Final = 1.0
SHORTEST_PAUSE_SECONDS: Final = 0.02
RECONNECT_PAUSE_SECONDS: Final = 0.2
REMEMBERED_CHANGES: Final = 10_000

_TOPICS: Final = frozenset(topic.value for topic in Topic)
_log = logging.getLogger("revenge.feed")


class News(Entity, kw_only=True):
    """What one look at the feed tells."""

    now: datetime
    lineage: str
    trimmed_to: int
    newest: int
    numbers: list[int]
    topics: list[str]
    keys: list[str]


class Sql(SqlFile, file="feed.sql"):
    """The statements of the feed."""

    poll: Query[News]


class ChangeFollower(SharedFeedView, Clock):
    """Follows the feed on a connection of its own; it is the production clock as well (rulings R26).

    `listen=False` leaves out notifications, as a connection pooler in transaction mode does; the bound of two seconds
    holds all the same.
    """

    def __init__(self, url: str, *, listen: bool = True) -> None:
        self._url = url
        self._listen = listen
        self._subscribers: list[Callable[[Change | None], None]] = []
        self._connection: psycopg.AsyncConnection[TupleRow] | None = None
        self._task: asyncio.Task[None] | None = None
        self._looked_at = float("-inf")
        self._lineage: str | None = None
        self._generation = 0
        self._cursor = 0
        self._last: dict[Change, int] = {}
        self._remembered_from = 0
        self._ahead: float | None = None
        """The database's time less this machine's boot time, in seconds."""
        self._latest: datetime | None = None

    async def start(self) -> None:
        """Look once, then go on following in the background.

        Raises:
            DatabaseUnavailable: the first look failed.
        """
        try:
            await self._look()
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self._disconnect()
            raise DatabaseUnavailable(retry_after=1) from error
        self._task = asyncio.create_task(self._follow(), name="revenge change feed")

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._disconnect()

    @override
    def now(self) -> datetime:
        if self._ahead is None:
            message = "the database's time is not known yet: start() the follower first"
            raise DatabaseUnavailable(message)
        present = datetime.fromtimestamp(self._ahead + boottime(), UTC)
        if self._latest is None or present > self._latest:
            self._latest = present
        return self._latest

    @override
    def is_fresh(self, now: float) -> bool:
        return now - self._looked_at < TRUSTED_SECONDS

    @override
    def position(self) -> tuple[int, int]:
        return self._generation, self._cursor

    @override
    def changed_since(self, changes: Iterable[Change], position: tuple[int, int]) -> bool:
        generation, number = position
        if generation != self._generation or number < self._remembered_from:
            return True
        return any(self._last.get(change, 0) > number for change in changes)

    @override
    def mark(self) -> Mark:
        return Mark(lineage=self._lineage or "", number=self._cursor)

    @override
    def position_of(self, mark: Mark) -> tuple[int, int] | None:
        if mark.lineage != self._lineage or mark.number > self._cursor:
            return None
        return self._generation, mark.number

    @override
    def subscribe(self, forget: Callable[[Change | None], None]) -> None:
        self._subscribers.append(forget)

    def committed(self, changes: tuple[tuple[int, Change], ...]) -> None:
        """This process announced these itself: it need not wait for the next look to see them."""
        for number, change in changes:
            self._note(number, change)

    async def _follow(self) -> None:
        lost = False
        while True:
            try:
                await self._pause()
                await self._look()
            except (psycopg.Error, OSError, TimeoutError) as error:
                if not lost:
                    _log.warning("change feed lost (%s): every request asks the database", type(error).__name__)
                lost = True
                await self._disconnect()
                await asyncio.sleep(RECONNECT_PAUSE_SECONDS)
            else:
                if lost:
                    _log.info("change feed found again")
                lost = False

    async def _pause(self) -> None:
        """Wait for a notification, at most one interval, and a moment for those that come with it."""
        if self._connection is None:
            return
        if not self._listen:
            await asyncio.sleep(INTERVAL_SECONDS)
            return
        notified = [one async for one in self._connection.notifies(timeout=INTERVAL_SECONDS, stop_after=1)]
        if notified:
            await asyncio.sleep(SHORTEST_PAUSE_SECONDS)

    async def _look(self) -> None:
        began = boottime()
        async with asyncio.timeout(POLL_DEADLINE_SECONDS):
            connection = await self._connected()
            before = boottime()
            async with connection.cursor(binary=True, row_factory=class_row(News)) as cursor:
                await cursor.execute(Sql.poll.text, {"cursor": self._cursor}, prepare=True)
                news = await cursor.fetchone()
            after = boottime()
        if news is None:
            message = "the table revenge.feed_identity is empty"
            raise psycopg.DataError(message)
        self._ahead = news.now.timestamp() - (before + after) / 2
        self._take(news)
        self._looked_at = began

    def _take(self, news: News) -> None:
        known = self._lineage == news.lineage
        if not known or news.newest < self._cursor or self._cursor < news.trimmed_to:
            # The first look, a restored, restarted or failed-over database, or a pause longer than what the feed keeps.
            self._generation += 1
            self._last.clear()
            self._lineage = news.lineage
            self._cursor = self._remembered_from = news.newest
            for forget in self._subscribers:
                forget(None)
            return
        for number, topic, key in zip(news.numbers, news.topics, news.keys, strict=True):
            if topic in _TOPICS:  # a newer process may announce what this one does not cache
                self._note(number, Change(topic=Topic(topic), key=key))
            self._cursor = number

    def _note(self, number: int, change: Change) -> None:
        self._last.pop(change, None)
        self._last[change] = number
        while len(self._last) > REMEMBERED_CHANGES:
            oldest = next(iter(self._last))
            self._remembered_from = max(self._remembered_from, self._last.pop(oldest))
        for forget in self._subscribers:
            forget(change)

    async def _connected(self) -> psycopg.AsyncConnection[TupleRow]:
        if self._connection is None:
            connection = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, application_name="revenge feed"
            )
            self._connection = connection
            if self._listen:
                await connection.execute(f"LISTEN {CHANNEL}")
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()
