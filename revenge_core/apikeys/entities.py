"""API keys: what stands in for their owner where a program calls (decisions A4, rulings R13)."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import UNSET, UnsetType

from revenge_core.entity import Entity
from revenge_core.ids import GroupId, KeyId, UserId
from revenge_core.secrets import Secret


class KeyScope(StrEnum):
    """Bundles of permissions, each with all of the one before. `policy` says which permission is in which."""

    ADMIN = "admin"
    READ = "read"
    WRITE = "write"


class ApiKey(Entity, kw_only=True):
    """A key as its owner sees it: never the key itself, nor its digest."""

    id: KeyId
    user_id: UserId
    name: str
    description: str | None
    prefix: str
    """How the key begins, so that its owner knows it again."""
    scopes: frozenset[KeyScope]
    permissions: frozenset[str]
    """Fine scopes beside `scopes`: names of permissions, `own:read`, `own:write`."""
    libraries: frozenset[UUID] | None
    """The only libraries that it reaches; None for all that its owner does. Enforced where libraries are."""
    addresses: tuple[str, ...] | None
    """The only networks that it is taken from, in CIDR notation; None for everywhere."""
    rate_limit: int | None
    """Requests per minute; None for no limit of its own."""
    recording: bool
    """Whether it is being found out what the key needs."""
    expires_at: datetime | None
    """None: never."""
    previous_until: datetime | None
    """Until when the key before the last rotation works as well; None where there is none."""
    last_used_at: datetime | None
    last_used_address: str | None
    created_at: datetime
    updated_at: datetime
    revoked_at: datetime | None
    version: int

    def is_live(self, now: datetime) -> bool:
        """Whether the key is good for anything at this time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class KeyPrincipal(Entity, kw_only=True):
    """A key with all that decides whether it is good and what it may do, read in one go (decisions I4, A4)."""

    key: ApiKey
    user_active: bool
    """Whether the owner lives and is not disabled."""
    roles: frozenset[str]
    """Those that the owner holds, directly or through a group."""
    groups: frozenset[GroupId] = frozenset()
    good_until: datetime | None
    """When what was presented stops working by itself: the key's expiry, or the end of a rotation's overlap."""

    def is_live(self, now: datetime) -> bool:
        """Whether what was presented is good for anything at this time."""
        return self.user_active and self.key.is_live(now) and (self.good_until is None or now < self.good_until)


class NewKey(Entity, kw_only=True):
    """What a key is to be like."""

    name: str
    description: str | None = None
    scopes: frozenset[KeyScope] = frozenset()
    permissions: frozenset[str] = frozenset()
    libraries: frozenset[UUID] | None = None
    addresses: tuple[str, ...] | None = None
    rate_limit: int | None = None
    expires_at: datetime | None = None
    never_expires: bool = False
    """Whether None in `expires_at` was said, and means never; unsaid it means the usual lifetime (rulings R13)."""
    recording: bool = False


class KeyChanges(Entity, kw_only=True):
    """What is wanted otherwise about a key. Absent means: keep. What it may do can only become less (decisions A4)."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    scopes: frozenset[KeyScope] | UnsetType = UNSET
    permissions: frozenset[str] | UnsetType = UNSET
    libraries: frozenset[UUID] | UnsetType | None = UNSET
    addresses: tuple[str, ...] | UnsetType | None = UNSET
    rate_limit: int | UnsetType | None = UNSET
    recording: bool | UnsetType = UNSET


class MadeKey(Entity, kw_only=True):
    """A key that was just made or rotated. `secret` is shown this once."""

    key: ApiKey
    secret: Secret


class KeyRight(Entity, kw_only=True):
    """A right that a key in recording mode made use of: the name of a permission, `own:read` or `own:write`."""

    right: str
    first_used_at: datetime
    last_used_at: datetime
    uses: int


class RecordedRight(Entity, kw_only=True):
    """What is to be added to the record of a key."""

    key_id: KeyId
    use: KeyRight


class KeyProposal(Entity, kw_only=True):
    """What a key was seen to need, and the least that would do. It is not applied: whoever owns the key decides."""

    key: ApiKey
    uses: tuple[KeyRight, ...]
    """By name. Complete but for the last seconds of other processes."""
    scopes: frozenset[KeyScope] = frozenset()
    permissions: frozenset[str] = frozenset()
    """Fine scopes with which every call that was recorded goes through; without any one of them, one does not."""


class KeySighting(Entity, kw_only=True):
    """A key was used."""

    key_id: KeyId
    at: datetime
    address: str | None


class ExpiringKey(Entity, kw_only=True):
    """A key that is about to expire, and whom to tell."""

    key: ApiKey
    username: str
    email: str
    email_verified: bool
    timezone: str


class KeyRules(Entity, kw_only=True):
    """What the host decided about keys (decisions A4)."""

    max_per_user: int = 10
    lifetime: timedelta = timedelta(days=365)
    """Where whoever makes one does not say."""
    may_last_forever: bool = True
    overlap: timedelta = timedelta(days=1)
    """How long the old key works after a rotation, where whoever rotates does not say."""
    reminded_before: timedelta = timedelta(days=7)
    """How long before its expiry the owner of a key gets a mail."""
