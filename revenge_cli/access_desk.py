"""The desk where access is administered: of this machine's Revenge, or of one behind a URL (rulings R35)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from revenge_cli.access_records import (
    GroupRecord,
    HolderRecord,
    KeyRecord,
    KeyUses,
    MemberRecord,
    Rights,
    RoleRecord,
    Verdict,
)
from revenge_core.apikeys.entities import NewKey
from revenge_core.rbac.entities import GroupChanges, NewGroup, NewRole, RoleChanges


class AccessDesk(Protocol):
    """What administrators do about access. Every method raises what the use case behind it raises."""

    async def roles(self) -> Sequence[RoleRecord]:
        """Every role, by name."""
        ...

    async def role(self, name: str) -> RoleRecord:
        """One role."""
        ...

    async def create_role(self, new: NewRole) -> RoleRecord:
        """Make a role."""
        ...

    async def change_role(self, name: str, changes: RoleChanges) -> RoleRecord:
        """Change what a role is for, and from which it inherits."""
        ...

    async def delete_role(self, name: str) -> None:
        """Delete a role."""
        ...

    async def allow(self, role: str, pattern: str) -> None:
        """Give a role one more permission."""
        ...

    async def disallow(self, role: str, pattern: str) -> None:
        """Take a permission from a role."""
        ...

    async def permissions(self) -> Sequence[str]:
        """Every permission that there is."""
        ...

    async def holders(self, role: str, *, limit: int, offset: int) -> tuple[Sequence[HolderRecord], int]:
        """Who holds a role, by user name, and how many do in all."""
        ...

    async def assign(self, user_id: UUID, role: str) -> None:
        """Give somebody a role."""
        ...

    async def withdraw(self, user_id: UUID, role: str) -> None:
        """Take a role from somebody."""
        ...

    async def groups(self, *, limit: int, offset: int) -> tuple[Sequence[GroupRecord], int]:
        """Groups, by name, and how many there are in all."""
        ...

    async def group(self, group_id: UUID) -> GroupRecord:
        """One group."""
        ...

    async def create_group(self, new: NewGroup) -> GroupRecord:
        """Make a group."""
        ...

    async def change_group(self, group_id: UUID, changes: GroupChanges) -> GroupRecord:
        """Change a group."""
        ...

    async def delete_group(self, group_id: UUID) -> None:
        """Delete a group."""
        ...

    async def members(self, group_id: UUID, *, limit: int, offset: int) -> tuple[Sequence[MemberRecord], int]:
        """Who is in a group, by user name, and how many are in all."""
        ...

    async def add_member(self, group_id: UUID, user_id: UUID) -> None:
        """Put somebody into a group."""
        ...

    async def remove_member(self, group_id: UUID, user_id: UUID) -> None:
        """Take somebody out of a group."""
        ...

    async def my_keys(self) -> Sequence[KeyRecord]:
        """One's own keys that are good for something, the newest first. This machine's shell has none."""
        ...

    async def make_key(self, new: NewKey) -> KeyRecord:
        """Make a key of one's own."""
        ...

    async def rotate_key(self, key_id: UUID, overlap: timedelta | None) -> KeyRecord:
        """Get another key in the place of one's own."""
        ...

    async def uses_of(self, key_id: UUID) -> KeyUses:
        """What a recording key of one's own was seen to need."""
        ...

    async def keys_of(self, user_id: UUID) -> Sequence[KeyRecord]:
        """Somebody's keys that are good for something, the newest first."""
        ...

    async def revoke_key(self, key_id: UUID) -> None:
        """End a key for good, whoever it belongs to."""
        ...

    async def explain(self, user: str, permission: str, *, library: UUID | None, key_id: UUID | None) -> Verdict:
        """Whether somebody, or a key of theirs, may do something, and why."""
        ...

    async def rights_of(self, user_id: UUID) -> Rights:
        """What somebody may do."""
        ...
