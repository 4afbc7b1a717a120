"""Accounts, as everybody but their password sees them."""

from datetime import datetime

from msgspec import UNSET, UnsetType

from revenge_core.entity import Entity
from revenge_core.ids import UserId


class User(Entity, kw_only=True):
    """One account.

    `username_key` and `email_key` are the normalised forms that make names unique among the living (decisions I9).
    `epoch` counts credential changes: a session is good only while it carries the present one (decisions I4).
    """

    id: UserId
    username: str
    username_key: str
    email: str
    email_key: str
    display_name: str | None = None
    avatar_url: str | None = None
    locale: str = "en-US"
    timezone: str = "UTC"
    qar_enabled: bool = False
    is_active: bool = True
    email_verified: bool = False
    epoch: int = 0
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None = None
    deleted_at: datetime | None = None


class NewUser(Entity, kw_only=True):
    """What somebody gives to get an account, besides the password."""

    username: str
    email: str
    display_name: str | None = None


class UserChanges(Entity, kw_only=True):
    """What somebody wants changed about their own account. Absent means: keep."""

    email: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
