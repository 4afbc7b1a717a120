"""What stream workers say, brought into the database."""

import logging
from collections.abc import Mapping
from typing import Final

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


class Collected(Entity, kw_only=True):
    """What was heard."""

    ended: frozenset[JobKey]
    arrived: bool
    """A worker has come, or come back."""


class Results:
    """Reads from the beginning of the stream whatever is there, and deletes what is stored.

    So it does not matter who read an entry before and died. Two who read the same one store it twice, which changes
    nothing.
    """

    def __init__(self, client: RedisClient, store: JobStore, envelopes: Envelopes) -> None:
        self._client = client
        self._store = store
        self._envelopes = envelopes
        self._key = Keys(envelopes).done

    async def collect(self) -> Collected | None:
        """Wait a second at most for something, and store it; None if nothing came."""
        answer = await self._client.do(
            "XREAD", "COUNT", AT_ONCE, "BLOCK", BLOCK_MILLISECONDS, "STREAMS", self._key, "0"
        )
        entries: list[tuple[bytes, Mapping[bytes, bytes] | None]] = [one for _, some in answer or () for one in some]
        if not entries:
            return None
        said = [done for _, fields in entries if (done := self._done(fields)) is not None]
        for report in (report for done in said for report in done.reports):
            await self._report(report)
        ends = {finish.key: finish for done in said for finish in done.finishes}
        if ends:
            await store_ends(self._store.finish, list(ends.values()))
        await self._client.do("XDEL", self._key, *(id for id, _ in entries))
        return Collected(ended=frozenset(ends), arrived=any(done == Done() for done in said))

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
