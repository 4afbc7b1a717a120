"""Reading the audit log: lists, figures, and what leaves the house (decisions A6, W6)."""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec.structs import asdict, replace

from revenge_core.activity.entities import (
    Action,
    ActionCount,
    Edge,
    Entry,
    EntryFilter,
    EntryPage,
    ExportForm,
    FieldChange,
    LogSummary,
    NamedEntry,
    Outcome,
    Resource,
)
from revenge_core.activity.policy import without_addresses
from revenge_core.activity.ports import ActivityReader, ActivityTx, CheckpointSigner
from revenge_core.activity.service.activity import Activity
from revenge_core.activity.service.cursors import cursor_after, edge_of
from revenge_core.activity.service.exporting import AuditExport
from revenge_core.actor import Actor
from revenge_core.clock import Clock
from revenge_core.errors import FieldProblem, Invalid
from revenge_core.paging import MAX_LIMIT
from revenge_core.permissions import Permission
from revenge_core.uow import UnitOfWork

EVERYTHING: Final = EntryFilter()
EXACT_UP_TO: Final = 10_000
"""Entries are counted so far; beyond it a list costs the same however long it is."""
DEEPEST: Final = EXACT_UP_TO
"""No page begins further in by `offset`, which reads all that it skips: a cursor goes on from there."""
MANIFEST_V1: Final = b"revenge audit export v1\n"
RECENTLY: Final = timedelta(days=7)
RECENT: Final = 100_000
"""What was done lately is counted among so many entries at most."""
MOST_ACTIONS: Final = 50
SETTLED: Final = timedelta(seconds=30)
"""An entry has the time of its event and is seen once its transaction commits, which takes no longer than this.

Exports end so long before the present. What is older is there and stays as it is, so that pages which are read one
after the other are of one state, and whoever goes on `after` the last entry misses none.
"""


class AuditReading:
    """The audit log, for whoever may read what others did."""

    def __init__(
        self,
        uow: UnitOfWork[ActivityTx],
        reader: ActivityReader,
        signer: CheckpointSigner,
        activity: Activity,
        clock: Clock,
    ) -> None:
        self._uow = uow
        self._reader = reader
        self._signer = signer
        self._activity = activity
        self._clock = clock

    async def find(
        self,
        actor: Actor,
        wanted: EntryFilter = EVERYTHING,
        *,
        limit: int = 50,
        offset: int = 0,
        cursor: str | None = None,
    ) -> EntryPage:
        """Entries that fit, newest first: from the first but `offset` on, or from where a page before ended.

        Addresses in the changes are shown to who may see accounts (`users:get`), and to nobody else (ASVS 8.2.3).

        Raises:
            Unauthenticated, Forbidden: the actor lacks `audit:read`.
            Invalid: times, `limit` (1 to 200) or `offset` (0 to 10,000) are out of range, or there is a cursor as well.
            CursorInvalid: `cursor` is not an answer of a list of the log.
        """
        actor.require(Permission.AUDIT_READ)
        _check(wanted, limit=limit, offset=offset, cursor=cursor)
        before = edge_of(cursor) if cursor is not None else None
        found = await self._reader.newest(wanted, limit=limit + 1, before=before, skip=offset)
        page = _seen_by(actor, found[:limit])
        return EntryPage(
            entries=page,
            total=await self._reader.count(wanted, exact_up_to=EXACT_UP_TO),
            next_cursor=cursor_after(page[-1]) if len(found) > limit else None,
        )

    async def since(
        self, actor: Actor, wanted: EntryFilter, *, after: Edge | None, limit: int = MAX_LIMIT
    ) -> tuple[NamedEntry, ...]:
        """Up to `limit` entries that fit, oldest first, after that edge. For whoever watches the log grow.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `audit:read`.
            Invalid: times or `limit` are out of range.
        """
        actor.require(Permission.AUDIT_READ)
        _check(wanted, limit=limit)
        return _seen_by(actor, await self._reader.oldest(wanted, limit=limit, after=after))

    async def summary(self, actor: Actor) -> LogSummary:
        """The log in a few figures.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `audit:read`.
        """
        actor.require(Permission.AUDIT_READ)
        newest = await self._reader.newest(EVERYTHING, limit=1)
        return LogSummary(
            total=await self._reader.count(EVERYTHING, exact_up_to=EXACT_UP_TO),
            failed=await self._reader.count(EntryFilter(outcome=Outcome.FAILURE), exact_up_to=EXACT_UP_TO),
            oldest=await self._reader.oldest_time(),
            newest=newest[0].entry.created_at if newest else None,
        )

    async def recent_actions(self, actor: Actor, *, limit: int = 20) -> tuple[ActionCount, ...]:
        """What was done in the last seven days, the most frequent first; counted among the newest 100,000 entries.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `audit:read`.
            Invalid: `limit` is not from 1 to 50.
        """
        actor.require(Permission.AUDIT_READ)
        if not 1 <= limit <= MOST_ACTIONS:
            raise Invalid(problems=[FieldProblem(pointer="/limit", detail=f"must be from 1 to {MOST_ACTIONS}")])
        since = self._clock.now() - RECENTLY
        return await self._reader.actions(since=since, limit=limit, among=RECENT)

    async def export(
        self, actor: Actor, form: ExportForm, wanted: EntryFilter = EVERYTHING, *, after: str | None = None
    ) -> AuditExport:
        """All entries that fit, oldest first, to be read once; `after` goes on where an export before ended.

        The export is audited before anything of it can be read. It ends half a minute before the present (`SETTLED`).

        Raises:
            Unauthenticated, Forbidden: the actor lacks `audit:export`.
            Invalid: times are out of range.
            CursorInvalid: `after` is not the cursor of an entry.
        """
        actor.require(Permission.AUDIT_EXPORT)
        _check(wanted)
        edge = edge_of(after, pointer="/after") if after is not None else None
        settled = self._clock.now() - SETTLED
        until = settled if wanted.until is None else min(wanted.until, settled)
        async with self._uow.begin() as tx:
            await self._activity.write(
                tx,
                actor,
                Action.AUDIT_EXPORT,
                resource=Resource(type="activity", key=form.value),
                changes=_asked(wanted, after),
            )
        bounded = replace(wanted, until=until)
        return AuditExport(self._reader, form, bounded, edge, hides_addresses=not actor.may(Permission.USERS_GET))

    def manifest(self, exported: AuditExport) -> Mapping[str, object]:
        """What is in an export that was read to its end, to be kept beside the file.

        `signature` is over `MANIFEST_V1` and the manifest without it, as JSON with its names in alphabetical order and
        without spaces. The key is the one of checkpoints: whoever knows that one knows whether the file is ours.
        """
        manifest: dict[str, object] = {
            "format": exported.form.value,
            "filter": {name: change.after for name, change in _asked(exported.wanted, None).items()},
            "count": exported.count,
            "first": _place(exported.first),
            "last": _place(exported.last),
            "size": exported.size,
            "sha256": exported.digest,
        }
        text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
        signature = self._signer.sign(MANIFEST_V1 + text.encode())
        return manifest | {
            "signature": {
                "key_id": signature.key_id,
                "public_key": b64encode(signature.public_key).decode(),
                "signature": b64encode(signature.signature).decode(),
            }
        }


def _place(entry: Entry | None) -> Mapping[str, str] | None:
    return None if entry is None else {"id": str(entry.id), "created_at": entry.created_at.isoformat()}


def _check(wanted: EntryFilter, *, limit: int = 1, offset: int = 0, cursor: str | None = None) -> None:
    """Look at all of it.

    Raises:
        Invalid: something is wrong; `problems` names each.
    """
    problems = [
        FieldProblem(pointer=pointer, detail="is out of range")
        for pointer, moment in (("/start_time", wanted.since), ("/end_time", wanted.until))
        if moment is not None and not _is_in_range(moment)
    ]
    if wanted.since is not None and wanted.until is not None and wanted.until < wanted.since:
        problems.append(FieldProblem(pointer="/end_time", detail="must not be before start_time"))
    if not 1 <= limit <= MAX_LIMIT:
        problems.append(FieldProblem(pointer="/limit", detail=f"must be from 1 to {MAX_LIMIT}"))
    if not 0 <= offset <= DEEPEST:
        problems.append(FieldProblem(pointer="/offset", detail=f"must be from 0 to {DEEPEST}; cursors go further"))
    if offset and cursor is not None:
        problems.append(FieldProblem(pointer="/cursor", detail="says where the page begins; leave offset out"))
    if problems:
        raise Invalid(problems=problems)


def _is_in_range(moment: datetime) -> bool:
    """Near the first and the last year another zone's times are none in UTC."""
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


def _seen_by(actor: Actor, found: tuple[NamedEntry, ...]) -> tuple[NamedEntry, ...]:
    return found if actor.may(Permission.USERS_GET) else tuple(map(without_addresses, found))


def _asked(wanted: EntryFilter, after: str | None) -> Mapping[str, FieldChange]:
    """What an export was asked for."""
    given = {name: value for name, value in (asdict(wanted) | {"after": after}).items() if value is not None}
    return {name: FieldChange(after=_told(value)) for name, value in given.items()}


def _told(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
