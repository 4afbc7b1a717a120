"""Sessions, their devices and refresh tokens in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.batch import uuid_array
from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.devices import Sql as DeviceSql
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.ids import DeviceId, SessionId, UserId
from revenge_core.sessions.entities import (
    Arrival,
    Device,
    DeviceToken,
    EndReason,
    RefreshFamily,
    RefreshToken,
    Session,
    Sighting,
)
from revenge_core.sessions.ports import RefreshTokenStore, SessionReader, SessionStore


class Sql(SqlFile, file="sessions.sql"):
    """The statements of sessions."""

    add: Query[None]
    by_id: Query[Session]
    end: Query[None]
    end_all_of: Query[SessionId]
    end_oldest_beyond: Query[SessionId]
    end_expired: Query[EndReason]
    lock_ended: Query[SessionId]
    forget_tokens_of: Query[None]
    note_last_use: Query[None]
    forget: Query[None]
    restamp: Query[None]
    mark_proven: Query[None]
    slide: Query[None]
    mark_seen: Query[None]
    put_device: Query[Arrival]
    end_all_on: Query[SessionId]
    forget_devices: Query[None]
    live_of: Query[Session]
    add_refresh_token: Query[None]
    lock_session_of: Query[SessionId]
    family: Query[RefreshFamily]
    rotate: Query[None]
    erase_salts: Query[None]


class PostgresSessions(SessionStore):
    """Sessions inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def add(self, session: Session) -> None:
        self._transaction.later(Sql.add, **{**asdict(session), "methods": list(session.methods)})

    @override
    async def by_id(self, session_id: SessionId) -> Session | None:
        return await self._transaction.one(Sql.by_id, id=session_id)

    @override
    async def end(self, session_id: SessionId, reason: EndReason, at: datetime) -> bool:
        return await self._transaction.run(Sql.end, id=session_id, reason=reason, at=at) == 1

    @override
    async def end_all_of(
        self, user_id: UserId, reason: EndReason, at: datetime, *, keep: SessionId | None
    ) -> tuple[SessionId, ...]:
        return await self._transaction.all(Sql.end_all_of, user_id=user_id, reason=reason, at=at, keep=keep)

    @override
    async def end_oldest_beyond(
        self, user_id: UserId, limit: int, reason: EndReason, at: datetime
    ) -> tuple[SessionId, ...]:
        return await self._transaction.all(Sql.end_oldest_beyond, user_id=user_id, limit=limit, reason=reason, at=at)

    @override
    async def end_expired(self, *, by: datetime, limit: int) -> tuple[EndReason, ...]:
        return await self._transaction.all(
            Sql.end_expired, by=by, limit=limit, idle=EndReason.IDLE, expired=EndReason.EXPIRED
        )

    @override
    async def forget_ended(self, *, before: datetime, limit: int) -> int:
        ids = uuid_array(await self._transaction.all(Sql.lock_ended, before=before, limit=limit))
        gone = await self._transaction.run(Sql.forget_tokens_of, ids=ids, limit=limit)
        if gone < limit:
            await self._transaction.run(Sql.note_last_use, ids=ids)
            gone += await self._transaction.run(Sql.forget, ids=ids)
        return gone

    @override
    async def restamp(self, session_id: SessionId, epoch: int) -> None:
        await self._transaction.run(Sql.restamp, id=session_id, epoch=epoch)

    @override
    async def mark_proven(self, session_id: SessionId, at: datetime) -> None:
        await self._transaction.run(Sql.mark_proven, id=session_id, at=at)

    @override
    async def slide(self, session_id: SessionId, *, at: datetime, idle_expires_at: datetime) -> None:
        await self._transaction.run(Sql.slide, id=session_id, at=at, idle_expires_at=idle_expires_at)

    @override
    async def mark_seen(self, sightings: Sequence[Sighting]) -> None:
        await self._transaction.run(
            Sql.mark_seen,
            session_ids=[sighting.session_id for sighting in sightings],
            times=[sighting.at for sighting in sightings],
            addresses=[sighting.address for sighting in sightings],
        )

    @override
    async def put_device(self, device: Device) -> Arrival:
        (arrival,) = await self._transaction.all(Sql.put_device, **asdict(device))
        return arrival

    @override
    async def lock_device(self, user_id: UserId, device_id: DeviceId) -> bool:
        found = await self._transaction.one(DeviceSql.lock_device, user_id=user_id, device_id=device_id)
        return found is not None

    @override
    async def use_device_token(self, user_id: UserId, token_hash: bytes, at: datetime) -> Device | None:
        return await self._transaction.one(DeviceSql.use_token, user_id=user_id, token_hash=token_hash, at=at)

    @override
    async def add_device_token(self, token: DeviceToken, *, keep: int) -> None:
        self._transaction.later(DeviceSql.add_token, **asdict(token))
        self._transaction.later(DeviceSql.drop_surplus_tokens, device_id=token.device_id, keep=keep)

    @override
    async def end_all_on(
        self, user_id: UserId, device_id: DeviceId, reason: EndReason, at: datetime
    ) -> tuple[SessionId, ...]:
        return await self._transaction.all(Sql.end_all_on, user_id=user_id, device_id=device_id, reason=reason, at=at)

    @override
    async def void_device_tokens(self, user_id: UserId, device_id: DeviceId | None) -> int:
        return await self._transaction.run(DeviceSql.void_tokens, user_id=user_id, device_id=device_id)

    @override
    async def forget_devices(self, *, unseen_since: datetime, limit: int) -> int:
        return await self._transaction.run(Sql.forget_devices, unseen_since=unseen_since, limit=limit)


class PostgresRefreshTokens(RefreshTokenStore):
    """Refresh tokens inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def add(self, token: RefreshToken) -> None:
        self._transaction.later(Sql.add_refresh_token, **asdict(token))

    @override
    async def lock_family(self, token_hash: bytes) -> RefreshFamily | None:
        if await self._transaction.one(Sql.lock_session_of, token_hash=token_hash) is None:
            return None
        return await self._transaction.one(Sql.family, token_hash=token_hash)

    @override
    async def rotate(self, token_hash: bytes, *, at: datetime, child: RefreshToken, child_salt: bytes) -> None:
        await self._transaction.run(
            Sql.rotate,
            token_hash=token_hash,
            at=at,
            session_id=child.session_id,
            issued_at=child.issued_at,
            child_hash=child.token_hash,
            child_salt=child_salt,
        )

    @override
    async def erase_salts(self, *, rotated_before: datetime) -> int:
        return await self._transaction.run(Sql.erase_salts, rotated_before=rotated_before)


class PostgresSessionReader(SessionReader):
    """Sessions outside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def live_of(self, user_id: UserId, now: datetime) -> tuple[Session, ...]:
        return await self._database.all(Sql.live_of, user_id=user_id, now=now)
