"""When and where from keys were used, and what recording ones made use of: remembered here, written by housekeeping."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from revenge_core.actor import UseRecorder
from revenge_core.apikeys.entities import ApiKey, KeyRight, KeySighting, RecordedRight
from revenge_core.apikeys.policy import SEEN_INTERVAL
from revenge_core.apikeys.ports import ApiKeysTx
from revenge_core.clock import Clock
from revenge_core.ids import KeyId
from revenge_core.uow import UnitOfWork

CAPACITY: Final = 50_000
"""So many rights of recording keys are remembered between two writes; what is beyond that goes unrecorded."""


class KeyUsage(UseRecorder):
    """What one process knows of the use of keys, and has not written yet. What a crash takes is a few seconds of it."""

    def __init__(self, uow: UnitOfWork[ApiKeysTx], clock: Clock) -> None:
        self._uow = uow
        self._clock = clock
        self._noted: dict[KeyId, datetime] = {}
        self._seen: dict[KeyId, KeySighting] = {}
        self._uses: dict[tuple[KeyId, str], KeyRight] = {}
        self._writing = asyncio.Lock()

    def saw(self, key: ApiKey, address: str | None, now: datetime) -> None:
        """Remember that the key was used; it is written at most once a minute per key."""
        known = self._noted.get(key.id, key.last_used_at)
        if known is None or now - known >= SEEN_INTERVAL:
            self._noted[key.id] = now
            self._seen[key.id] = KeySighting(key_id=key.id, at=now, address=address)

    def used(self, key_id: KeyId, rights: Iterable[str]) -> None:
        """Remember that the key was let through by these; see `UseRecorder`."""
        now = self._clock.now()
        for right in rights:
            self._add(key_id, KeyRight(right=right, first_used_at=now, last_used_at=now, uses=1))

    async def write(self) -> int:
        """Write what is remembered; how many rows. One at a time: who waited finds written what was remembered before.

        Raises:
            DatabaseUnavailable: nothing was written; the next call tries again.
        """
        async with self._writing:
            seen, self._seen = self._seen, {}
            uses, self._uses = self._uses, {}
            now = self._clock.now()
            self._noted = {key: at for key, at in self._noted.items() if now - at < SEEN_INTERVAL}
            if not seen and not uses:
                return 0
            try:
                await self._write(seen, uses)
            except BaseException:
                self._seen = {**seen, **self._seen}
                for (key_id, _), use in uses.items():
                    self._add(key_id, use)
                raise
            return len(seen) + len(uses)

    async def _write(self, seen: Mapping[KeyId, KeySighting], uses: Mapping[tuple[KeyId, str], KeyRight]) -> None:
        async with self._uow.begin(durable=False) as tx:
            if seen:
                await tx.api_keys.mark_seen(tuple(seen.values()))
            if uses:
                recorded = (RecordedRight(key_id=key_id, use=use) for (key_id, _), use in uses.items())
                await tx.api_keys.add_uses(tuple(recorded))

    def _add(self, key_id: KeyId, use: KeyRight) -> None:
        place = key_id, use.right
        known = self._uses.get(place)
        if known is not None:
            self._uses[place] = replace(
                known,
                first_used_at=min(known.first_used_at, use.first_used_at),
                last_used_at=max(known.last_used_at, use.last_used_at),
                uses=known.uses + use.uses,
            )
        elif len(self._uses) < CAPACITY:
            self._uses[place] = use
