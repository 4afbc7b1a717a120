"""Rules for who sees what of the audit log, and for what proves that it is whole."""

import hashlib
import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from revenge_core.activity.entities import (
    Action,
    Checkpoint,
    Digests,
    Entry,
    FieldChange,
    Flaw,
    NamedEntry,
    Recorded,
    Retention,
    Seal,
    Signature,
)
from revenge_core.ids import UserId

_NOT_ONES_OWN = frozenset({"activity", "group", "invitation", "limit", "user"})
"""Resources whose names and changes tell of people: of a person's own account alone they are that person's."""


def without_others(entry: Entry, user_id: UserId) -> Entry:
    """What the user did, without what it tells of others: an administrator who is none any more keeps no addresses."""
    is_for_others = entry.on_behalf_of not in {None, user_id}
    if is_for_others or (entry.resource_type in _NOT_ONES_OWN and entry.resource_id != user_id):
        return replace(entry, resource_key=None, changes={})
    return entry


_ADDRESSES: Final = frozenset({"email", "pending_email"})
"""Fields whose values are addresses of people."""
HIDDEN: Final = "(hidden)"


def without_addresses(named: NamedEntry) -> NamedEntry:
    """What somebody sees who may read the log and no accounts: that an address changed, not from which to which."""
    entry = named.entry
    if _ADDRESSES.isdisjoint(entry.changes):
        return named
    changes = {name: _hidden(one) if name in _ADDRESSES else one for name, one in entry.changes.items()}
    return replace(named, entry=replace(entry, changes=changes))


def _hidden(change: FieldChange) -> FieldChange:
    return FieldChange(before=None if change.before is None else HIDDEN, after=None if change.after is None else HIDDEN)


# The chain (rulings R28). PostgreSQL works the same out in `revenge.activity_digests` and `revenge.seal_activity`.

BEFORE_ALL: Final = bytes(32)
"""What the first seal follows from."""
SHORTEST_RETENTION: Final = timedelta(days=30)
"""Nobody drops younger entries, whatever the settings say: the database refuses."""
OF_THE_ERASED: Final = frozenset({Action.ACTIVITY_ERASE, Action.USER_PURGE})
"""What says that an account was erased, and so stays when what tells of it goes. Neither tells of a person."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def recorded(entry: Entry) -> Recorded:
    """The entry as its row says it."""
    return Recorded(
        id=entry.id,
        created_at=entry.created_at,
        actor_kind=entry.actor_kind.value,
        actor_id=entry.actor_id,
        session_id=entry.session_id,
        key_id=entry.key_id,
        on_behalf_of=entry.on_behalf_of,
        action=entry.action.value,
        outcome=entry.outcome.value,
        reason=entry.reason,
        resource_type=entry.resource_type,
        resource_id=entry.resource_id,
        resource_key=entry.resource_key,
        changes=changes_text(entry.changes),
        address=entry.address,
        user_agent=entry.user_agent,
        request_id=entry.request_id,
        salt=entry.salt,
    )


def changes_text(changes: Mapping[str, FieldChange]) -> str:
    """The changes as PostgreSQL writes `jsonb`: names by their length in bytes, then by their bytes."""
    names = sorted(changes, key=lambda name: (len(name.encode()), name.encode()))
    fields = {name: {"after": changes[name].after, "before": changes[name].before} for name in names}
    return json.dumps(fields, ensure_ascii=False)


def digests_of(row: Recorded) -> Digests:
    """What stands for the row in the chain, its personal part being there."""
    personal = personal_digest(row)
    return Digests(content=content_digest(row, personal), personal=personal)


def personal_digest(row: Recorded) -> bytes:
    """The digest of all that tells of a person and can be erased. Without the salt nobody can guess at it."""
    parts = (row.resource_key, row.changes, row.address, row.user_agent, row.request_id)
    return _digest(b"revenge audit personal v1", _framed(row.salt), *map(_framed, parts))


def content_digest(row: Recorded, personal: bytes) -> bytes:
    """The digest of all that lasts, and of `personal`. Each part says its length, so that none runs into the next."""
    lasting = (
        row.actor_kind,
        row.actor_id,
        row.session_id,
        row.key_id,
        row.on_behalf_of,
        row.action,
        row.outcome,
        row.reason,
        row.resource_type,
        row.resource_id,
    )
    return _digest(b"revenge audit entry v1", row.id.bytes, _time(row.created_at), *map(_framed, lasting), personal)


def seal_hash(previous: bytes, sequence: int, entry_at: datetime, content: bytes) -> bytes:
    """What the chain comes to with this link.

    The time is in `content`, too, but that tells nobody once the entry is gone: and whether it may be gone, the time
    decides.
    """
    return _digest(previous, _number(sequence), _time(entry_at), content)


def is_blank(row: Recorded) -> bool:
    """Whether nothing in it tells of a person any more."""
    parts = (row.resource_key, row.address, row.user_agent, row.request_id)
    return not row.salt and row.changes == "{}" and all(part is None for part in parts)


def flaw_of(row: Recorded, sealed: Digests) -> Flaw | None:
    """What is wrong with the row, by the digests of when it was written.

    `ENTRY_ERASED` where its personal part is gone: whether it was to go, others know.
    """
    if content_digest(row, sealed.personal) != sealed.content:
        return Flaw.ENTRY_CHANGED
    if personal_digest(row) == sealed.personal:
        return None
    return Flaw.ENTRY_ERASED if is_blank(row) else Flaw.ENTRY_CHANGED


def link_flaw(seal: Seal, previous: bytes, row: Recorded | None) -> Flaw | None:
    """What is wrong with a seal that does not follow from the one before; None if it does."""
    if seal_hash(previous, seal.sequence, seal.entry_at, seal.content) == seal.hash:
        return None
    sealed = Digests(content=seal.content, personal=seal.personal)
    fits = row is not None and flaw_of(row, sealed) is not Flaw.ENTRY_CHANGED
    return Flaw.SEAL_MOVED if fits else Flaw.SEAL_CHANGED


def checkpoint_message(sequence: int, reached: bytes, created_at: datetime) -> bytes:
    """What is signed of a checkpoint."""
    return b"revenge audit checkpoint v1" + _number(sequence) + _framed(reached) + _time(created_at)


def message_of(checkpoint: Checkpoint) -> bytes:
    """What was signed of it."""
    return checkpoint_message(checkpoint.sequence, checkpoint.hash, checkpoint.created_at)


def retention_message(retention: Retention) -> bytes:
    """What is signed where entries were dropped: nobody else can say that the chain begins there."""
    return b"".join(
        (
            b"revenge audit retention v1",
            _number(retention.number),
            _time(retention.dropped_at),
            _time(retention.before),
            _framed(retention.what),
            _number(retention.entries),
            _number(retention.sequence),
            _framed(retention.hash),
        )
    )


LONGEST_LINE: Final = 4096
"""Bytes of a line that can be a checkpoint; a longer one is none."""


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint as it lies elsewhere, on one line of JSON. The hash is hexadecimal, other bytes are base64."""

    version: int = 1
    sequence: int
    hash: str
    created_at: datetime
    key_id: str
    public_key: str
    signature: str


def line_of(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as a line of JSON, which `checkpoint_of` reads."""
    line = _Line(
        sequence=checkpoint.sequence,
        hash=checkpoint.hash.hex(),
        created_at=checkpoint.created_at,
        key_id=checkpoint.signed.key_id,
        public_key=b64encode(checkpoint.signed.public_key).decode(),
        signature=b64encode(checkpoint.signed.signature).decode(),
    )
    return msgspec.json.encode(line) + b"\n"


def checkpoint_of(line: bytes) -> Checkpoint | None:
    """The checkpoint that the line is; None for anything else, such as one that was torn half-way."""
    try:
        read = msgspec.json.decode(line[:LONGEST_LINE], type=_Line)
        if read.version != 1 or read.created_at.tzinfo is None or not 0 < read.sequence < 2**63:
            return None
        return Checkpoint(
            sequence=read.sequence,
            hash=bytes.fromhex(read.hash),
            created_at=read.created_at,
            signed=Signature(
                key_id=read.key_id,
                public_key=b64decode(read.public_key, validate=True),
                signature=b64decode(read.signature, validate=True),
            ),
        )
    except (msgspec.DecodeError, NotBase64, ValueError):
        return None


def month_of(moment: datetime) -> datetime:
    """When its month began, in UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _framed(part: str | UUID | bytes | None) -> bytes:
    """The part behind its length in four bytes; a length that nothing has where there is none."""
    if part is None:
        return b"\xff\xff\xff\xff"
    if isinstance(part, str):
        part = part.encode()
    raw = part.bytes if isinstance(part, UUID) else part
    return len(raw).to_bytes(4) + raw


def _number(number: int) -> bytes:
    return number.to_bytes(8, signed=True)


def _time(moment: datetime) -> bytes:
    """Microseconds since 1970."""
    return _number((moment - _EPOCH) // timedelta(microseconds=1))
