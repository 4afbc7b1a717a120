"""Looking whether the audit log is as it was written: seals beside rows, and both against what was signed."""

from bisect import insort
from collections.abc import AsyncIterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from revenge_core.activity.entities import (
    Checkpoint,
    Digests,
    Finding,
    Flaw,
    Look,
    Recorded,
    Retention,
    Seal,
    Signature,
    Unsealed,
    Verification,
)
from revenge_core.activity.policy import (
    BEFORE_ALL,
    OF_THE_ERASED,
    SHORTEST_RETENTION,
    flaw_of,
    link_flaw,
    message_of,
    retention_message,
)
from revenge_core.activity.ports import CheckpointSigner, SealReader
from revenge_core.ids import EntryId

PAGE: Final = 1000
LISTED: Final = 100
"""So many findings are kept; of the others their number."""


class Walk:
    """One look. It reads in pages: whatever is added, sealed, erased or dropped meanwhile does not disturb it."""

    def __init__(self, reader: SealReader, signer: CheckpointSigner, trusted: frozenset[bytes]) -> None:
        self._reader = reader
        self._signer = signer
        self._trusted = trusted
        self._findings: list[Finding] = []
        """In the order of the chain: the first bad row stays the first, however many others somebody adds."""
        self._latest: Finding | None = None
        self._more = 0
        self._entries = 0
        self._waiting = 0
        self._checkpoints = 0
        self._retention: Retention | None = None
        self._begins = 0
        """Seals up to this one are needed for nothing that is there."""
        self._sequence = 0
        self._hash = BEFORE_ALL
        self._dropped_before: datetime | None = None

    async def whole(self, since: datetime | None, elsewhere: AsyncIterable[Checkpoint] | None) -> Verification:
        """From the beginning, or from the newest checkpoint that was made by `since`."""
        await self._begin()
        await self._along_retentions()
        if since is not None:
            await self._skip_to(since)
        first = self._sequence + 1
        await self._along_seals()
        await self._against_checkpoints(first, elsewhere)
        await self._along_waiting()
        await self._along_entries(since)
        return self._told(first)

    async def latest(self, seals: int) -> Verification:
        """The last so many seals, from a hash that is taken as it is; and what waits."""
        await self._begin()
        last = await self._reader.last()
        if last is not None and last.sequence - seals > self._sequence:
            for sequence, known in (await self._reader.hashes([last.sequence - seals])).items():
                self._sequence, self._hash = sequence, known
        first = self._sequence + 1
        await self._along_seals()
        await self._along_waiting()
        return self._told(first)

    def _told(self, first: int) -> Verification:
        return Verification(
            first=first,
            last=self._sequence,
            hash=self._hash,
            entries=self._entries,
            waiting=self._waiting,
            checkpoints=self._checkpoints,
            dropped_before=self._dropped_before,
            findings=tuple(self._findings),
            more=self._more,
        )

    def _found(self, finding: Finding) -> None:
        self._latest = finding
        insort(self._findings, finding, key=lambda one: (one.sequence is None, one.sequence or 0))
        if len(self._findings) > LISTED:
            self._findings.pop()
            self._more += 1

    async def _begin(self) -> None:
        """Where the chain begins: with the first entry ever, or where retention says so, signed."""
        retention = self._retention = await self._reader.retention()
        if retention is None:
            return
        self._sequence, self._hash = retention.sequence, retention.hash
        self._begins = retention.sequence
        if self._vouched(retention):
            self._dropped_before = retention.before
        else:
            self._found(_forged(retention))

    async def _along_retentions(self) -> None:
        """The earlier ones: where nothing else tells where the chain begins, the next takes it over from them."""
        after = 0
        while part := await self._reader.retentions(after=after, limit=PAGE):
            for one in part:
                if one != self._retention and not self._vouched(one):
                    self._found(_forged(one))
            after = part[-1].number

    def _vouched(self, retention: Retention) -> bool:
        if retention.key_id is None or retention.public_key is None or retention.signature is None:
            return False
        signed = Signature(key_id=retention.key_id, public_key=retention.public_key, signature=retention.signature)
        return self._signer.is_genuine(retention_message(retention), signed, self._trusted)

    async def _skip_to(self, since: datetime) -> None:
        start = await self._reader.newest_checkpoint(by=since)
        if start is not None and start.sequence > self._sequence and self._is_genuine(start):
            self._sequence, self._hash = start.sequence, start.hash

    def _is_genuine(self, checkpoint: Checkpoint) -> bool:
        return self._signer.is_genuine(message_of(checkpoint), checkpoint.signed, self._trusted)

    # Along the chain

    async def _along_seals(self) -> None:
        while seals := await self._reader.seals(after=self._sequence, limit=PAGE):
            rows = await self._reader.rows(seals)
            dropped_before = await self._newly_dropped_before() if len(rows) < len(seals) else None
            erased: list[tuple[Seal, Recorded]] = []
            for seal in seals:
                row = rows.get(seal.entry_id)
                self._link(seal, row)
                if row is not None:
                    if self._compare(seal, row) is Flaw.ENTRY_ERASED:
                        erased.append((seal, row))
                elif dropped_before is None or seal.entry_at >= dropped_before:
                    self._found(_about(Flaw.ENTRY_MISSING, seal))
            await self._excuse(erased)

    def _link(self, seal: Seal, row: Recorded | None) -> None:
        """Follow the chain by one seal; where it is broken, go on from there."""
        if seal.sequence != self._sequence + 1:
            self._found(Finding(flaw=Flaw.SEAL_MISSING, sequence=self._sequence + 1, upto=seal.sequence - 1))
        elif flaw := link_flaw(seal, self._hash, row):
            self._found(_about(flaw, seal))
        self._sequence, self._hash = seal.sequence, seal.hash

    def _compare(self, sealed: Seal | Unsealed, row: Recorded) -> Flaw | None:
        self._entries += 1
        flaw = flaw_of(row, Digests(content=sealed.content, personal=sealed.personal))
        if flaw is Flaw.ENTRY_CHANGED and not self._is_told(sealed):
            self._found(_about(flaw, sealed))
        return flaw

    def _is_told(self, sealed: Seal | Unsealed) -> bool:
        """Whether the seal itself was found to be changed: what the row then differs from is no measure of it."""
        return (
            isinstance(sealed, Seal)
            and self._latest is not None
            and self._latest.sequence == sealed.sequence
            and self._latest.flaw is Flaw.SEAL_CHANGED
        )

    async def _newly_dropped_before(self) -> datetime | None:
        """The latest retention may be younger than this walk."""
        retention = await self._reader.retention()
        return retention.before if retention is not None and self._vouched(retention) else None

    async def _excuse(self, erased: Sequence[tuple[Seal | Unsealed, Recorded]]) -> None:
        """Those were to be erased whose account was: the log itself says so, in entries that stay."""
        if not erased:
            return
        purged = await self._reader.purged(sorted({one for _, row in erased for one in _people(row)}))
        for sealed, row in erased:
            if row.action in OF_THE_ERASED or not purged & _people(row):
                self._found(_about(Flaw.ENTRY_ERASED, sealed))

    # What is not in the chain

    async def _along_waiting(self) -> None:
        after: Unsealed | None = None
        while part := await self._reader.waiting(after=after, limit=PAGE):
            rows = await self._reader.rows(part)
            erased: list[tuple[Unsealed, Recorded]] = []
            for waiting in part:
                self._waiting += 1
                row = rows.get(waiting.entry_id)
                if row is None:
                    self._found(_about(Flaw.ENTRY_MISSING, waiting))
                elif self._compare(waiting, row) is Flaw.ENTRY_ERASED:
                    erased.append((waiting, row))
            await self._excuse(erased)
            after = part[-1]

    async def _along_entries(self, since: datetime | None) -> None:
        """Entries that are neither sealed nor wait, or are there twice: no transaction of the application does that."""
        after: Look | None = None
        while part := await self._reader.looks(after=after, since=since, limit=PAGE):
            for look in part:
                if not self._is_known(look):
                    self._found(Finding(flaw=Flaw.ENTRY_INSERTED, entry_id=look.id, entry_at=look.created_at))
            after = part[-1]

    def _is_known(self, look: Look) -> bool:
        """A seal that lies before the chain begins proves nothing, unless its entry is about to be dropped as well."""
        if look.waits or not look.is_single:
            return look.is_single
        if look.sequence is None or look.sequence > self._begins:
            return look.sequence is not None
        return look.sequence > 0 and self._dropped_before is not None and look.created_at < self._dropped_before

    # What was signed

    async def _against_checkpoints(self, first: int, elsewhere: AsyncIterable[Checkpoint] | None) -> None:
        """Whether the chain came to what was signed: if not, it was written anew from somewhere before."""
        dropped = None if self._dropped_before is None else (self._begins, self._dropped_before)
        comparing = _Comparing(first, dropped, self._reader)
        after = first - 1
        while part := await self._reader.checkpoints(after=after, limit=PAGE):
            await self._compare_signed(part, comparing)
            after = part[-1].sequence
        if elsewhere is not None:
            batch: list[Checkpoint] = []
            async for checkpoint in elsewhere:
                batch.append(checkpoint)
                if len(batch) == PAGE:
                    await self._compare_signed(batch, comparing)
                    batch.clear()
            await self._compare_signed(batch, comparing)
        for finding in await comparing.findings():
            self._found(finding)

    async def _compare_signed(self, checkpoints: Sequence[Checkpoint], comparing: "_Comparing") -> None:
        genuine: list[Checkpoint] = []
        for one in checkpoints:
            if self._is_genuine(one):
                genuine.append(one)
            else:
                self._found(Finding(flaw=Flaw.CHECKPOINT_FORGED, sequence=one.sequence, entry_at=one.created_at))
        self._checkpoints += await comparing.compare(genuine)


class _Comparing:
    """Where the chain leaves what was signed: behind the last number that agrees, before the first that does not."""

    def __init__(self, first: int, dropped: tuple[int, datetime] | None, reader: SealReader) -> None:
        self._first = first
        self._dropped = dropped
        self._reader = reader
        self._too_young: int | None = None
        self._good: list[int] = []
        self._bad: int | None = None
        self._cut: int | None = None

    async def compare(self, checkpoints: Sequence[Checkpoint]) -> int:
        """Compare; how many there were of the part that is looked at."""
        for one in checkpoints:
            if self._is_too_young(one):
                self._too_young = min(one.sequence, self._too_young or one.sequence)
        ours = [one for one in checkpoints if one.sequence >= self._first]
        known = await self._reader.hashes([one.sequence for one in ours])
        for one in ours:
            if known.get(one.sequence) == one.hash:
                self._good.append(one.sequence)
            elif one.sequence in known:
                self._bad = one.sequence if self._bad is None else min(self._bad, one.sequence)
            else:
                self._cut = max(self._cut or 0, one.sequence)
        if self._bad is not None:
            self._good = [good for good in self._good if good < self._bad]
        self._good = [max(self._good)] if self._good else []
        return len(ours)

    def _is_too_young(self, checkpoint: Checkpoint) -> bool:
        """Whether it vouches for entries that cannot have been kept long enough: their seals are to be here.

        Entries are sealed within a minute where a worker runs; with thirty days nobody who was away is suspected.
        """
        if self._dropped is None:
            return False
        upto, before = self._dropped
        return checkpoint.sequence <= upto and checkpoint.created_at >= before + SHORTEST_RETENTION

    async def findings(self) -> list[Finding]:
        """What that comes to, with the first entry that nobody vouches for."""
        found: list[Finding] = []
        if self._too_young is not None and self._dropped is not None:
            found.append(Finding(flaw=Flaw.SEAL_MISSING, sequence=self._too_young, upto=self._dropped[0]))
        if self._bad is not None:
            start = max((good for good in self._good if good < self._bad), default=self._first - 1)
            seals = await self._reader.seals(after=start, limit=1)
            found.append(
                Finding(
                    flaw=Flaw.REWRITTEN,
                    sequence=start + 1,
                    upto=self._bad,
                    entry_id=seals[0].entry_id if seals else None,
                    entry_at=seals[0].entry_at if seals else None,
                )
            )
        last = await self._reader.last()
        end = last.sequence if last is not None else self._first - 1
        if self._cut is not None and self._cut > end:
            found.append(Finding(flaw=Flaw.TAIL_CUT, sequence=end + 1, upto=self._cut))
        return found


def _about(flaw: Flaw, sealed: Seal | Unsealed) -> Finding:
    sequence = sealed.sequence if isinstance(sealed, Seal) else None
    return Finding(flaw=flaw, sequence=sequence, entry_id=EntryId(sealed.entry_id), entry_at=sealed.entry_at)


def _forged(retention: Retention) -> Finding:
    return Finding(flaw=Flaw.RETENTION_FORGED, sequence=retention.sequence, entry_at=retention.before)


def _people(row: Recorded) -> frozenset[UUID]:
    return frozenset(one for one in (row.actor_id, row.on_behalf_of, row.resource_id) if one is not None)
