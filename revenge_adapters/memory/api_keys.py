"""API keys in memory."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.memory.held_roles import group_ids, role_names
from revenge_adapters.memory.key_rows import StoredKey
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.apikeys.entities import ApiKey, ExpiringKey, KeyPrincipal, KeyRight, KeySighting, RecordedRight
from revenge_core.apikeys.ports import KeyPrincipalReader, KeyReader, KeyStore
from revenge_core.ids import KeyId, UserId

SHOWN = 1000
NEVER = datetime.max.replace(tzinfo=UTC)


class MemoryApiKeys(KeyStore):
    """Keys inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def add(self, key: ApiKey, digest: bytes) -> None:
        self._rows.api_keys[key.id] = StoredKey(key=key, digest=digest)

    @override
    async def lock(self, key_id: KeyId) -> ApiKey | None:
        stored = self._rows.api_keys.get(key_id)
        return stored.key if stored else None

    @override
    async def live_of(self, user_id: UserId, now: datetime) -> tuple[ApiKey, ...]:
        return _of_user(self._rows, user_id, now)

    @override
    async def update(self, key: ApiKey) -> None:
        stored = self._rows.api_keys[key.id]
        known = stored.key
        self._rows.api_keys[key.id] = replace(
            stored,
            key=replace(
                key,
                prefix=known.prefix,
                previous_until=known.previous_until,
                last_used_at=known.last_used_at,
                last_used_address=known.last_used_address,
            ),
        )

    @override
    async def rotate(self, key: ApiKey, digest: bytes) -> None:
        stored = self._rows.api_keys[key.id]
        self._rows.api_keys[key.id] = replace(
            stored,
            digest=digest,
            previous=None if key.previous_until is None else stored.digest,
            key=replace(
                stored.key,
                prefix=key.prefix,
                previous_until=key.previous_until,
                version=key.version,
                updated_at=key.updated_at,
            ),
        )

    @override
    async def mark_seen(self, sightings: Sequence[KeySighting]) -> None:
        for sighting in sightings:
            stored = self._rows.api_keys.get(sighting.key_id)
            if stored is None or (stored.key.last_used_at is not None and stored.key.last_used_at > sighting.at):
                continue
            address = sighting.address or stored.key.last_used_address
            key = replace(stored.key, last_used_at=sighting.at, last_used_address=address)
            self._rows.api_keys[key.id] = replace(stored, key=key)

    @override
    async def add_uses(self, uses: Sequence[RecordedRight]) -> None:
        for key_id, use in ((one.key_id, one.use) for one in uses if one.key_id in self._rows.api_keys):
            known = self._rows.api_key_uses.get((key_id, use.right))
            self._rows.api_key_uses[key_id, use.right] = (
                use
                if known is None
                else replace(
                    known,
                    first_used_at=min(known.first_used_at, use.first_used_at),
                    last_used_at=max(known.last_used_at, use.last_used_at),
                    uses=known.uses + use.uses,
                )
            )

    @override
    async def forget_uses(self, key_id: KeyId) -> None:
        for place in [place for place in self._rows.api_key_uses if place[0] == key_id]:
            del self._rows.api_key_uses[place]

    @override
    async def expiring(self, *, now: datetime, ahead: timedelta, limit: int) -> tuple[ExpiringKey, ...]:
        due = [
            (stored.key.expires_at, stored.key)
            for stored in self._rows.api_keys.values()
            if stored.key.expires_at is not None
            and stored.key.is_live(now)
            and stored.reminded_at is None
            and stored.key.expires_at <= now + ahead < now + (stored.key.expires_at - stored.key.created_at)
            and _is_active(self._rows, stored.key.user_id)
        ]
        soonest = sorted(due, key=lambda one: (one[0], one[1].id))[:limit]
        return tuple(self._expiring(key) for _, key in soonest)

    @override
    async def mark_reminded(self, key_ids: Collection[KeyId], at: datetime) -> None:
        for key_id in key_ids:
            self._rows.api_keys[key_id] = replace(self._rows.api_keys[key_id], reminded_at=at)

    @override
    async def forget_over(self, *, before: datetime, limit: int) -> int:
        over = [stored.key.id for stored in self._rows.api_keys.values() if _end(stored.key) < before][:limit]
        for key_id in over:
            await self.forget_uses(key_id)
            del self._rows.api_keys[key_id]
        return len(over)

    def _expiring(self, key: ApiKey) -> ExpiringKey:
        user = self._rows.users[key.user_id]
        return ExpiringKey(
            key=key,
            username=user.username,
            email=user.email,
            email_verified=user.email_verified,
            timezone=user.timezone,
        )


class MemoryKeyReader(KeyReader):
    """Keys outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def by_id(self, key_id: KeyId) -> ApiKey | None:
        stored = self._tables.rows.api_keys.get(key_id)
        return stored.key if stored else None

    @override
    async def of_user(self, user_id: UserId, *, live_at: datetime | None) -> tuple[ApiKey, ...]:
        return _of_user(self._tables.rows, user_id, live_at)[:SHOWN]

    @override
    async def uses_of(self, key_id: KeyId) -> tuple[KeyRight, ...]:
        uses = self._tables.rows.api_key_uses
        return tuple(uses[place] for place in sorted(uses) if place[0] == key_id)


class MemoryKeyPrincipalReader(KeyPrincipalReader):
    """Whose key it is that was presented, outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def principal(self, digest: bytes) -> KeyPrincipal | None:
        rows = self._tables.rows
        for stored in rows.api_keys.values():
            if digest in {stored.digest, stored.previous}:
                key = stored.key
                ends = [key.expires_at, None if digest == stored.digest else key.previous_until]
                return KeyPrincipal(
                    key=key,
                    user_active=_is_active(rows, key.user_id),
                    roles=role_names(rows, key.user_id),
                    groups=group_ids(rows, key.user_id),
                    good_until=min((end for end in ends if end is not None), default=None),
                )
        return None


def _of_user(rows: Rows, user_id: UserId, live_at: datetime | None) -> tuple[ApiKey, ...]:
    keys = [stored.key for stored in rows.api_keys.values() if stored.key.user_id == user_id]
    keys.sort(key=lambda key: (key.created_at, key.id), reverse=True)
    return tuple(key for key in keys if live_at is None or key.is_live(live_at))


def _is_active(rows: Rows, user_id: UserId) -> bool:
    user = rows.users[user_id]
    return user.is_active and user.deleted_at is None


def _end(key: ApiKey) -> datetime:
    """When it was over, or will be."""
    return min(key.revoked_at or NEVER, key.expires_at or NEVER)
