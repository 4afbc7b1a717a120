"""Entries of the audit log that this version of the program does not know all words of.

A server of the next version writes actions that this one never heard of, and whoever has the application's role may
write any. One such row must not keep anybody from reading the others.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import asdict

from revenge_core.activity.entities import Action, Entry, FieldChange, NamedEntry, Outcome
from revenge_core.actor import ActorKind
from revenge_core.entity import Entity
from revenge_core.ids import EntryId, KeyId, SessionId, UserId

Word = TypeVar("Word", bound=StrEnum)


class RawEntry(Entity, kw_only=True):
    """An entry as its row says it."""

    id: EntryId
    created_at: datetime
    actor_kind: str
    actor_id: UserId | None
    session_id: SessionId | None
    key_id: KeyId | None
    on_behalf_of: UserId | None
    action: str
    outcome: str
    reason: str | None
    resource_type: str | None
    resource_id: UUID | None
    resource_key: str | None
    changes: Any
    address: str | None
    user_agent: str | None
    request_id: str | None
    salt: bytes


class RawNamedEntry(Entity, kw_only=True):
    """The same, with the name of whoever acted."""

    entry: RawEntry
    username: str | None


def understood(raw: RawNamedEntry) -> NamedEntry:
    """The entry as far as this version knows its words; the others stay as they are."""
    entry = raw.entry
    words: dict[str, Any] = {
        "actor_kind": word(ActorKind, entry.actor_kind),
        "action": word(Action, entry.action),
        "outcome": word(Outcome, entry.outcome),
        "changes": _changes(entry.changes),
    }
    return NamedEntry(entry=Entry(**(asdict(entry) | words)), username=raw.username)


def word(kind: type[Word], text: str) -> Word:
    """The member with that value; for one that nobody knows a member that is like no other, and says what it says."""
    try:
        return kind(text)
    except ValueError:
        unknown = str.__new__(kind, text)
        unknown._name_, unknown._value_ = "UNKNOWN", text
        return unknown


def _changes(found: object) -> dict[str, FieldChange]:
    try:
        return msgspec.convert(found, dict[str, FieldChange])
    except msgspec.ValidationError:
        return {"unreadable": FieldChange(after=True)}  # what is in it, nobody knows: addresses perhaps
