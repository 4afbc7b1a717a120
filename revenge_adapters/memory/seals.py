"""Seals of the audit log in memory."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, TypeVar
from uuid import UUID

from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.activity.entities import (
    Action,
    Backlog,
    Checkpoint,
    Entry,
    Look,
    Recorded,
    Retention,
    Seal,
    Signature,
    Unsealed,
)
from revenge_core.activity.errors import ErasureRefused, RetentionRefused
from revenge_core.activity.policy import (
    BEFORE_ALL,
    OF_THE_ERASED,
    SHORTEST_RETENTION,
    digests_of,
    month_of,
    recorded,
    seal_hash,
)
from revenge_core.activity.ports import ActivitySeals, CheckpointShipper, CheckpointSigner, SealReader
from revenge_core.clock import Clock
from revenge_core.ids import EntryId, UserId

Kept = TypeVar("Kept")

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


def noted(entry: Entry) -> Unsealed:
    """The entry, as it waits to be sealed."""
    digests = digests_of(recorded(entry))
    return Unsealed(entry_id=entry.id, entry_at=entry.created_at, content=digests.content, personal=digests.personal)


class MemoryActivitySeals(ActivitySeals):
    """The transaction's end."""

    def __init__(self, rows: Rows, clock: Clock) -> None:
        self._rows = rows
        self._clock = clock

    @override
    async def seal(self, limit: int) -> int:
        rows = self._rows
        number, previous = self._end()
        waiting = sorted(rows.activity_unsealed.values(), key=_place)[:limit]
        for number, one in enumerate(waiting, number + 1):  # noqa: B020 -- it goes on from the last one's
            previous = seal_hash(previous, number, one.entry_at, one.content)
            rows.activity_seals[number] = Seal(
                sequence=number,
                entry_id=one.entry_id,
                entry_at=one.entry_at,
                content=one.content,
                personal=one.personal,
                hash=previous,
            )
            del rows.activity_unsealed[one.entry_id]
        return len(waiting)

    def _end(self) -> tuple[int, bytes]:
        if self._rows.activity_seals:
            last = self._rows.activity_seals[max(self._rows.activity_seals)]
            return last.sequence, last.hash
        if self._rows.activity_retentions:
            left = self._rows.activity_retentions[max(self._rows.activity_retentions)]
            return left.sequence, left.hash
        return 0, BEFORE_ALL

    @override
    async def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        self._rows.activity_checkpoints.setdefault(checkpoint.sequence, checkpoint)

    @override
    async def mark_shipped(self, upto: int, at: datetime) -> None:
        for sequence in self._rows.activity_checkpoints:
            if sequence <= upto:
                self._rows.activity_shipped.setdefault(sequence, at)

    @override
    async def erase(self, user_id: UserId, limit: int) -> int:
        said = {entry.resource_id for entry in self._rows.activity.values() if entry.action is Action.USER_PURGE}
        if user_id in self._rows.users or user_id not in said:
            raise ErasureRefused
        theirs = [
            entry
            for entry in self._rows.activity.values()
            if user_id in {entry.actor_id, entry.on_behalf_of, entry.resource_id}
            and entry.salt
            and entry.action not in OF_THE_ERASED
        ]
        for entry in theirs[:limit]:
            self._rows.activity[entry.id] = replace(
                entry, resource_key=None, changes={}, address=None, user_agent=None, request_id=None, salt=b""
            )
        return len(theirs[:limit])

    @override
    async def drop(self, before: datetime, at: datetime) -> Retention | None:
        rows, edge = self._rows, month_of(before)
        if edge > self._clock.now() - SHORTEST_RETENTION:
            raise RetentionRefused
        old = [entry for entry in rows.activity.values() if entry.created_at < edge]
        if not old:
            return None
        month = month_of(min(entry.created_at for entry in old))
        edge = month_of(month + timedelta(days=31))
        if any(one.entry_at < edge for one in rows.activity_unsealed.values()):
            raise RetentionRefused
        gone = [entry for entry in old if entry.created_at < edge]
        for entry in gone:
            del rows.activity[entry.id]
        staying = [seal.sequence for seal in rows.activity_seals.values() if seal.entry_at >= edge]
        upto = max((n for n in rows.activity_seals if not staying or n < min(staying)), default=None)
        left = rows.activity_retentions.get(max(rows.activity_retentions, default=0))
        sequence, reached = (left.sequence, left.hash) if left is not None else (0, BEFORE_ALL)
        if upto is not None:
            sequence, reached = upto, rows.activity_seals[upto].hash
        retention = Retention(
            number=max(rows.activity_retentions, default=0) + 1,
            dropped_at=at,
            before=edge,
            what=f"activity_{month:%Y_%m}",
            entries=len(gone),
            sequence=sequence,
            hash=reached,
            key_id=None,
            public_key=None,
            signature=None,
        )
        rows.activity_retentions[retention.number] = retention
        return retention

    @override
    async def sign_retention(self, number: int, signature: Signature) -> None:
        retention = self._rows.activity_retentions[number]
        if retention.signature is None:
            self._rows.activity_retentions[number] = replace(
                retention,
                key_id=signature.key_id,
                public_key=signature.public_key,
                signature=signature.signature,
            )

    @override
    async def drop_seals(self, limit: int) -> int:
        retentions = self._rows.activity_retentions
        upto = retentions[max(retentions)].sequence if retentions else 0
        gone = sorted(number for number in self._rows.activity_seals if number <= upto)[:limit]
        for number in gone:
            del self._rows.activity_seals[number]
            self._rows.activity_checkpoints.pop(number, None)
        return len(gone)


class MemorySealReader(SealReader):
    """The reading end."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @property
    def _rows(self) -> Rows:
        return self._tables.rows

    @override
    async def seals(self, *, after: int, limit: int) -> tuple[Seal, ...]:
        return _following(self._rows.activity_seals, after, limit)

    @override
    async def last(self) -> Seal | None:
        return self._rows.activity_seals.get(max(self._rows.activity_seals, default=0))

    @override
    async def rows(self, entries: Sequence[Seal | Unsealed]) -> Mapping[EntryId, Recorded]:
        found = ((one, self._rows.activity.get(one.entry_id)) for one in entries)
        return {
            entry.id: recorded(entry) for one, entry in found if entry is not None and entry.created_at == one.entry_at
        }

    @override
    async def hashes(self, sequences: Sequence[int]) -> Mapping[int, bytes]:
        seals = self._rows.activity_seals
        return {number: seals[number].hash for number in sequences if number in seals}

    @override
    async def waiting(self, *, after: Unsealed | None, limit: int) -> tuple[Unsealed, ...]:
        waiting = sorted(self._rows.activity_unsealed.values(), key=_place)
        return tuple(one for one in waiting if after is None or _place(one) > _place(after))[:limit]

    @override
    async def backlog(self) -> Backlog:
        times = [one.entry_at for one in self._rows.activity_unsealed.values()]
        return Backlog(entries=len(times), oldest=min(times, default=None))

    @override
    async def looks(self, *, after: Look | None, since: datetime | None, limit: int) -> tuple[Look, ...]:
        sealed = {(seal.entry_id, seal.entry_at): seal.sequence for seal in self._rows.activity_seals.values()}
        waiting = {(one.entry_id, one.entry_at) for one in self._rows.activity_unsealed.values()}
        edge = (since or _BEGINNING, UUID(int=0)) if after is None else (after.created_at, after.id)
        entries = sorted((entry.created_at, entry.id) for entry in self._rows.activity.values())
        return tuple(
            Look(
                id=entry_id,
                created_at=at,
                sequence=sealed.get((entry_id, at)),
                waits=(entry_id, at) in waiting,
                is_single=True,
            )
            for at, entry_id in entries
            if (at, entry_id) > edge
        )[:limit]

    @override
    async def checkpoints(self, *, after: int, limit: int) -> tuple[Checkpoint, ...]:
        return _following(self._rows.activity_checkpoints, after, limit)

    @override
    async def newest_checkpoint(self, *, by: datetime | None = None) -> Checkpoint | None:
        made = self._rows.activity_checkpoints.values()
        return max(
            (one for one in made if by is None or one.created_at <= by), key=lambda one: one.sequence, default=None
        )

    @override
    async def unshipped(self, *, limit: int) -> tuple[Checkpoint, ...]:
        rows = self._rows
        waiting = {n: one for n, one in rows.activity_checkpoints.items() if n not in rows.activity_shipped}
        return _following(waiting, 0, limit)

    @override
    async def retention(self) -> Retention | None:
        return self._rows.activity_retentions.get(max(self._rows.activity_retentions, default=0))

    @override
    async def retentions(self, *, after: int, limit: int) -> tuple[Retention, ...]:
        return _following(self._rows.activity_retentions, after, limit)

    @override
    async def purged(self, ids: Sequence[UUID]) -> frozenset[UUID]:
        entries: Iterable[Entry] = self._rows.activity.values()
        said = {entry.resource_id for entry in entries if entry.action is Action.USER_PURGE}
        return frozenset(one for one in ids if one in said)


class MemorySigner(CheckpointSigner):
    """Signatures that look like some, and prove nothing to who knows how they are made."""

    def __init__(self, key: bytes = b"the key of no server") -> None:
        self.public_key = sha256(key).digest()

    @override
    def sign(self, message: bytes) -> Signature:
        signature = sha256(self.public_key + message).digest()
        return Signature(key_id=self.public_key.hex()[:16], public_key=self.public_key, signature=signature)

    @override
    def is_genuine(self, message: bytes, signature: Signature, trusted: frozenset[bytes]) -> bool:
        is_known = signature.public_key in {self.public_key, *trusted}
        return is_known and signature.signature == sha256(signature.public_key + message).digest()


class MemoryShipper(CheckpointShipper):
    """Keeps what it is handed in `shipped`; off unless `on` is set, away where it raises `trouble`."""

    def __init__(self) -> None:
        self.shipped: list[Checkpoint] = []
        self.on = False
        self.trouble: Exception | None = None

    @property
    @override
    def is_on(self) -> bool:
        return self.on

    @override
    async def ship(self, checkpoints: Sequence[Checkpoint]) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.shipped.extend(checkpoints)


def _place(one: Unsealed) -> tuple[datetime, UUID]:
    return one.entry_at, one.entry_id


def _following(numbered: Mapping[int, Kept], after: int, limit: int) -> tuple[Kept, ...]:
    return tuple(numbered[number] for number in sorted(numbered) if number > after)[:limit]
