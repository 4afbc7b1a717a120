"""Accounts, as everybody but their password sees them."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import UNSET, UnsetType

from revenge_core.entity import Entity
from revenge_core.ids import AvatarId, UserId


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
    pending_email: str | None = None
    """The address to be used once somebody proved that mail sent there is read (decisions I9, rulings R23)."""
    epoch: int = 0
    version: int = 0
    """Counts changes that somebody made to the account, not sign-ins: what `ETag` and `If-Match` go by (W7)."""
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None = None
    deleted_at: datetime | None = None
    purge_at: datetime | None = None
    """When a deleted account is erased and its names are free again (rulings R20)."""
    may_return: bool = False
    """Whether whoever was deleted may sign in until then, which restores the account: they did it themselves."""


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
    locale: str | UnsetType = UNSET


class Profile(Entity, kw_only=True):
    """An account, as somebody else may see it (decisions I10)."""

    user: User
    shows_email: bool
    shows_everything: bool
    """Whether the viewer may look at accounts as a whole: its owner, and administrators."""
    roles: frozenset[str]
    """Empty unless the viewer sees everything."""


class UserFilter(Entity, kw_only=True):
    """Which accounts to list; None narrows nothing."""

    query: str | None = None
    """Part of the user name, the address or the name for display, in any letters."""
    is_active: bool | None = None
    is_admin: bool | None = None
    is_deleted: bool = False
    """Deleted accounts that are not purged yet, instead of living ones."""
    role: str | None = None


class Listed(Entity, kw_only=True):
    """One account with its roles."""

    user: User
    roles: frozenset[str]


class UserPage(Entity, kw_only=True):
    """Some of the accounts that fit, and how many there are in all."""

    users: tuple[Listed, ...]
    total: int


class Visibility(StrEnum):
    """Who sees somebody's profile. Nobody has friends yet, so `friends` is as `private` (identity.md 2.1)."""

    FRIENDS = "friends"
    PRIVATE = "private"
    PUBLIC = "public"


class Theme(StrEnum):
    """How pages look."""

    DARK = "dark"
    LIGHT = "light"
    SYSTEM = "system"


class MailFrequency(StrEnum):
    """How soon news come by mail."""

    DAILY = "daily"
    INSTANT = "instant"
    WEEKLY = "weekly"


class DigestFrequency(StrEnum):
    """How often a digest comes."""

    DAILY = "daily"
    MONTHLY = "monthly"
    WEEKLY = "weekly"


class MailNews(Entity, kw_only=True):
    """News by mail."""

    enabled: bool = True
    frequency: MailFrequency = MailFrequency.INSTANT


class PushNews(Entity, kw_only=True):
    """News on devices."""

    enabled: bool = False


class DigestNews(Entity, kw_only=True):
    """A digest of what happened."""

    enabled: bool = True
    frequency: DigestFrequency = DigestFrequency.WEEKLY


class Preferences(Entity, kw_only=True):
    """What somebody wants. Who never said anything has the defaults, and reading writes nothing (identity.md, 21)."""

    user_id: UserId
    email_notifications: MailNews = MailNews()
    push_notifications: PushNews = PushNews()
    digest_notifications: DigestNews = DigestNews()
    profile_visibility: Visibility = Visibility.PRIVATE
    show_email: bool = False
    show_activity: bool = True
    theme: Theme = Theme.SYSTEM
    display_language: str = "en-US"
    content_language: str = ""
    """A list of languages, separated by commas; empty for any."""
    metadata_language: str = "en"
    show_adult_content: bool = False
    show_spoilers: bool = False
    auto_play_videos: bool = True
    version: int = 0


class PreferenceChanges(Entity, kw_only=True):
    """What somebody wants changed. Absent means: keep; a notifications object replaces the stored one as a whole."""

    email_notifications: MailNews | UnsetType = UNSET
    push_notifications: PushNews | UnsetType = UNSET
    digest_notifications: DigestNews | UnsetType = UNSET
    profile_visibility: Visibility | UnsetType = UNSET
    show_email: bool | UnsetType = UNSET
    show_activity: bool | UnsetType = UNSET
    theme: Theme | UnsetType = UNSET
    display_language: str | UnsetType = UNSET
    content_language: str | UnsetType = UNSET
    metadata_language: str | UnsetType = UNSET
    show_adult_content: bool | UnsetType = UNSET
    show_spoilers: bool | UnsetType = UNSET
    auto_play_videos: bool | UnsetType = UNSET


class Picture(Entity, kw_only=True):
    """A picture, drawn anew from what was uploaded: nothing of the upload's bytes or metadata is in it."""

    content: bytes
    media_type: str
    width: int
    height: int


class Avatar(Entity, kw_only=True):
    """The picture of an account. Each upload is a version of its own, the latest is shown."""

    id: AvatarId
    user_id: UserId
    key: str
    """Under which the storage keeps it; it says nothing of the account that anybody could guess."""
    size: int
    media_type: str
    width: int
    height: int
    version: int
    uploaded_at: datetime


class AvatarRules(Entity, kw_only=True):
    """What the host decided about pictures (decisions I10, ASVS 5.2)."""

    max_bytes: int = 2 * 1024 * 1024
    media_types: frozenset[str] = frozenset({"image/jpeg", "image/png", "image/webp"})
    min_pixels: int = 16
    """Per side."""
    max_pixels: int = 4096
    """Per side."""


class Purpose(StrEnum):
    """What a one-time token is good for, and nothing else (ASVS 6.6.2)."""

    EMAIL_CHANGE = "email_change"
    EMAIL_VERIFY = "email_verify"
    PASSWORD_RESET = "password_reset"  # noqa: S105 (the name of a purpose)


class OneTimeToken(Entity, kw_only=True):
    """The right to do one thing once, sent to an address: whoever reads mail there has it. Known by its digest only."""

    token_hash: bytes
    purpose: Purpose
    user_id: UserId
    email: str | None
    """Where it was sent; it proves nothing about any other address (identity.md, 14). None: handed over as a link."""
    created_at: datetime
    expires_at: datetime


class AddressRules(Entity, kw_only=True):
    """What the host decided about e-mail addresses (decisions I9)."""

    verify_lifetime: timedelta = timedelta(hours=24)
    must_verify: bool = False
    """Whether nobody signs in before their address is verified."""
