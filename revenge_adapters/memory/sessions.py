"""Sessions, devices and refresh tokens in memory."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import itemgetter

from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.memory.tables import MemoryTables, Rows
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


def _is_over(session: Session, at: datetime) -> bool:
    """Whether it ended or expired. Its user's state is another question."""
    return session.ended_at is not None or at >= session.expires_at or at >= session.idle_expires_at


def _end(session: Session) -> datetime:
    """When time alone ends it."""
    return min(session.idle_expires_at, session.expires_at)


class MemorySessions(SessionStore):
    """Sessions inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def add(self, session: Session) -> None:
        self._rows.sessions[session.id] = session

    @override
    async def by_id(self, session_id: SessionId) -> Session | None:
        return self._rows.sessions.get(session_id)

    @override
    async def end(self, session_id: SessionId, reason: EndReason, at: datetime) -> bool:
        session = self._rows.sessions.get(session_id)
        if session is None or session.ended_at is not None:
            return False
        self._rows.sessions[session_id] = replace(session, ended_at=at, end_reason=reason)
        return True

    @override
    async def end_all_of(
        self, user_id: UserId, reason: EndReason, at: datetime, *, keep: SessionId | None
    ) -> tuple[SessionId, ...]:
        ids = sorted(session.id for session in self._of(user_id) if session.id != keep)
        return tuple([session_id for session_id in ids if await self.end(session_id, reason, at)])

    @override
    async def end_oldest_beyond(
        self, user_id: UserId, limit: int, reason: EndReason, at: datetime
    ) -> tuple[SessionId, ...]:
        live = sorted(
            (session for session in self._of(user_id) if not _is_over(session, at)),
            key=lambda session: (session.created_at, session.id),
        )
        oldest = live[: max(0, len(live) - limit)]
        return tuple([session.id for session in oldest if await self.end(session.id, reason, at)])

    @override
    async def end_expired(self, *, by: datetime, limit: int) -> tuple[EndReason, ...]:
        sessions = self._rows.sessions.values()
        expired = [session for session in sessions if session.ended_at is None and _end(session) <= by][:limit]
        reasons = [EndReason.IDLE if one.idle_expires_at < one.expires_at else EndReason.EXPIRED for one in expired]
        for session, reason in zip(expired, reasons, strict=True):
            await self.end(session.id, reason, _end(session))
        return tuple(reasons)

    @override
    async def forget_ended(self, *, before: datetime, limit: int) -> int:
        ended = [
            (session.ended_at, session)
            for session in self._rows.sessions.values()
            if session.ended_at is not None and session.ended_at < before
        ]
        oldest = {session.id: session for _, session in sorted(ended, key=itemgetter(0))[:limit]}
        tokens = [token for token in self._rows.refresh_tokens.values() if token.session_id in oldest]
        for token in tokens[:limit]:
            del self._rows.refresh_tokens[token.token_hash]
        if len(tokens) >= limit:
            return limit
        for session in oldest.values():
            self._note_last_use(session)
            del self._rows.sessions[session.id]
        return len(tokens) + len(oldest)

    @override
    async def restamp(self, session_id: SessionId, epoch: int) -> None:
        session = self._rows.sessions.get(session_id)
        if session is not None:
            self._rows.sessions[session_id] = replace(session, epoch=epoch)

    @override
    async def mark_proven(self, session_id: SessionId, at: datetime) -> None:
        session = self._rows.sessions.get(session_id)
        if session is not None and session.ended_at is None:
            self._rows.sessions[session_id] = replace(session, authenticated_at=at)

    @override
    async def slide(self, session_id: SessionId, *, at: datetime, idle_expires_at: datetime) -> None:
        session = self._rows.sessions.get(session_id)
        if session is not None:
            self._rows.sessions[session_id] = replace(
                session,
                last_activity_at=max(session.last_activity_at, at),
                idle_expires_at=min(max(session.idle_expires_at, idle_expires_at), session.expires_at),
            )

    @override
    async def mark_seen(self, sightings: Sequence[Sighting]) -> None:
        for sighting in sightings:
            session = self._rows.sessions.get(sighting.session_id)
            if session is None or _is_over(session, sighting.at):
                continue
            last_activity_at = max(session.last_activity_at, sighting.at)
            idle_expires_at = session.idle_expires_at + (last_activity_at - session.last_activity_at)
            self._rows.sessions[session.id] = replace(
                session,
                last_activity_at=last_activity_at,
                idle_expires_at=min(idle_expires_at, session.expires_at),
                address=session.address if sighting.address is None else sighting.address,
            )

    @override
    async def put_device(self, device: Device) -> Arrival:
        key = (device.user_id, device.fingerprint)
        known = self._rows.devices.get(key)
        kept = device
        if known is not None:
            kept = replace(known, last_address=device.last_address, last_seen_at=device.last_seen_at)
        self._rows.devices[key] = kept
        return Arrival(
            device=kept,
            seen_before=None if known is None else known.last_seen_at,
            address_before=None if known is None else known.last_address,
            live_sessions=sum(not _is_over(session, device.last_seen_at) for session in self._of(device.user_id)),
        )

    @override
    async def lock_device(self, user_id: UserId, device_id: DeviceId) -> bool:
        return any(device.id == device_id for device in self._devices_of(user_id))

    @override
    async def use_device_token(self, user_id: UserId, token_hash: bytes, at: datetime) -> Device | None:
        token = self._rows.device_tokens.get(token_hash)
        if token is None or token.user_id != user_id:
            return None
        self._rows.device_tokens[token_hash] = replace(token, last_used_at=at)
        return next(device for device in self._devices_of(user_id) if device.id == token.device_id)

    @override
    async def add_device_token(self, token: DeviceToken, *, keep: int) -> None:
        tokens = self._rows.device_tokens
        tokens[token.token_hash] = token
        of_device = [one for one in tokens.values() if one.device_id == token.device_id]
        latest_first = sorted(of_device, key=lambda one: (one.issued_at, one.token_hash), reverse=True)
        for surplus in latest_first[keep:]:
            del tokens[surplus.token_hash]

    @override
    async def end_all_on(
        self, user_id: UserId, device_id: DeviceId, reason: EndReason, at: datetime
    ) -> tuple[SessionId, ...]:
        ids = sorted(session.id for session in self._of(user_id) if session.device_id == device_id)
        return tuple([session_id for session_id in ids if await self.end(session_id, reason, at)])

    @override
    async def void_device_tokens(self, user_id: UserId, device_id: DeviceId | None) -> int:
        tokens = self._rows.device_tokens
        void = [
            token.token_hash
            for token in tokens.values()
            if token.user_id == user_id and device_id in {None, token.device_id}
        ]
        for token_hash in void:
            del tokens[token_hash]
        return len(void)

    @override
    async def forget_devices(self, *, unseen_since: datetime, limit: int) -> int:
        used = {session.device_id for session in self._rows.sessions.values()}
        unused = [
            key
            for key, device in self._rows.devices.items()
            if device.last_seen_at < unseen_since and device.id not in used
        ]
        for key in unused[:limit]:
            await self.void_device_tokens(key[0], self._rows.devices.pop(key).id)
        return len(unused[:limit])

    def _note_last_use(self, session: Session) -> None:
        for key, device in self._rows.devices.items():
            if device.id == session.device_id:
                last_seen_at = max(device.last_seen_at, session.last_activity_at)
                self._rows.devices[key] = replace(device, last_seen_at=last_seen_at)

    def _devices_of(self, user_id: UserId) -> Iterator[Device]:
        return (device for device in self._rows.devices.values() if device.user_id == user_id)

    def _of(self, user_id: UserId) -> Iterator[Session]:
        return (session for session in self._rows.sessions.values() if session.user_id == user_id)


class MemoryRefreshTokens(RefreshTokenStore):
    """Refresh tokens inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def add(self, token: RefreshToken) -> None:
        self._rows.refresh_tokens[token.token_hash] = token

    @override
    async def lock_family(self, token_hash: bytes) -> RefreshFamily | None:
        tokens = self._rows.refresh_tokens
        presented = tokens.get(token_hash)
        if presented is None:
            return None
        child = None if presented.child_hash is None else tokens.get(presented.child_hash)
        session = self._rows.sessions[presented.session_id]
        user = self._rows.users[session.user_id]
        return RefreshFamily(
            presented=presented,
            child_used=child is not None and child.rotated_at is not None,
            session=session,
            user_epoch=user.epoch,
            user_active=user.is_active and user.deleted_at is None,
            username=user.username,
            email=user.email,
            email_verified=user.email_verified,
        )

    @override
    async def rotate(self, token_hash: bytes, *, at: datetime, child: RefreshToken, child_salt: bytes) -> None:
        tokens = self._rows.refresh_tokens
        for token in list(tokens.values()):
            if token.child_hash == token_hash:
                tokens[token.token_hash] = replace(token, child_salt=None)
        used = replace(tokens[token_hash], rotated_at=at, child_hash=child.token_hash, child_salt=child_salt)
        tokens[token_hash] = used
        tokens[child.token_hash] = child

    @override
    async def erase_salts(self, *, rotated_before: datetime) -> int:
        closed = [
            token
            for token in self._rows.refresh_tokens.values()
            if token.child_salt is not None and token.rotated_at is not None and token.rotated_at < rotated_before
        ]
        self._rows.refresh_tokens.update((token.token_hash, replace(token, child_salt=None)) for token in closed)
        return len(closed)


class MemorySessionReader(SessionReader):
    """Sessions outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def live_of(self, user_id: UserId, now: datetime) -> tuple[Session, ...]:
        user = self._tables.rows.users.get(user_id)
        if user is None:
            return ()
        own = (session for session in self._tables.rows.sessions.values() if session.user_id == user_id)
        live = (session for session in own if session.epoch == user.epoch and not _is_over(session, now))
        return tuple(sorted(live, key=lambda session: (session.last_activity_at, session.id), reverse=True))
