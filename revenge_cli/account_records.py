"""Accounts, sessions, invitations and limits as the shell shows them, wherever the server is. Keys are the API's."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

import msgspec

from revenge_core.accounts.entities import Invitation
from revenge_core.auth.entities import GuessCount
from revenge_core.entity import Entity
from revenge_core.rbac.entities import ADMIN
from revenge_core.sessions.entities import Session
from revenge_core.users.entities import Listed

Row = dict[str, Any]


class Person(Entity, kw_only=True):
    """An account, as whoever administers accounts sees it."""

    id: UUID
    username: str
    email: str
    display_name: str | None = None
    avatar_url: str | None = None
    locale: str
    timezone: str
    qar_enabled: bool
    is_active: bool
    is_admin: bool
    email_verified: bool
    roles: tuple[str, ...] = ()
    pending_email: str | None = None
    created_at: datetime
    last_login_at: datetime | None = None
    deleted_at: datetime | None = None
    purge_at: datetime | None = None
    may_return: bool | None = None

    @classmethod
    def of(cls, listed: Listed) -> Self:
        """The account of a running Revenge."""
        user = listed.user
        return cls(
            id=user.id,
            username=user.username,
            email=user.email,
            display_name=user.display_name,
            avatar_url=user.avatar_url,
            locale=user.locale,
            timezone=user.timezone,
            qar_enabled=user.qar_enabled,
            is_active=user.is_active,
            is_admin=ADMIN in listed.roles,
            email_verified=user.email_verified,
            roles=tuple(sorted(listed.roles)),
            pending_email=user.pending_email,
            created_at=user.created_at,
            last_login_at=user.last_login_at,
            deleted_at=user.deleted_at,
            purge_at=user.purge_at,
            may_return=None if user.deleted_at is None else user.may_return,
        )

    @property
    def state(self) -> str:
        """One word for lists."""
        if self.deleted_at is not None:
            return "deleted"
        return "active" if self.is_active else "disabled"


class People(Entity, kw_only=True):
    """Some accounts, and how many fit in all."""

    users: tuple[Person, ...]
    total: int


class SignIn(Entity, kw_only=True):
    """A live session."""

    id: UUID
    device_name: str | None = None
    client_type: str
    ip_address: str
    user_agent: str | None = None
    created_at: datetime
    last_activity_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, session: Session) -> Self:
        """The session of a running Revenge."""
        return cls(
            id=session.id,
            device_name=session.device_name,
            client_type=session.client_type.value,
            ip_address=session.address or "",
            user_agent=session.user_agent,
            created_at=session.created_at,
            last_activity_at=session.last_activity_at,
            expires_at=min(session.expires_at, session.idle_expires_at),
        )


class Invite(Entity, kw_only=True):
    """An invitation; `link` is there where it was just made, and never again."""

    id: UUID
    role: str
    libraries: tuple[str, ...] = ()
    uses: int
    used: int
    email: str | None = None
    note: str | None = None
    created_by: UUID | None = None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    link: str | None = None

    @classmethod
    def of(cls, invitation: Invitation, link: str | None = None) -> Self:
        """The invitation of a running Revenge."""
        return cls(
            id=invitation.id,
            role=invitation.role,
            libraries=invitation.libraries,
            uses=invitation.uses,
            used=invitation.used,
            email=invitation.email,
            note=invitation.note,
            created_by=invitation.created_by,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
            revoked_at=invitation.revoked_at,
            link=link,
        )


class Count(Entity, kw_only=True):
    """How much of an allowance for guesses is used up."""

    key: str
    used: float
    at: datetime
    refused: int

    @classmethod
    def of(cls, count: GuessCount) -> Self:
        """The count of a running Revenge."""
        return cls(key=count.key, used=count.used, at=count.at, refused=count.refused)


def record_of(entity: Entity) -> Row:
    """The fields as JSON has them; times stay times, ids are texts."""
    record: Row = msgspec.to_builtins(entity, builtin_types=(datetime,))
    return record


def person_row(person: Person) -> Row:
    """An account on one line."""
    return record_of(person) | {"state": person.state}


def invite_record(invite: Invite) -> Row:
    """An invitation; without its link, which nobody has any more."""
    record = record_of(invite)
    if invite.link is None:
        del record["link"]
    return record


def invite_row(invite: Invite) -> Row:
    """An invitation on one line."""
    return record_of(invite) | {"used": f"{invite.used}/{invite.uses}"}
