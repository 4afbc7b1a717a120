"""What session management needs from outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from revenge_core.activity.ports import ActivityTx
from revenge_core.background import JobsTx
from revenge_core.feed import FeedTx
from revenge_core.ids import DeviceId, SessionId, UserId
from revenge_core.sessions.entities import (
    Arrival,
    Device,
    DeviceToken,
    EndReason,
    ListedDevice,
    RefreshFamily,
    RefreshToken,
    Session,
    Sighting,
)


class SessionStore(Protocol):
    """Sessions inside a transaction, reached as `tx.sessions`."""

    async def add(self, session: Session) -> None:
        """Keep a new session."""
        ...

    async def by_id(self, session_id: SessionId) -> Session | None:
        """The session, over or not; None if it never was."""
        ...

    async def end(self, session_id: SessionId, reason: EndReason, at: datetime) -> bool:
        """End it. True if this call did, False if it was over already or never was."""
        ...

    async def end_all_of(
        self, user_id: UserId, reason: EndReason, at: datetime, *, keep: SessionId | None
    ) -> tuple[SessionId, ...]:
        """End every session of the user that has not ended, but `keep`; those that this call ended, by id."""
        ...

    async def end_oldest_beyond(
        self, user_id: UserId, limit: int, reason: EndReason, at: datetime
    ) -> tuple[SessionId, ...]:
        """End the oldest live ones (by created_at, then id) until `limit` are left; those that this call ended.

        Live means neither ended nor expired at `at`. The caller holds the user's lock.
        """
        ...

    async def end_expired(self, *, by: datetime, limit: int) -> tuple[EndReason, ...]:
        """End up to `limit` open sessions that expired at `by` or before, each at the moment it did; why, one by one.

        `IDLE` if the idle end came before the absolute one, else `EXPIRED`. Those that others hold are left out.
        """
        ...

    async def forget_ended(self, *, before: datetime, limit: int) -> int:
        """Delete up to `limit` sessions that ended before this time, the longest ended first; how many rows went.

        Not more than `limit` refresh tokens go at a time, and a session goes after its last one: call again until
        nothing went. Its device keeps when it was last used. Those that others hold are left out.
        """
        ...

    async def restamp(self, session_id: SessionId, epoch: int) -> None:
        """Give the session the present credential epoch, so that it survives the change (rulings R17)."""
        ...

    async def mark_proven(self, session_id: SessionId, at: datetime) -> None:
        """Set `authenticated_at`: its user proved once more who they are. Nothing happens if it is over."""
        ...

    async def slide(self, session_id: SessionId, *, at: datetime, idle_expires_at: datetime) -> None:
        """Note activity; the idle end moves, but never beyond the absolute one, and neither goes back in time."""
        ...

    async def mark_seen(self, sightings: Sequence[Sighting]) -> None:
        """Note activity of many sessions at once.

        Time never goes backwards, the idle end moves by as much as the last activity does, never beyond the absolute
        one, and a session that is over stays as it is. An address of None keeps the one that is known.
        """
        ...

    async def put_device(self, device: Device) -> Arrival:
        """Keep a device, or note that a known one (same user and fingerprint) was seen: address and time.

        Its answer has the device as kept, with `device.id` if, and only if, it is new. What there was before, and how
        many sessions live at `device.last_seen_at`, is exact where the caller holds the user's lock: no session is
        added then, though some may end.
        """
        ...

    async def use_device_token(self, user_id: UserId, token_hash: bytes, at: datetime) -> Device | None:
        """The user's device that has this token, which was used now; None if they have none."""
        ...

    async def add_device_token(self, token: DeviceToken, *, keep: int) -> None:
        """Keep a token; of its device only the `keep` latest issued ones stay good."""
        ...

    async def end_all_on(
        self, user_id: UserId, device_id: DeviceId, reason: EndReason, at: datetime
    ) -> tuple[SessionId, ...]:
        """End every session on the user's device that has not ended; those that this call ended, by id."""
        ...

    async def lock_device(self, user_id: UserId, device_id: DeviceId) -> bool:
        """Whether the device is one of the user's; nobody signs in on it until this transaction ends."""
        ...

    async def void_device_tokens(self, user_id: UserId, device_id: DeviceId | None) -> int:
        """The device, or each of the user's if None, is not known any more; how many tokens there were."""
        ...

    async def forget_devices(self, *, unseen_since: datetime, limit: int) -> int:
        """Delete up to `limit` devices that have no session and were last seen before this time; how many."""
        ...


class RefreshTokenStore(Protocol):
    """Refresh tokens inside a transaction, reached as `tx.refresh_tokens`."""

    async def add(self, token: RefreshToken) -> None:
        """Keep a new token."""
        ...

    async def lock_family(self, token_hash: bytes) -> RefreshFamily | None:
        """What decides about this token, read after the session was locked; None for a token that never was.

        Whoever calls it first for a session decides first; others wait, and see what that one left.
        """
        ...

    async def rotate(self, token_hash: bytes, *, at: datetime, child: RefreshToken, child_salt: bytes) -> None:
        """Mark the token as used, keep its child, and erase the salt that made the token itself."""
        ...

    async def erase_salts(self, *, rotated_before: datetime) -> int:
        """Erase the salts of closed windows; how many there were."""
        ...


class SessionReader(Protocol):
    """Sessions outside a transaction."""

    async def live_of(self, user_id: UserId, now: datetime) -> tuple[Session, ...]:
        """The user's live sessions, latest activity first, then by id descending.

        Live means: neither ended nor expired at `now`, and of the user's present epoch.
        """
        ...


class DeviceReader(Protocol):
    """Devices outside a transaction; never cached."""

    async def of_user(self, user_id: UserId, *, current: SessionId | None) -> tuple[ListedDevice, ...]:
        """The user's devices, last seen first, then by id descending; `current` runs on the one that asks."""
        ...

    async def known(self, user_id: UserId, token_hash: bytes) -> DeviceId | None:
        """Which device of the user has this token; None if they have none that does."""
        ...


class SessionsTx(ActivityTx, FeedTx, JobsTx, Protocol):
    """What session management does in one transaction."""

    @property
    def sessions(self) -> SessionStore:
        """Sessions."""
        ...

    @property
    def refresh_tokens(self) -> RefreshTokenStore:
        """Refresh tokens."""
        ...
