"""What account management needs from outside."""

from datetime import datetime
from typing import Protocol

from revenge_core.activity.ports import ActivityTx
from revenge_core.feed import FeedTx
from revenge_core.ids import UserId
from revenge_core.users.entities import User


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

    async def mark_login(self, user_id: UserId, at: datetime) -> None:
        """Set `last_login_at` and nothing else."""
        ...


class UserReader(Protocol):
    """Accounts outside a transaction."""

    async def by_id(self, user_id: UserId) -> User | None:
        """The living account with that id, or None; never older than the revocation feed allows."""
        ...


class UsersTx(ActivityTx, FeedTx, Protocol):
    """What account management does in one transaction."""

    @property
    def users(self) -> UserStore:
        """Accounts."""
        ...
