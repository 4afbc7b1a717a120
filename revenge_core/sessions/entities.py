"""Sign-ins that are still good, the devices they run on, and the tokens that renew them."""

from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto

from revenge_core.entity import Entity
from revenge_core.ids import DeviceId, SessionId, UserId
from revenge_core.secrets import Secret


class ClientType(StrEnum):
    """What kind of client signed in: lifetimes differ by it (decisions I5)."""

    APP = "app"
    BROWSER = "browser"
    TV = "tv"


class EndReason(StrEnum):
    """Why a session is over."""

    EVICTED = "evicted"
    EXPIRED = "expired"
    IDLE = "idle"
    LOGOUT = "logout"
    ACCOUNT_DELETED = "account_deleted"
    ACCOUNT_DISABLED = "account_disabled"
    DEVICE_FORGOTTEN = "device_forgotten"
    PASSWORD_RESET = "password_reset"  # noqa: S105 (the name of a reason)
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (the name of a reason)
    REFRESH_REUSED = "refresh_reused"
    REVOKED = "revoked"


class Session(Entity, kw_only=True):
    """One sign-in on one device: a family of refresh tokens, and what access tokens are bound to.

    It is over at `ended_at`, at `expires_at` (which never moves), at `idle_expires_at` (which moves with activity),
    or when `epoch` is no longer its user's.
    """

    id: SessionId
    user_id: UserId
    device_id: DeviceId
    epoch: int
    client_type: ClientType
    device_name: str | None
    user_agent: str | None
    address: str | None
    methods: tuple[str, ...]
    """How the user proved who they are: RFC 8176 `amr` values."""
    level: int
    """Authentication level: 1 one factor, 2 two factors."""
    authenticated_at: datetime
    created_at: datetime
    last_activity_at: datetime
    idle_expires_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    end_reason: EndReason | None = None

    def is_live(self, *, user_epoch: int, user_active: bool, now: datetime) -> bool:
        """Whether the session is good for anything at this time (decisions I4)."""
        return (
            self.ended_at is None
            and user_active
            and self.epoch == user_epoch
            and now < self.expires_at
            and now < self.idle_expires_at
        )


class Device(Entity, kw_only=True):
    """What a user signs in from. The fingerprint labels it and proves nothing (rulings R18)."""

    id: DeviceId
    user_id: UserId
    fingerprint: str
    """Client type, name and platform, as one text; unique per user."""
    client_type: ClientType
    name: str | None
    platform: str | None
    last_address: str | None
    created_at: datetime
    last_seen_at: datetime


class Arrival(Entity, kw_only=True):
    """A device that somebody signs in on, and what there was before."""

    device: Device
    seen_before: datetime | None
    """When it was seen last, if it was."""
    address_before: str | None
    live_sessions: int
    """Those of its user, on whatever device."""


class ListedDevice(Entity, kw_only=True):
    """One device of a list."""

    device: Device
    is_known: bool
    """Whether it holds a token, and so is known when somebody signs in with it."""
    is_current: bool
    """Whether the session that asks runs on it."""


class DeviceToken(Entity, kw_only=True):
    """What a device keeps to be known again (rulings R18): random, known by its digest only, good for one user."""

    token_hash: bytes
    device_id: DeviceId
    user_id: UserId
    issued_at: datetime
    last_used_at: datetime


class Opened(Entity, kw_only=True):
    """A session that just began."""

    session: Session
    refresh_token: Secret
    device: Device
    is_known: bool
    """Whether it came with a token of this user's device."""
    device_token: Secret | None
    """To be handed out where it is not known."""
    should_tell: bool
    """Whether the owner should hear of the device: not more than once a day of the same kind at the same address."""


class Renewed(Entity, kw_only=True):
    """A session that goes on, and its next refresh token."""

    session: Session
    refresh_token: Secret


class Stolen(Entity, kw_only=True):
    """A session that was ended, since an old token was presented; and whom to tell."""

    session: Session
    username: str
    email: str
    email_verified: bool


class Lifetime(Entity, kw_only=True):
    """How long a session lasts without activity, and at most."""

    idle: timedelta = timedelta(days=30)
    absolute: timedelta = timedelta(days=90)


class SessionRules(Entity, kw_only=True):
    """What the host decided about sessions (decisions I5, I6)."""

    app: Lifetime = Lifetime()
    browser: Lifetime = Lifetime()
    tv: Lifetime = Lifetime()
    max_per_user: int = 10
    replay_window: timedelta = timedelta(seconds=10)
    """How long after its first use a refresh token still answers with the same child (rulings R16)."""

    def lifetime(self, client_type: ClientType) -> Lifetime:
        """The lifetime for this kind of client."""
        match client_type:
            case ClientType.APP:
                return self.app
            case ClientType.BROWSER:
                return self.browser
            case ClientType.TV:
                return self.tv


class RefreshToken(Entity, kw_only=True):
    """One link of a session's chain, known by its digest only.

    `child_salt` and the token's own plaintext give the child's plaintext; it is erased when the window closes or the
    child is used, so that the database alone reveals nothing (rulings R16).
    """

    token_hash: bytes
    session_id: SessionId
    issued_at: datetime
    rotated_at: datetime | None = None
    child_hash: bytes | None = None
    child_salt: bytes | None = None


class RefreshVerdict(Enum):
    """What to do with a presented refresh token."""

    ROTATE = auto()
    """It is the newest: replace it by a child."""
    REPLAY = auto()
    """Its answer was lost: give the same child again."""
    THEFT = auto()
    """It is old: end this session and no other."""
    DEAD = auto()
    """Its session is over already."""


class RefreshFamily(Entity, kw_only=True):
    """A presented refresh token with all that decides about it, locked until the transaction ends."""

    presented: RefreshToken
    child_used: bool
    session: Session
    user_epoch: int
    user_active: bool
    """Whether the user lives and is not disabled."""
    username: str
    """Its user, and the address where they are told of a theft."""
    email: str
    email_verified: bool


class Sighting(Entity, kw_only=True):
    """A session was used at this time, from this address."""

    session_id: SessionId
    at: datetime
    address: str | None
