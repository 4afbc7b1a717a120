"""What `/apikeys` takes and tells. What a key may be like, core judges; the limits here are for the documentation."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from revenge_core.apikeys import entities
from revenge_core.apikeys.entities import KeyScope
from revenge_core.apikeys.policy import DESCRIPTION_MAX, NAME_MAX, RATE_MAX
from revenge_core.secrets import Secret
from revenge_http.wire import Timestamp, Wire, given, present

SHOWN_ONCE = "This key is shown this once: keep it where only the program that needs it can read it"

Name = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": NAME_MAX})]
Description = Annotated[str, Meta(extra_json_schema={"maxLength": DESCRIPTION_MAX})]
Rate = Annotated[int, Meta(extra_json_schema={"minimum": 1, "maximum": RATE_MAX})]


class APIKeyInfo(Wire, kw_only=True):
    """A key as its owner sees it, never the key itself. Absent: all libraries, all addresses, no limit, no expiry."""

    id: UUID
    user_id: UUID
    name: str
    description: str | UnsetType = UNSET
    key_prefix: str
    scopes: list[KeyScope]
    permissions: list[str]
    """Besides those of the scopes: names of permissions, `own:read`, `own:write`."""
    libraries: list[UUID] | UnsetType = UNSET
    allowed_addresses: list[str] | UnsetType = UNSET
    """Networks, as `192.0.2.0/24`."""
    rate_limit: int | UnsetType = UNSET
    """Requests per minute."""
    recording: bool
    """Whether it is being found out what the key needs."""
    is_active: bool
    expires_at: Timestamp | UnsetType = UNSET
    revoked_at: Timestamp | UnsetType = UNSET
    previous_until: Timestamp | UnsetType = UNSET
    """Until when the key before the last rotation works as well."""
    last_used_at: Timestamp | UnsetType = UNSET
    last_used_address: str | UnsetType = UNSET
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, key: entities.ApiKey, *, is_active: bool) -> "APIKeyInfo":
        """A key, good for something or not."""
        return cls(
            id=key.id,
            user_id=key.user_id,
            name=key.name,
            description=present(key.description),
            key_prefix=key.prefix,
            scopes=sorted(key.scopes),
            permissions=sorted(key.permissions),
            libraries=UNSET if key.libraries is None else sorted(key.libraries),
            allowed_addresses=UNSET if key.addresses is None else list(key.addresses),
            rate_limit=present(key.rate_limit),
            recording=key.recording,
            is_active=is_active,
            expires_at=present(key.expires_at),
            revoked_at=present(key.revoked_at),
            previous_until=present(key.previous_until),
            last_used_at=present(key.last_used_at),
            last_used_address=present(key.last_used_address),
            created_at=key.created_at,
            updated_at=key.updated_at,
        )


class APIKeyListResponse(Wire, kw_only=True):
    """Keys that are good for something, the newest first."""

    keys: list[APIKeyInfo]
    total: int


class CreateAPIKeyRequest(Wire, kw_only=True):
    """What a key is to be like. Without `expires_at` it lasts as long as this server says, with null for ever.

    With `permissions` of its own, `scopes` may be empty.
    """

    name: Name
    description: Description | UnsetType = UNSET
    scopes: tuple[KeyScope, ...]
    permissions: tuple[str, ...] = ()
    libraries: tuple[UUID, ...] | None = None
    allowed_addresses: tuple[str, ...] | None = None
    rate_limit: Rate | None = None
    expires_at: Timestamp | UnsetType | None = UNSET
    recording: bool = False

    def new_key(self) -> entities.NewKey:
        """The same for core."""
        return entities.NewKey(
            name=self.name,
            description=given(self.description),
            scopes=frozenset(self.scopes),
            permissions=frozenset(self.permissions),
            libraries=None if self.libraries is None else frozenset(self.libraries),
            addresses=self.allowed_addresses,
            rate_limit=self.rate_limit,
            expires_at=given(self.expires_at),
            never_expires=self.expires_at is None,
            recording=self.recording,
        )


class CreateAPIKeyResponse(APIKeyInfo, kw_only=True):
    """A key that was just made or rotated: `api_key` is shown this once."""

    api_key: Secret
    message: str

    @classmethod
    def of_made(cls, made: entities.MadeKey) -> "CreateAPIKeyResponse":
        """The key with its secret."""
        info = APIKeyInfo.of(made.key, is_active=True)
        return cls(**asdict(info), api_key=made.secret, message=SHOWN_ONCE)


class UpdateAPIKeyRequest(Wire, kw_only=True):
    """What is wanted otherwise; what is left out stays. What a key may do can only become less.

    null takes away the description, and what `libraries`, `allowed_addresses` and `rate_limit` forbid: the latter only
    where the key has no such limit anyway.
    """

    name: Name | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    scopes: tuple[KeyScope, ...] | UnsetType = UNSET
    permissions: tuple[str, ...] | UnsetType = UNSET
    libraries: tuple[UUID, ...] | UnsetType | None = UNSET
    allowed_addresses: tuple[str, ...] | UnsetType | None = UNSET
    rate_limit: Rate | UnsetType | None = UNSET
    recording: bool | UnsetType = UNSET

    def changes(self) -> entities.KeyChanges:
        """The same for core."""
        return entities.KeyChanges(
            name=self.name,
            description=self.description,
            scopes=self.scopes if self.scopes is UNSET else frozenset(self.scopes),
            permissions=self.permissions if self.permissions is UNSET else frozenset(self.permissions),
            libraries=frozenset(self.libraries) if isinstance(self.libraries, tuple) else self.libraries,
            addresses=self.allowed_addresses,
            rate_limit=self.rate_limit,
            recording=self.recording,
        )


class RotateAPIKeyRequest(Wire, kw_only=True):
    """For how long the present key works on: up to a week, 0 for not at all."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=604_800)] | UnsetType = UNSET

    @property
    def overlap(self) -> timedelta | None:
        """The same for core; None for what this server says."""
        return None if self.overlap_seconds is UNSET else timedelta(seconds=self.overlap_seconds)


class APIKeyUse(Wire, kw_only=True):
    """A right that a recording key made use of: the name of a permission, `own:read` or `own:write`."""

    right: str
    uses: int
    first_used_at: Timestamp
    last_used_at: Timestamp


class APIKeyProposal(Wire, kw_only=True):
    """The least with which all that was recorded goes through."""

    scopes: list[KeyScope]
    permissions: list[str]


class APIKeyUses(Wire, kw_only=True):
    """What a key was seen to need. Nothing of the proposal is applied: send it with PATCH, or make a key of it."""

    recording: bool
    uses: list[APIKeyUse]
    proposal: APIKeyProposal

    @classmethod
    def of(cls, found: entities.KeyProposal) -> "APIKeyUses":
        """The same, for the wire."""
        return cls(
            recording=found.key.recording,
            uses=[APIKeyUse(**asdict(one)) for one in found.uses],
            proposal=APIKeyProposal(scopes=sorted(found.scopes), permissions=sorted(found.permissions)),
        )
