"""What API keys need from outside."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from revenge_core.apikeys.entities import ApiKey, ExpiringKey, KeyPrincipal, KeyRight, KeySighting, RecordedRight
from revenge_core.ids import KeyId, UserId
from revenge_core.rbac.ports import RbacTx


class KeyStore(Protocol):
    """Keys inside a transaction, reached as `tx.api_keys`."""

    async def add(self, key: ApiKey, digest: bytes) -> None:
        """Keep a new key, known by the digest of its secret."""
        ...

    async def lock(self, key_id: KeyId) -> ApiKey | None:
        """The key, live or over, which no other transaction changes until this one ends. None if there is none."""
        ...

    async def live_of(self, user_id: UserId, now: datetime) -> tuple[ApiKey, ...]:
        """The user's live keys. The caller holds the user's lock, so it stays as it is until the transaction ends."""
        ...

    async def update(self, key: ApiKey) -> None:
        """Replace the key that has `key.id`, its secrets and when it was last used aside. `previous_until` stays."""
        ...

    async def rotate(self, key: ApiKey, digest: bytes) -> None:
        """Give it another secret, with the prefix, version and times of `key`.

        The one until now works on until `previous_until`, not at all if that is None; the one before that is gone.
        """
        ...

    async def mark_seen(self, sightings: Sequence[KeySighting]) -> None:
        """Note when and where from keys were last used. Time never goes backwards, an address of None keeps the known.

        Keys that are gone are left out.
        """
        ...

    async def add_uses(self, uses: Sequence[RecordedRight]) -> None:
        """Add to what keys made use of: numbers are added up, times become the earliest and the latest.

        Keys that are gone are left out.
        """
        ...

    async def forget_uses(self, key_id: KeyId) -> None:
        """Begin a new record of what the key makes use of."""
        ...

    async def expiring(self, *, now: datetime, ahead: timedelta, limit: int) -> tuple[ExpiringKey, ...]:
        """Up to `limit` live keys that expire within `ahead`, whose owner was not reminded yet, the soonest first.

        Not those that were made to live for no longer than `ahead`, nor those of accounts that are not active. They
        are locked; those that others hold are left out.
        """
        ...

    async def mark_reminded(self, key_ids: Collection[KeyId], at: datetime) -> None:
        """Note that their owners were reminded."""
        ...

    async def forget_over(self, *, before: datetime, limit: int) -> int:
        """Delete up to `limit` keys that were revoked or expired before this time, with their record; how many.

        Those that others hold are left out.
        """
        ...


class KeyReader(Protocol):
    """Keys outside a transaction; never cached."""

    async def by_id(self, key_id: KeyId) -> ApiKey | None:
        """The key, live or over."""
        ...

    async def of_user(self, user_id: UserId, *, live_at: datetime | None) -> tuple[ApiKey, ...]:
        """The user's keys, newest first, then by id descending: those live at that time, or the latest 1000 of all."""
        ...

    async def uses_of(self, key_id: KeyId) -> tuple[KeyRight, ...]:
        """What the key was seen to make use of, by name (code point order)."""
        ...


class KeyPrincipalReader(Protocol):
    """Whose key it is that was presented, outside a transaction."""

    async def principal(self, digest: bytes) -> KeyPrincipal | None:
        """The key that has or had this digest, with its owner's state and roles, live or over; None if unknown.

        Never older than the revocation feed allows.
        """
        ...


class ApiKeysTx(RbacTx, Protocol):
    """What managing keys does in one transaction."""

    @property
    def api_keys(self) -> KeyStore:
        """Keys."""
        ...
