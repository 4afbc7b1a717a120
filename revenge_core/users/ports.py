"""What accounts, as their owners and others see them, need from outside."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from revenge_core.activity.ports import ActivityTx
from revenge_core.background import JobsTx
from revenge_core.feed import FeedTx
from revenge_core.ids import UserId
from revenge_core.users.entities import (
    Avatar,
    AvatarRules,
    Listed,
    OneTimeToken,
    Picture,
    Preferences,
    Purpose,
    User,
    UserFilter,
    UserPage,
)


class UserStore(Protocol):
    """Accounts inside a transaction, reached as `tx.users`. Deleted ones are not found, but hold their names."""

    async def add(self, user: User) -> None:
        """Keep a new account.

        Raises:
            UsernameTaken: another account has `username_key`.
            EmailTaken: another account has `email_key`. Where both are taken, UsernameTaken.
        """
        ...

    async def lock(self, user_id: UserId) -> User | None:
        """The living account, which no other transaction changes until this one ends. None if there is none."""
        ...

    async def update(self, user: User) -> None:
        """Replace the account that has `user.id`; nothing happens if there is none.

        Raises:
            UsernameTaken, EmailTaken: as `add`.
        """
        ...

    async def id_of_email(self, email_key: str) -> UserId | None:
        """The account, living or deleted, that has this address. It decides nothing, `add` and `update` do."""
        ...

    async def lock_any(self, user_id: UserId) -> User | None:
        """The same for an account that was deleted but not purged, too."""
        ...

    async def lock_listed(self, user_id: UserId) -> Listed | None:
        """The same as `lock_any`, with the roles that the account holds at this moment, which others may change."""
        ...

    async def mark_login(self, user_id: UserId, at: datetime) -> None:
        """Set `last_login_at` and nothing else."""
        ...

    async def due_for_purge(self, *, by: datetime, limit: int) -> tuple[UserId, ...]:
        """Up to `limit` deleted accounts whose `purge_at` is `by` or before, the longest due first."""
        ...

    async def purge(self, user_id: UserId) -> bool:
        """Erase a deleted account and all that belongs to it in the database; its names are free. False if gone.

        The audit log keeps what it tells; whoever deletes files looks for them first.
        """
        ...


class PreferenceStore(Protocol):
    """Preferences inside a transaction, reached as `tx.preferences`."""

    async def lock(self, user_id: UserId) -> Preferences:
        """The user's preferences, defaults where nothing was said.

        Nobody else changes them until this transaction ends: it is the user that is locked, so that first words of two
        wait for each other as well.
        """
        ...

    async def put(self, preferences: Preferences) -> None:
        """Keep them, in place of those before."""
        ...


class AvatarStore(Protocol):
    """Pictures inside a transaction, reached as `tx.avatars`. The caller holds the user's lock."""

    async def latest_version(self, user_id: UserId) -> int:
        """The number of the user's latest picture ever, also where it is gone; 0 if there was none."""
        ...

    async def put(self, avatar: Avatar) -> Avatar | None:
        """Make `avatar` the user's picture; the one before, whose file nobody needs any more."""
        ...

    async def remove(self, user_id: UserId) -> Avatar | None:
        """Leave the user without a picture; the one that was removed."""
        ...

    async def in_use(self, keys: Collection[str]) -> frozenset[str]:
        """Which of these keys are somebody's picture, as far as is committed. It needs no lock."""
        ...


class OneTimeTokenStore(Protocol):
    """One-time tokens inside a transaction, reached as `tx.one_time_tokens`."""

    async def put(self, token: OneTimeToken) -> None:
        """Keep `token`; those that the user had for the same purpose are void."""
        ...

    async def find(self, token_hash: bytes, purpose: Purpose, at: datetime) -> OneTimeToken | None:
        """The token, if it could be used for this at this time; it decides nothing, `consume` does."""
        ...

    async def of_user(self, user_id: UserId, purpose: Purpose) -> OneTimeToken | None:
        """The token that the user has for this purpose, expired or not; None if it was used, void, or never was."""
        ...

    async def consume(self, token_hash: bytes, purpose: Purpose, at: datetime) -> OneTimeToken | None:
        """Use the token, if it is for this and not expired; of many callers one gets it, the others None.

        The caller holds the user's lock: everybody else who changes tokens of a user has it, too.
        """
        ...

    async def void(self, user_id: UserId, *purposes: Purpose) -> None:
        """No token of the user is good for these purposes any more."""
        ...

    async def forget_expired(self, *, by: datetime, limit: int) -> int:
        """Delete up to `limit` tokens that expired at `by` or before; how many."""
        ...


class UserReader(Protocol):
    """Accounts outside a transaction."""

    async def by_id(self, user_id: UserId) -> User | None:
        """The living account with that id, or None; never older than the revocation feed allows."""
        ...


class UserDirectory(Protocol):
    """All accounts, for those who look after them; never cached."""

    async def find(self, user_filter: UserFilter, *, limit: int, offset: int) -> UserPage:
        """Accounts that fit, the newest first (by created_at, then id, both descending).

        Text is found wherever it stands, in any letters; `%` and `_` in it are themselves.
        """
        ...

    async def any_by_id(self, user_id: UserId) -> Listed | None:
        """The account with its roles, living or deleted; None once it was purged."""
        ...

    async def id_of(self, name: str) -> UserId | None:
        """The living or deleted account with this user name, or else this address, in any letters."""
        ...


class PreferenceReader(Protocol):
    """Preferences outside a transaction."""

    async def of_user(self, user_id: UserId) -> Preferences:
        """The user's preferences, defaults where nothing was said. Reading writes nothing."""
        ...


class Pictures(Protocol):
    """Draws what was uploaded anew, at a cost that is bounded, without holding up anything else."""

    async def redraw(self, upload: bytes, rules: AvatarRules) -> Picture:
        """The picture in `upload`, upright, without metadata, animation or anything else that came with it.

        Raises:
            PictureInvalid: it is no picture, of another kind than allowed, too small or too large, or harmful.
            PicturesBusy: too many are being drawn.
        """
        ...


class UsersTx(ActivityTx, FeedTx, JobsTx, Protocol):
    """What account management does in one transaction."""

    @property
    def users(self) -> UserStore:
        """Accounts."""
        ...

    @property
    def preferences(self) -> PreferenceStore:
        """Preferences."""
        ...

    @property
    def avatars(self) -> AvatarStore:
        """Pictures."""
        ...

    @property
    def one_time_tokens(self) -> OneTimeTokenStore:
        """One-time tokens."""
        ...
