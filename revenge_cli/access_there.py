"""Access, administered on a server behind a URL: the operations of its API."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict

from revenge_cli.access_desk import AccessDesk
from revenge_cli.access_records import (
    GroupRecord,
    HolderRecord,
    KeyRecord,
    KeyUses,
    MemberRecord,
    Pattern,
    Rights,
    RoleRecord,
    Verdict,
    how_held,
    once,
)
from revenge_cli.remote import Remote
from revenge_core.apikeys.entities import NewKey
from revenge_core.entity import Entity
from revenge_core.rbac.entities import GroupChanges, NewGroup, NewRole, RoleChanges

_RBAC: Final = "rbac"


class _Role(Entity, kw_only=True):
    name: str
    description: str
    permissions: tuple[Pattern, ...]
    parents: tuple[str, ...]
    is_built_in: bool
    user_count: int

    @property
    def record(self) -> RoleRecord:
        fields = asdict(self) | {"permissions": [one.text for one in self.permissions]}
        return msgspec.convert(fields, RoleRecord)


class _Roles(Entity, kw_only=True):
    roles: tuple[_Role, ...]


class _Permissions(Entity, kw_only=True):
    permissions: tuple[Pattern, ...]


class _Holding(Entity, kw_only=True):
    role: str
    source: str
    group: str | None = None


class _Holder(Entity, kw_only=True):
    user_id: UUID
    username: str
    holdings: tuple[_Holding, ...]


class _Holders(Entity, kw_only=True):
    users: tuple[_Holder, ...]
    total: int


class _Groups(Entity, kw_only=True):
    groups: tuple[GroupRecord, ...]
    total: int


class _Source(Entity, kw_only=True):
    source: str
    added_at: datetime


class _Member(Entity, kw_only=True):
    user_id: UUID
    username: str
    sources: tuple[_Source, ...]


class _Members(Entity, kw_only=True):
    members: tuple[_Member, ...]
    total: int


class _Keys(Entity, kw_only=True):
    keys: tuple[KeyRecord, ...]


class _Belongs(Entity, kw_only=True):
    name: str


class _Effective(Entity, kw_only=True):
    permissions: tuple[Pattern, ...]
    roles: tuple[_Holding, ...]
    groups: tuple[_Belongs, ...]


class AccessThere(AccessDesk):
    """Requests, made by whoever has the token."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def roles(self) -> Sequence[RoleRecord]:
        """`GET /rbac/roles`."""
        return [one.record for one in self._remote.get(_Roles, _RBAC, "roles").roles]

    async def role(self, name: str) -> RoleRecord:
        """`GET /rbac/roles/{roleName}`."""
        return self._remote.get(_Role, _RBAC, "roles", name).record

    async def create_role(self, new: NewRole) -> RoleRecord:
        """`POST /rbac/roles`."""
        body = asdict(new) | {"permissions": [_halves(pattern) for pattern in new.permissions]}
        return self._remote.send(_Role, "POST", _RBAC, "roles", body=body).record

    async def change_role(self, name: str, changes: RoleChanges) -> RoleRecord:
        """`PATCH /rbac/roles/{roleName}`."""
        return self._remote.send(_Role, "PATCH", _RBAC, "roles", name, body=_said(changes)).record

    async def delete_role(self, name: str) -> None:
        """`DELETE /rbac/roles/{roleName}`."""
        self._remote.do("DELETE", _RBAC, "roles", name)

    async def allow(self, role: str, pattern: str) -> None:
        """`POST /rbac/policies`."""
        self._remote.do("POST", _RBAC, "policies", body=_policy(role, pattern))

    async def disallow(self, role: str, pattern: str) -> None:
        """`DELETE /rbac/policies`."""
        self._remote.do("DELETE", _RBAC, "policies", body=_policy(role, pattern))

    async def permissions(self) -> Sequence[str]:
        """`GET /rbac/permissions`."""
        return [one.text for one in self._remote.get(_Permissions, _RBAC, "permissions").permissions]

    async def holders(self, role: str, *, limit: int, offset: int) -> tuple[Sequence[HolderRecord], int]:
        """`GET /rbac/roles/{roleName}/users`."""
        page = self._remote.get(_Holders, _RBAC, "roles", role, "users", limit=limit, offset=offset)
        found = [
            HolderRecord(
                user_id=one.user_id,
                username=one.username,
                by=tuple(how_held(each.source, each.group) for each in one.holdings),
            )
            for one in page.users
        ]
        return found, page.total

    async def assign(self, user_id: UUID, role: str) -> None:
        """`POST /rbac/users/{userId}/roles`."""
        self._remote.do("POST", _RBAC, "users", str(user_id), "roles", body={"role": role})

    async def withdraw(self, user_id: UUID, role: str) -> None:
        """`DELETE /rbac/users/{userId}/roles/{role}`."""
        self._remote.do("DELETE", _RBAC, "users", str(user_id), "roles", role)

    async def groups(self, *, limit: int, offset: int) -> tuple[Sequence[GroupRecord], int]:
        """`GET /rbac/groups`."""
        page = self._remote.get(_Groups, _RBAC, "groups", limit=limit, offset=offset)
        return page.groups, page.total

    async def group(self, group_id: UUID) -> GroupRecord:
        """`GET /rbac/groups/{groupId}`."""
        return self._remote.get(GroupRecord, _RBAC, "groups", str(group_id))

    async def create_group(self, new: NewGroup) -> GroupRecord:
        """`POST /rbac/groups`."""
        body = asdict(new) | {"roles": sorted(new.roles)}
        return self._remote.send(GroupRecord, "POST", _RBAC, "groups", body=body)

    async def change_group(self, group_id: UUID, changes: GroupChanges) -> GroupRecord:
        """`PATCH /rbac/groups/{groupId}`."""
        return self._remote.send(GroupRecord, "PATCH", _RBAC, "groups", str(group_id), body=_said(changes))

    async def delete_group(self, group_id: UUID) -> None:
        """`DELETE /rbac/groups/{groupId}`."""
        self._remote.do("DELETE", _RBAC, "groups", str(group_id))

    async def members(self, group_id: UUID, *, limit: int, offset: int) -> tuple[Sequence[MemberRecord], int]:
        """`GET /rbac/groups/{groupId}/members`."""
        page = self._remote.get(_Members, _RBAC, "groups", str(group_id), "members", limit=limit, offset=offset)
        found = [
            MemberRecord(user_id=one.user_id, username=one.username, sources=tuple(each.source for each in one.sources))
            for one in page.members
        ]
        return found, page.total

    async def add_member(self, group_id: UUID, user_id: UUID) -> None:
        """`PUT /rbac/groups/{groupId}/members/{userId}`."""
        self._remote.do("PUT", _RBAC, "groups", str(group_id), "members", str(user_id))

    async def remove_member(self, group_id: UUID, user_id: UUID) -> None:
        """`DELETE /rbac/groups/{groupId}/members/{userId}`."""
        self._remote.do("DELETE", _RBAC, "groups", str(group_id), "members", str(user_id))

    async def my_keys(self) -> Sequence[KeyRecord]:
        """`GET /apikeys`."""
        return self._remote.get(_Keys, "apikeys").keys

    async def make_key(self, new: NewKey) -> KeyRecord:
        """`POST /apikeys`."""
        body: dict[str, object] = {
            "name": new.name,
            "description": new.description or "",
            "scopes": sorted(new.scopes),
            "permissions": sorted(new.permissions),
            "libraries": None if new.libraries is None else sorted(new.libraries),
            "allowed_addresses": new.addresses,
            "rate_limit": new.rate_limit,
            "recording": new.recording,
        }
        if new.never_expires or new.expires_at is not None:
            body["expires_at"] = new.expires_at
        return self._remote.send(KeyRecord, "POST", "apikeys", body=body)

    async def rotate_key(self, key_id: UUID, overlap: timedelta | None) -> KeyRecord:
        """`POST /apikeys/{keyId}/rotate`."""
        body = {} if overlap is None else {"overlap_seconds": int(overlap.total_seconds())}
        return self._remote.send(KeyRecord, "POST", "apikeys", str(key_id), "rotate", body=body)

    async def uses_of(self, key_id: UUID) -> KeyUses:
        """`GET /apikeys/{keyId}/uses`."""
        return self._remote.get(KeyUses, "apikeys", str(key_id), "uses")

    async def keys_of(self, user_id: UUID) -> Sequence[KeyRecord]:
        """`GET /admin/users/{userId}/apikeys`."""
        return self._remote.get(_Keys, "admin", "users", str(user_id), "apikeys").keys

    async def revoke_key(self, key_id: UUID) -> None:
        """`DELETE /apikeys/{keyId}`, which takes those of others from whoever may."""
        self._remote.do("DELETE", "apikeys", str(key_id))

    async def explain(self, user: str, permission: str, *, library: UUID | None, key_id: UUID | None) -> Verdict:
        """`GET /rbac/explain`."""
        return self._remote.get(
            Verdict, _RBAC, "explain", user=user, permission=permission, library=library, key=key_id
        )

    async def rights_of(self, user_id: UUID) -> Rights:
        """`GET /rbac/users/{userId}/permissions`."""
        found = self._remote.get(_Effective, _RBAC, "users", str(user_id), "permissions")
        return Rights(
            permissions=tuple(one.text for one in found.permissions),
            roles=tuple(f"{one.role} ({how_held(one.source, one.group)})" for one in found.roles),
            groups=once(one.name for one in found.groups),
        )


def _halves(pattern: str) -> dict[str, str]:
    resource, _, action = pattern.partition(":")
    return {"resource": resource, "action": action}


def _policy(role: str, pattern: str) -> dict[str, str]:
    resource, _, action = pattern.partition(":")
    return {"subject": role, "object": resource, "action": action}


def _said(changes: Entity) -> object:
    """The fields that say something, as JSON has them."""
    said = {name: value for name, value in asdict(changes).items() if value is not UNSET}
    return msgspec.to_builtins(said)
