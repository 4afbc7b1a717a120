"""`/users`: one's own account, and what others show of theirs."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from revenge_core.errors import ReauthRequired
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import ADMIN
from revenge_core.users import UserChanges, entities
from revenge_core.users.errors import (
    EmailChangeTooSoon,
    EmailChangeUnavailable,
    EmailTaken,
    UserInvalid,
    UserNotFound,
)
from revenge_http.access import needs
from revenge_http.answers import Tagged
from revenge_http.operations import Call, operation
from revenge_http.wire import Timestamp, Wire, present

Email = Annotated[str, Meta(extra_json_schema={"format": "email"})]
DisplayName = Annotated[str, Meta(extra_json_schema={"maxLength": 100})]


class User(Wire, kw_only=True):
    """An account. What is not known is left out."""

    id: UUID
    username: str
    email: Email
    display_name: str | UnsetType = UNSET
    avatar_url: str | UnsetType = UNSET
    locale: str
    timezone: str
    qar_enabled: bool
    is_active: bool
    is_admin: bool
    email_verified: bool
    pending_email: Email | UnsetType = UNSET
    """The address to be used once mail that was sent there has been answered."""
    created_at: Timestamp
    last_login_at: Timestamp | UnsetType = UNSET

    @classmethod
    def of(cls, user: entities.User, *, is_admin: bool, prefix: str = "") -> "User":
        """The account as its owner sees it; `prefix` stands before every path of this server."""
        return cls(
            id=user.id,
            username=user.username,
            email=user.email,
            display_name=present(user.display_name),
            avatar_url=_picture_of(user, prefix),
            locale=user.locale,
            timezone=user.timezone,
            qar_enabled=user.qar_enabled,
            is_active=user.is_active,
            is_admin=is_admin,
            email_verified=user.email_verified,
            pending_email=present(user.pending_email),
            created_at=user.created_at,
            last_login_at=present(user.last_login_at),
        )


class Profile(Wire, kw_only=True):
    """Somebody's account, as far as one may see it: of others their name and picture, the address if they show it."""

    id: UUID
    username: str
    email: Email | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    avatar_url: str | UnsetType = UNSET
    is_active: bool
    created_at: Timestamp
    locale: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    qar_enabled: bool | UnsetType = UNSET
    is_admin: bool | UnsetType = UNSET
    email_verified: bool | UnsetType = UNSET
    last_login_at: Timestamp | UnsetType = UNSET
    """From `locale` to here: for its owner and for administrators."""

    @classmethod
    def of(cls, profile: entities.Profile, prefix: str) -> "Profile":
        """What the viewer may see. What is not named here stays hidden, also if accounts get more fields."""
        user = profile.user
        shown = cls(
            id=user.id,
            username=user.username,
            email=user.email if profile.shows_email else UNSET,
            display_name=present(user.display_name),
            avatar_url=_picture_of(user, prefix),
            is_active=user.is_active,
            created_at=user.created_at,
        )
        if not profile.shows_everything:
            return shown
        return replace(
            shown,
            locale=user.locale,
            timezone=user.timezone,
            qar_enabled=user.qar_enabled,
            is_admin=ADMIN in profile.roles,
            email_verified=user.email_verified,
            last_login_at=present(user.last_login_at),
        )


class UserUpdate(Wire, kw_only=True):
    """What to change about one's account; what is left out stays."""

    email: Email | UnsetType = UNSET
    display_name: DisplayName | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET


@operation("GET", "/api/v1/users/me", "getCurrentUser", needs(Permission.PROFILE_READ))
async def get_me(call: Call) -> Tagged[User]:
    """One's own account."""
    return _own(call, await call.revenge.users.me(call.actor))


async def _update_me(call: Call, body: UserUpdate) -> Tagged[User]:
    """Change one's own account; what is left out stays, and another address waits until it is verified."""
    changes = UserChanges(email=body.email, display_name=body.display_name, locale=body.locale, timezone=body.timezone)
    return _own(call, await call.revenge.users.update_me(call.actor, changes, version=call.version))


def _own(call: Call, user: entities.User) -> Tagged[User]:
    return Tagged(User.of(user, is_admin=ADMIN in call.actor.roles, prefix=call.prefix), user.version)


def _picture_of(user: entities.User, prefix: str) -> str | UnsetType:
    return UNSET if user.avatar_url is None else prefix + user.avatar_url


_may_update = needs(Permission.PROFILE_UPDATE)
_refusals = (UserInvalid, ReauthRequired, EmailTaken, EmailChangeUnavailable, EmailChangeTooSoon)
put_me = operation("PUT", "/api/v1/users/me", "updateCurrentUser", _may_update, raises=_refusals)(_update_me)
patch_me = operation("PATCH", "/api/v1/users/me", "patchCurrentUser", _may_update, raises=_refusals)(_update_me)


@operation("GET", "/api/v1/users/{userId}", "getUserById", needs(Permission.PROFILE_READ), raises=(UserNotFound,))
async def get_user(call: Call, user_id: UUID) -> Tagged[Profile]:
    """Somebody's profile, if they show it to everybody; one's own and, for administrators, anybody's as a whole."""
    profile = await call.revenge.users.profile(call.actor, UserId(user_id))
    # How often somebody changed their account concerns no stranger.
    version = profile.user.version if profile.shows_everything else 0
    return Tagged(Profile.of(profile, call.prefix), version)


operations = (get_me, put_me, patch_me, get_user)
