"""Invitations, deletions and exports."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import UNSET, UnsetType

from revenge_core.entity import Entity
from revenge_core.ids import ExportId, InvitationId, UserId
from revenge_core.rbac.entities import MEMBER, Belonging, RoleGrant
from revenge_core.secrets import Secret
from revenge_core.users.entities import Avatar, Listed, NewUser, Preferences, User, UserChanges


class Registration(StrEnum):
    """Who may make an account for themselves (decisions I11)."""

    CLOSED = "closed"
    INVITE = "invite"
    OPEN = "open"


class AccountRules(Entity, kw_only=True):
    """What the host decided about accounts (decisions I10, I11)."""

    registration: Registration = Registration.OPEN
    bootstrap_lifetime: timedelta = timedelta(hours=24)
    grace: timedelta = timedelta(days=30)
    """How long a deleted account can come back."""
    invitation_lifetime: timedelta = timedelta(days=7)
    """Where whoever invites does not say."""
    export_lifetime: timedelta = timedelta(days=7)
    export_max_bytes: int = 100 * 1024 * 1024


class NewInvitation(Entity, kw_only=True):
    """Whom to let in, and as what."""

    role: str = MEMBER
    libraries: tuple[str, ...] = ()
    """Ids of libraries that are granted with it; stored now, and applied when libraries are there."""
    uses: int = 1
    """How many accounts can be made with it."""
    expires_at: datetime | None = None
    """None: the usual time from now."""
    email: str | None = None
    """Where to send it. Only an account with this address can be made then; if it was mailed, that verifies it."""
    note: str | None = None
    """For whoever administers."""


class Invitation(Entity, kw_only=True):
    """The right to make an account, for whoever has the token. Known by its digest only (ASVS 6.4.1)."""

    id: InvitationId
    token_hash: bytes
    role: str
    libraries: tuple[str, ...]
    uses: int
    used: int
    email: str | None
    note: str | None
    created_by: UserId | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


class Invited(Entity, kw_only=True):
    """A new invitation, with the token that is told once, and the link that holds it."""

    invitation: Invitation
    token: Secret
    link: Secret


class NewAccount(NewUser, kw_only=True):
    """An account that an administrator makes. Nobody but its owner ever knows the password (ASVS 6.4.6)."""

    roles: frozenset[str] = frozenset({MEMBER})
    email_verified: bool = False


class Created(Entity, kw_only=True):
    """An account that an administrator made. Its owner chooses the password, by mail or else by the link."""

    account: Listed
    link: Secret | None


class AccountChanges(UserChanges, kw_only=True):
    """What an administrator wants changed, more than its owner may. There is no password here (ASVS 6.4.6).

    Another address takes effect at once, and both are told.
    """

    username: str | UnsetType = UNSET
    email_verified: bool | UnsetType = UNSET
    qar_enabled: bool | UnsetType = UNSET
    roles: frozenset[str] | UnsetType = UNSET
    """All roles that the account then has."""


class BootstrapToken(Entity, kw_only=True):
    """The right to make the first admin, once (decisions I1)."""

    token_hash: bytes
    created_at: datetime
    expires_at: datetime


class ExportState(StrEnum):
    """How far an export is."""

    EXPIRED = "expired"
    FAILED = "failed"
    PENDING = "pending"
    READY = "ready"


class Export(Entity, kw_only=True):
    """All that is known of somebody, for themselves (GDPR articles 15 and 20). One at a time for each account."""

    id: ExportId
    user_id: UserId
    state: ExportState
    requested_at: datetime
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    """When its file is removed."""
    key: str | None = None
    """Where its file is or will be; None once it is removed."""
    size: int | None = None


class Person(Entity, kw_only=True):
    """One user, with what there is once of each."""

    user: User
    roles: tuple[RoleGrant, ...]
    """By name."""
    groups: tuple[Belonging, ...]
    """By name and source."""
    preferences: Preferences
    avatar: Avatar | None
