"""The revocation feed: how every process learns that something it may have cached is no longer true (rulings R25)."""

from enum import StrEnum
from typing import Protocol

from revenge_core.entity import Entity
from revenge_core.ids import GroupId, KeyId, SessionId, UserId


class Topic(StrEnum):
    """What kind of thing changed."""

    API_KEY = "api_key"
    GROUP = "group"
    ROLES = "roles"
    SESSION = "session"
    SIGNING_KEYS = "signing_keys"
    USER = "user"


class Change(Entity, kw_only=True):
    """One thing that is no longer as it was. It says what to forget, never what is true now."""

    topic: Topic
    key: str = ""

    @classmethod
    def of_group(cls, group_id: GroupId) -> "Change":
        """What the group carries changed. Who joins or leaves one is announced as a change of the user."""
        return cls(topic=Topic.GROUP, key=str(group_id))

    @classmethod
    def of_key(cls, key_id: KeyId) -> "Change":
        """The API key was changed, rotated or revoked."""
        return cls(topic=Topic.API_KEY, key=str(key_id))

    @classmethod
    def of_session(cls, session_id: SessionId) -> "Change":
        """The session ended or was restamped."""
        return cls(topic=Topic.SESSION, key=str(session_id))

    @classmethod
    def of_user(cls, user_id: UserId) -> "Change":
        """The account, its profile, its roles or its credential epoch changed."""
        return cls(topic=Topic.USER, key=str(user_id))


ROLES_CHANGED = Change(topic=Topic.ROLES)
SIGNING_KEYS_CHANGED = Change(topic=Topic.SIGNING_KEYS)


class ChangeFeed(Protocol):
    """The transaction's end of the feed, reached as `tx.feed`."""

    def publish(self, *changes: Change) -> None:
        """Announce changes if, and only if, this transaction commits.

        Numbers are drawn at commit, under a lock, so that they become visible in order; a rolled-back transaction
        announces nothing.
        """
        ...


class FeedTx(Protocol):
    """A transaction that can announce changes."""

    @property
    def feed(self) -> ChangeFeed:
        """Where to announce what others may have cached."""
        ...
