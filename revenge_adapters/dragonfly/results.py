"""What stream workers say, brought into the database."""

import logging
from collections.abc import Generator, Mapping, Sequence
from typing import Final, TypeAlias

from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.dragonfly.streams import FIELD, Done, Keys, Reported
from revenge_adapters.ends import store_ends
from revenge_core.entity import Entity
from revenge_core.errors import Unavailable
from revenge_core.jobs.entities import JobKey
from revenge_core.jobs.ports import JobStore

AT_ONCE: Final = 100
BLOCK_MILLISECONDS: Final = 1000
"""Finite, and shorter than the client's time limit."""

_log = logging.getLogger("revenge.streams")


Entries: TypeAlias = list[tuple[bytes, Mapping[bytes, bytes] | None]]
BEGINNING: Final = b"0"


class Collected(Entity, kw_only=True):
    """What was heard."""

    ended: frozenset[JobKey]
    arrived: bool
    """A worker has come, or come back."""


class Results:
    """Reads from the beginning of the stream whatever is there, and deletes what is stored.

    So it does not matter who read an entry before and died. Two who read the same one store it twice, which changes
    nothing. What cannot be stored now, as somebody has the job locked, is passed over until the next time round.
    """

    def __init__(self, client: RedisClient, store: JobStore, envelopes: Envelopes) -> None:
        self._client = client
        self._store = store
        self._envelopes = envelopes
        self._key = Keys(envelopes).done
        self._after = BEGINNING
        self._held: set[JobKey] = set()
        """Of these something was passed over this time round; so is all that comes after it, to keep its order."""

    async def collect(self) -> Collected | None:
        """Wait a second at most for something, and store it; None if nothing came.

        Raises:
            Unavailable: nothing of what is there could be stored.
        """
        entries = await self._entries()
        if not entries:
            return None
        read = [(id, self._done(fields)) for id, fields in entries]
        said = [done for _, done in read if done is not None]
        problem = await self._store_reports([report for done in said for report in done.reports])
        ends = {end.key: end for done in said for end in done.finishes if end.key not in self._held}
        try:
            if ends:
                await store_ends(self._store.finish, list(ends.values()))
        except Unavailable as error:
            self._held |= ends.keys()
            problem = error
        if self._held:
            self._after = entries[-1][0]
        stored = [id for id, done in read if done is None or self._held.isdisjoint(_keys(done))]
        if stored:
            await self._client.do("XDEL", self._key, *stored)
        elif problem is not None:
            raise problem
        return Collected(ended=frozenset(ends.keys() - self._held), arrived=any(done == Done() for done in said))

    async def _entries(self) -> Entries:
        """Those after what was passed over, or else from the beginning on."""
        if self._after != BEGINNING:
            if entries := await self._read():
                return entries
            self._after = BEGINNING
            self._held.clear()
        return await self._read("BLOCK", BLOCK_MILLISECONDS)

    async def _read(self, *options: str | int) -> Entries:
        answer = await self._client.do("XREAD", "COUNT", AT_ONCE, *options, "STREAMS", self._key, self._after)
        return [entry for _, entries in answer or () for entry in entries]

    async def _store_reports(self, reports: Sequence[Reported]) -> Unavailable | None:
        """Store them in their order, but those of jobs that are held; what kept some from being stored."""
        problem = None
        for report in reports:
            if report.key not in self._held:
                try:
                    await self._report(report)
                except Unavailable as error:
                    self._held.add(report.key)
                    problem = error
        return problem

    async def _report(self, report: Reported) -> None:
        """Store it; what cannot be stored, such as text that no worker would send, must not keep all others."""
        try:
            await self._store.report(report.key, report.progress, report.items)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 -- whatever it is, it is this report's fault
            _log.exception("progress of job %d cannot be stored; it is left out", report.key.id)

    def _done(self, fields: Mapping[bytes, bytes] | None) -> Done | None:
        """Whenever it was said: the database knows whether it still counts."""
        return self._envelopes.open(self._key, (fields or {}).get(FIELD.encode(), b""), Done)


def _keys(done: Done) -> Generator[JobKey]:
    yield from (end.key for end in done.finishes)
    yield from (report.key for report in done.reports)
