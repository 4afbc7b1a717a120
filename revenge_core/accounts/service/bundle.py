"""What an export holds, and how it is written: JSON files in a ZIP archive, piece by piece.

Each record names the fields that go in. What is not named stays out, so a field that somebody adds to an entity is not
given away by that: digests, secrets and other people's ids and addresses are left out.
"""

import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from revenge_core.accounts.entities import Invitation, Person
from revenge_core.accounts.ports import PersonalData
from revenge_core.activity.entities import Entry
from revenge_core.activity.service import Activity
from revenge_core.apikeys.entities import ApiKey
from revenge_core.entity import Entity
from revenge_core.rbac.entities import Belonging, RoleGrant
from revenge_core.sessions.entities import Device, Session
from revenge_core.storage.errors import StoredFileNotFound
from revenge_core.storage.ports import FileStorage
from revenge_core.users.entities import Preferences, User

FIELDS: Final[Mapping[type[Entity], tuple[str, ...]]] = {
    User: (
        "id",
        "username",
        "email",
        "pending_email",
        "email_verified",
        "display_name",
        "locale",
        "timezone",
        "qar_enabled",
        "is_active",
        "created_at",
        "updated_at",
        "last_login_at",
    ),
    RoleGrant: ("role", "source", "granted_at"),
    Belonging: ("group_name", "source", "since"),
    Preferences: tuple(name for name in Preferences.__struct_fields__ if name not in {"user_id", "version"}),
    Session: (
        "id",
        "device_id",
        "client_type",
        "device_name",
        "user_agent",
        "address",
        "methods",
        "authenticated_at",
        "created_at",
        "last_activity_at",
        "idle_expires_at",
        "expires_at",
        "ended_at",
        "end_reason",
    ),
    Device: ("id", "client_type", "name", "platform", "last_address", "created_at", "last_seen_at"),
    Entry: (
        "id",
        "created_at",
        "session_id",
        "key_id",
        "action",
        "outcome",
        "reason",
        "resource_type",
        "resource_id",
        "resource_key",
        "changes",
        "address",
        "user_agent",
        "request_id",
    ),
    ApiKey: tuple(name for name in ApiKey.__struct_fields__ if name not in {"user_id", "version"}),
    Invitation: ("id", "role", "libraries", "uses", "used", "note", "created_at", "expires_at", "revoked_at"),
}
"""What is told of each record, in this order."""
_README: Final = """\
All that this server keeps about your account, as JSON; times are in UTC.

account.json      your account, its roles and groups, and your preferences
sessions.json     where you are and were signed in, as far as that is still kept
devices.json      what you signed in from
api_keys.json     your API keys, without the keys themselves
activity.json     what you did, the latest first; of other people's accounts their data is left out
invitations.json  whom you let in; the addresses you wrote to are left out, since they are other people's
picture           your picture, if you have one
"""


class Sources(Entity, kw_only=True):
    """Where it all comes from."""

    data: PersonalData
    activity: Activity
    storage: FileStorage


async def bundle(person: Person, sources: Sources, made_at: datetime) -> AsyncGenerator[bytes]:
    """The archive. Nothing is read before it is its turn, and no list is ever in memory as a whole.

    Raises (while reading):
        StorageUnavailable: the picture cannot be read.
    """
    user_id, out = person.user.id, _Pieces()
    lists: tuple[tuple[str, AsyncIterator[Entity]], ...] = (
        ("sessions.json", sources.data.sessions(user_id)),
        ("devices.json", sources.data.devices(user_id)),
        ("activity.json", sources.activity.deeds_of(user_id)),
        ("api_keys.json", sources.data.api_keys(user_id)),
        ("invitations.json", sources.data.invitations(user_id)),
    )
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry("README.txt", made_at), _README)
        archive.writestr(_entry("account.json", made_at), _account(person))
        for name, records in lists:
            with archive.open(_entry(name, made_at), "w", force_zip64=True) as file:
                before = b"[\n"
                async for record in records:
                    file.write(before + _json(record))
                    before = b",\n"
                    if out.is_long:
                        yield out.taken()
                file.write(b"\n]\n" if before != b"[\n" else b"[]\n")
        if person.avatar is not None:
            try:
                async with sources.storage.read(person.avatar.key) as (_, content):
                    ending = person.avatar.key.rpartition(".")[2]
                    with archive.open(_entry(f"picture.{ending}", made_at, zipfile.ZIP_STORED), "w") as file:
                        async for piece in content:
                            file.write(piece)
                            yield out.taken()
            except StoredFileNotFound:
                pass  # replaced or removed while this went on
    yield out.taken()


def _account(person: Person) -> bytes:
    whole = {
        "account": _picked(person.user),
        "roles": [_picked(grant) for grant in person.roles],
        "groups": [_picked(belonging) for belonging in person.groups],
        "preferences": _picked(person.preferences),
    }
    return msgspec.json.format(msgspec.json.encode(whole)) + b"\n"


def _json(record: Entity) -> bytes:
    return msgspec.json.encode(_picked(record))


def _picked(record: Entity) -> dict[str, Any]:
    return {name: getattr(record, name) for name in FIELDS[type(record)]}


def _entry(name: str, made_at: datetime, method: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, made_at.timetuple()[:6])
    entry.compress_type = method
    entry.external_attr = 0o600 << 16  # whoever unpacks it shows it to nobody else
    return entry


class _Pieces:
    """What the archive writes to: no file, so it never goes back to what it wrote before."""

    LONG: Final = 64 * 1024

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        """As of a file."""
        self._written += data
        return len(data)

    def flush(self) -> None:
        """As of a file."""

    def close(self) -> None:
        """As of a file."""

    @property
    def is_long(self) -> bool:
        """Whether enough was written to pass it on."""
        return len(self._written) >= self.LONG

    def taken(self) -> bytes:
        """What was written since the last time."""
        piece = bytes(self._written)
        self._written.clear()
        return piece
