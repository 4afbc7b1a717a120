"""Access, administered on this machine: every act is the host's (rulings R24)."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from revenge_cli.access_desk import AccessDesk
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
from revenge_core.actor import Actor
from revenge_core.apikeys.entities import NewKey
from revenge_core.errors import Forbidden
from revenge_core.ids import GroupId, KeyId, UserId
from revenge_core.rbac.entities import GroupChanges, NewGroup, NewRole, RoleChanges
from revenge_core.revenge import Revenge


class AccessHere(AccessDesk):
    """Use cases, called by the host."""

    def __init__(self, revenge: Revenge) -> None:
        self._revenge = revenge
        self._host = Actor.host()

    async def roles(self) -> Sequence[RoleRecord]:
        """As `Rbac.list`."""
        return [RoleRecord.of(one) for one in await self._revenge.rbac.list(self._host)]

    async def role(self, name: str) -> RoleRecord:
        """As `Rbac.get`."""
        return RoleRecord.of(await self._revenge.rbac.get(self._host, name))

    async def create_role(self, new: NewRole) -> RoleRecord:
        """As `Roles.create`."""
        return RoleRecord.of(await self._revenge.roles.create(self._host, new))

    async def change_role(self, name: str, changes: RoleChanges) -> RoleRecord:
        """As `Roles.change`."""
        return RoleRecord.of(await self._revenge.roles.change(self._host, name, changes))

    async def delete_role(self, name: str) -> None:
        """As `Roles.delete`."""
        await self._revenge.roles.delete(self._host, name)

    async def allow(self, role: str, pattern: str) -> None:
        """As `Roles.add_policy`."""
        await self._revenge.roles.add_policy(self._host, role, pattern)

    async def disallow(self, role: str, pattern: str) -> None:
        """As `Roles.remove_policy`."""
        await self._revenge.roles.remove_policy(self._host, role, pattern)

    async def permissions(self) -> Sequence[str]:
        """As `Rbac.permissions`."""
        return [one.value for one in await self._revenge.rbac.permissions(self._host)]

    async def holders(self, role: str, *, limit: int, offset: int) -> tuple[Sequence[HolderRecord], int]:
        """As `Rbac.holders`."""
        page = await self._revenge.rbac.holders(self._host, role, limit=limit, offset=offset)
        return [HolderRecord.of(one) for one in page.holders], page.total

    async def assign(self, user_id: UUID, role: str) -> None:
        """As `Grants.assign`."""
        await self._revenge.grants.assign(self._host, UserId(user_id), role)

    async def withdraw(self, user_id: UUID, role: str) -> None:
        """As `Grants.withdraw`."""
        await self._revenge.grants.withdraw(self._host, UserId(user_id), role)

    async def groups(self, *, limit: int, offset: int) -> tuple[Sequence[GroupRecord], int]:
        """As `Groups.list`."""
        page = await self._revenge.groups.list(self._host, limit=limit, offset=offset)
        return [GroupRecord.of(one) for one in page.groups], page.total

    async def group(self, group_id: UUID) -> GroupRecord:
        """As `Groups.get`."""
        return GroupRecord.of(await self._revenge.groups.get(self._host, GroupId(group_id)))

    async def create_group(self, new: NewGroup) -> GroupRecord:
        """As `Groups.create`."""
        return GroupRecord.of(await self._revenge.groups.create(self._host, new))

    async def change_group(self, group_id: UUID, changes: GroupChanges) -> GroupRecord:
        """As `Groups.change`."""
        return GroupRecord.of(await self._revenge.groups.change(self._host, GroupId(group_id), changes))

    async def delete_group(self, group_id: UUID) -> None:
        """As `Groups.delete`."""
        await self._revenge.groups.delete(self._host, GroupId(group_id))

    async def members(self, group_id: UUID, *, limit: int, offset: int) -> tuple[Sequence[MemberRecord], int]:
        """As `Groups.members`."""
        page = await self._revenge.groups.members(self._host, GroupId(group_id), limit=limit, offset=offset)
        return [MemberRecord.of(one) for one in page.members], page.total

    async def add_member(self, group_id: UUID, user_id: UUID) -> None:
        """As `Groups.add_member`."""
        await self._revenge.groups.add_member(self._host, GroupId(group_id), UserId(user_id))

    async def remove_member(self, group_id: UUID, user_id: UUID) -> None:
        """As `Groups.remove_member`."""
        await self._revenge.groups.remove_member(self._host, GroupId(group_id), UserId(user_id))

    async def my_keys(self) -> Sequence[KeyRecord]:
        """Nobody's.

        Raises:
            Forbidden: always.
        """
        raise _nobody()

    async def make_key(self, new: NewKey) -> KeyRecord:  # noqa: ARG002 (the port's)
        """For nobody.

        Raises:
            Forbidden: always.
        """
        raise _nobody()

    async def rotate_key(self, key_id: UUID, overlap: timedelta | None) -> KeyRecord:  # noqa: ARG002 (the port's)
        """Of nobody.

        Raises:
            Forbidden: always.
        """
        raise _nobody()

    async def uses_of(self, key_id: UUID) -> KeyUses:  # noqa: ARG002 (the port's)
        """Of nobody.

        Raises:
            Forbidden: always.
        """
        raise _nobody()

    async def keys_of(self, user_id: UUID) -> Sequence[KeyRecord]:
        """As `ApiKeys.list`."""
        keys = await self._revenge.api_keys.list(self._host, UserId(user_id))
        return [KeyRecord.of(one, is_active=True) for one in keys]

    async def revoke_key(self, key_id: UUID) -> None:
        """As `ApiKeys.revoke`."""
        await self._revenge.api_keys.revoke(self._host, KeyId(key_id))

    async def explain(self, user: str, permission: str, *, library: UUID | None, key_id: UUID | None) -> Verdict:
        """As `Explaining.explain`, and `KeyExplaining.explain` for a key."""
        if key_id is None:
            return Verdict.of(await self._revenge.explaining.explain(self._host, user, permission))
        found = await self._revenge.key_explaining.explain(self._host, user, permission, KeyId(key_id), library=library)
        return Verdict.of(found)

    async def rights_of(self, user_id: UUID) -> Rights:
        """As `Explaining.effective`."""
        return Rights.of(await self._revenge.explaining.effective(self._host, UserId(user_id)))


def _nobody() -> Forbidden:
    return Forbidden(
        "A key belongs to whoever makes it, and this machine's shell is nobody; do it as yourself, with --url"
    )
