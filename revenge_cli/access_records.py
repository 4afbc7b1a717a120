"""Roles, groups, keys and verdicts as the shell shows them, wherever the server is. Keys are the API's."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self
from uuid import UUID

from revenge_core.apikeys.entities import ApiKey
from revenge_core.entity import Entity
from revenge_core.rbac import entities


class Pattern(Entity, kw_only=True):
    """A permission as the API writes it: its two halves."""

    resource: str
    action: str

    @property
    def text(self) -> str:
        """As people write it: `movies:list`."""
        return f"{self.resource}:{self.action}"


class RoleRecord(Entity, kw_only=True):
    """A role. `permissions` are its own, as patterns; it has those of its `parents`, too."""

    name: str
    description: str
    permissions: tuple[str, ...]
    parents: tuple[str, ...]
    is_built_in: bool
    user_count: int

    @classmethod
    def of(cls, counted: entities.CountedRole) -> Self:
        """The role of a running Revenge."""
        role = counted.role
        return cls(
            name=role.name,
            description=role.description,
            permissions=tuple(sorted(role.permissions)),
            parents=tuple(sorted(role.parents)),
            is_built_in=role.built_in,
            user_count=counted.user_count,
        )


class HolderRecord(Entity, kw_only=True):
    """Somebody who holds a role, and what they have it from: `manual`, `group family`."""

    user_id: UUID
    username: str
    by: tuple[str, ...]

    @classmethod
    def of(cls, holder: entities.Holder) -> Self:
        """One of a running Revenge."""
        by = tuple(how_held(one.source.value, one.group_name) for one in holder.holdings)
        return cls(user_id=holder.user_id, username=holder.username, by=by)


class GroupRecord(Entity, kw_only=True):
    """A group, and the roles that it carries."""

    id: UUID
    name: str
    description: str
    roles: tuple[str, ...]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, group: entities.Group) -> Self:
        """The group of a running Revenge."""
        return cls(
            id=group.id,
            name=group.name,
            description=group.description,
            roles=tuple(sorted(group.roles)),
            created_at=group.created_at,
            updated_at=group.updated_at,
        )


class MemberRecord(Entity, kw_only=True):
    """Somebody in a group, and who put them there."""

    user_id: UUID
    username: str
    sources: tuple[str, ...]

    @classmethod
    def of(cls, member: entities.Member) -> Self:
        """One of a running Revenge."""
        sources = tuple(one.source.value for one in member.memberships)
        return cls(user_id=member.user_id, username=member.username, sources=sources)


class KeyRecord(Entity, kw_only=True):
    """An API key. `api_key` is there where it was just made, and never again."""

    id: UUID
    user_id: UUID
    name: str
    description: str | None = None
    key_prefix: str
    scopes: tuple[str, ...]
    permissions: tuple[str, ...]
    libraries: tuple[UUID, ...] | None = None
    allowed_addresses: tuple[str, ...] | None = None
    rate_limit: int | None = None
    recording: bool
    is_active: bool
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    previous_until: datetime | None = None
    last_used_at: datetime | None = None
    last_used_address: str | None = None
    created_at: datetime
    updated_at: datetime
    api_key: str | None = None

    @classmethod
    def of(cls, key: ApiKey, *, is_active: bool) -> Self:
        """The key of a running Revenge."""
        return cls(
            id=key.id,
            user_id=key.user_id,
            name=key.name,
            description=key.description,
            key_prefix=key.prefix,
            scopes=tuple(sorted(scope.value for scope in key.scopes)),
            permissions=tuple(sorted(key.permissions)),
            libraries=None if key.libraries is None else tuple(sorted(key.libraries)),
            allowed_addresses=key.addresses,
            rate_limit=key.rate_limit,
            recording=key.recording,
            is_active=is_active,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            previous_until=key.previous_until,
            last_used_at=key.last_used_at,
            last_used_address=key.last_used_address,
            created_at=key.created_at,
            updated_at=key.updated_at,
        )


class UseRecord(Entity, kw_only=True):
    """A right that a recording key made use of."""

    right: str
    uses: int
    first_used_at: datetime
    last_used_at: datetime


class Proposal(Entity, kw_only=True):
    """The least with which all that was recorded goes through."""

    scopes: tuple[str, ...]
    permissions: tuple[str, ...]


class KeyUses(Entity, kw_only=True):
    """What a key was seen to need."""

    recording: bool
    uses: tuple[UseRecord, ...]
    proposal: Proposal


class RuleRecord(Entity, kw_only=True):
    """One link of a chain."""

    kind: str
    subject: str
    object: str
    source: str | None = None
    text: str


class Verdict(Entity, kw_only=True):
    """Whether somebody may do something, and the chain of rules behind it."""

    user_id: UUID
    username: str
    permission: str
    allowed: bool
    rules: tuple[RuleRecord, ...]
    held: tuple[str, ...]
    carriers: tuple[str, ...]

    @classmethod
    def of(cls, found: entities.Explanation) -> Self:
        """The verdict of a running Revenge."""
        rules = tuple(
            RuleRecord(
                kind=rule.kind.value,
                subject=rule.subject,
                object=rule.object,
                source=None if rule.source is None else rule.source.value,
                text=rule.text,
            )
            for rule in found.rules
        )
        return cls(
            user_id=found.user_id,
            username=found.username,
            permission=found.permission.value,
            allowed=found.allowed,
            rules=rules,
            held=found.held,
            carriers=found.carriers,
        )


class Rights(Entity, kw_only=True):
    """What somebody may do, the roles that they hold and from where, and the groups that they are in."""

    permissions: tuple[str, ...]
    roles: tuple[str, ...]
    groups: tuple[str, ...]

    @classmethod
    def of(cls, effective: entities.Effective) -> Self:
        """What a running Revenge says."""
        return cls(
            permissions=tuple(sorted(one.value for one in effective.permissions)),
            roles=tuple(
                f"{one.role} ({how_held(one.source.value, one.group_name)})" for one in effective.holder.holdings
            ),
            groups=once(one.group_name for one in effective.groups),
        )


def how_held(source: str, group: str | None) -> str:
    """From where somebody holds a role, in two words."""
    return source if group is None else f"group {group}"


def once(names: Iterable[str]) -> tuple[str, ...]:
    """Each once, in the order in which they came first."""
    return tuple(dict.fromkeys(names))
