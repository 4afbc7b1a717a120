"""Identifiers, and where new ones come from."""

from typing import NewType, Protocol
from uuid import UUID

UserId = NewType("UserId", UUID)
SessionId = NewType("SessionId", UUID)
DeviceId = NewType("DeviceId", UUID)
EntryId = NewType("EntryId", UUID)
InvitationId = NewType("InvitationId", UUID)
AvatarId = NewType("AvatarId", UUID)
ExportId = NewType("ExportId", UUID)
KeyId = NewType("KeyId", UUID)
GroupId = NewType("GroupId", UUID)


class Ids(Protocol):
    """Makes identifiers that nobody made before, so that no statement has to ask the database for one."""

    def new(self) -> UUID:
        """A UUIDv7 (RFC 9562): identifiers of one process sort in the order in which they were made."""
        ...
