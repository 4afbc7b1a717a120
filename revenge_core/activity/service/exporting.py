"""Exports of the audit log: NDJSON, which says everything, and CSV for spreadsheets (decisions A6)."""

import csv
import hashlib
import io
import unicodedata
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from revenge_core.activity.entities import Edge, Entry, EntryFilter, ExportForm, NamedEntry
from revenge_core.activity.policy import without_addresses
from revenge_core.activity.ports import ActivityReader
from revenge_core.activity.service.cursors import cursor_after, edge_after

AT_A_TIME: Final = 1000
"""Entries in memory at once. No connection is held while whoever reads them is slow."""
COLUMNS: Final = (
    "id",
    "created_at",
    "user_id",
    "username",
    "action",
    "success",
    "error_message",
    "resource_type",
    "resource_id",
    "resource_key",
    "changes",
    "ip_address",
    "user_agent",
    "actor_kind",
    "session_id",
    "key_id",
    "on_behalf_of",
    "request_id",
    "cursor",
)
"""Of a CSV file, and the names in each object of NDJSON. They stay as they are; new ones are added at the end."""
FORMULAS: Final = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 (the full-width ones count, too: OWASP, CSV injection)
"""What a spreadsheet takes a cell for a formula by, if it begins with it."""
_OBEYED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that move a cursor, turn the text around or end the line."""


class AuditExport:
    """An export on its way out: iterating gives its bytes, once. What was exported is known at the end."""

    def __init__(
        self,
        reader: ActivityReader,
        form: ExportForm,
        wanted: EntryFilter,
        after: Edge | None,
        *,
        hides_addresses: bool,
    ) -> None:
        self._reader = reader
        self._after = after
        self._hides_addresses = hides_addresses
        self._digest = hashlib.sha256()
        self.form = form
        self.wanted = wanted
        """With the time up to which entries are in it."""
        self.count = 0
        self.size = 0
        """In bytes."""
        self.first: Entry | None = None
        self.last: Entry | None = None

    @property
    def digest(self) -> str:
        """The SHA-256 of all bytes so far, in hexadecimal digits."""
        return self._digest.hexdigest()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The file, in parts of some hundred kilobytes.

        Raises:
            DatabaseUnavailable: it ends here, and is not whole.
        """
        if self.form is ExportForm.CSV:
            yield self._counted(_csv_lines([COLUMNS]))
        while part := await self._reader.oldest(self.wanted, limit=AT_A_TIME, after=self._after):
            self._after = edge_after(part[-1])
            self.first = self.first or part[0].entry
            self.last = part[-1].entry
            self.count += len(part)
            yield self._counted(self._written(part))
            if len(part) < AT_A_TIME:
                return

    def _written(self, part: tuple[NamedEntry, ...]) -> bytes:
        records = [_record(without_addresses(one) if self._hides_addresses else one) for one in part]
        if self.form is ExportForm.NDJSON:
            return b"".join(msgspec.json.encode(record) + b"\n" for record in records)
        return _csv_lines([[cell_of(record.get(name)) for name in COLUMNS] for record in records])

    def _counted(self, piece: bytes) -> bytes:
        self._digest.update(piece)
        self.size += len(piece)
        return piece


def _record(named: NamedEntry) -> dict[str, object]:
    """What there is to tell, by name. What has no value is left out."""
    entry = named.entry
    told = {
        "id": entry.id,
        "created_at": entry.created_at,
        "user_id": entry.actor_id,
        "username": named.username,
        "action": entry.action,
        "success": entry.outcome.value == "success",
        "error_message": entry.reason,
        "resource_type": entry.resource_type,
        "resource_id": entry.resource_id,
        "resource_key": entry.resource_key,
        "changes": dict(sorted(entry.changes.items())) or None,
        "ip_address": entry.address,
        "user_agent": entry.user_agent,
        "actor_kind": entry.actor_kind,
        "session_id": entry.session_id,
        "key_id": entry.key_id,
        "on_behalf_of": entry.on_behalf_of,
        "request_id": entry.request_id,
        "cursor": cursor_after(named),
    }
    return {name: value for name, value in told.items() if value is not None}


def cell_of(value: object) -> str:
    """A value that stays text in every spreadsheet, on one line, without anything that a terminal would obey."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
    if text[:1] in FORMULAS and text:
        text = f"'{text}"
    return "".join(one if unicodedata.category(one) not in _OBEYED else ascii(one)[1:-1] for one in text)


def _csv_lines(rows: Sequence[Sequence[str]]) -> bytes:
    """RFC 4180, every cell in quotes: then no separator that a spreadsheet guesses at splits one."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()
