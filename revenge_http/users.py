"""`/users`: one's own account."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from revenge_core.permissions import Permission
from revenge_core.rbac.entities import ADMIN
from revenge_core.users import UserChanges, entities
from revenge_core.users.errors import EmailChangeUnavailable, UserInvalid
from revenge_http.access import needs
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
    created_at: Timestamp
    last_login_at: Timestamp | UnsetType = UNSET

    @classmethod
    def of(cls, user: entities.User, *, is_admin: bool) -> "User":
        """The account as its owner sees it."""
        return cls(
            id=user.id,
            username=user.username,
            email=user.email,
            display_name=present(user.display_name),
            avatar_url=present(user.avatar_url),
            locale=user.locale,
            timezone=user.timezone,
            qar_enabled=user.qar_enabled,
            is_active=user.is_active,
            is_admin=is_admin,
            email_verified=user.email_verified,
            created_at=user.created_at,
            last_login_at=present(user.last_login_at),
        )


class UserUpdate(Wire, kw_only=True):
    """What to change about one's account; what is left out stays."""

    email: Email | UnsetType = UNSET
    display_name: DisplayName | UnsetType = UNSET
    timezone: str | UnsetType = UNSET


@operation("GET", "/api/v1/users/me", "getCurrentUser", needs(Permission.PROFILE_READ))
async def get_me(call: Call) -> User:
    """One's own account."""
    user = await call.revenge.users.me(call.actor)
    return User.of(user, is_admin=ADMIN in call.actor.roles)


async def _update_me(call: Call, body: UserUpdate) -> User:
    """Change one's own account; what is left out stays, an empty display name removes it."""
    changes = UserChanges(email=body.email, display_name=body.display_name, timezone=body.timezone)
    user = await call.revenge.users.update_me(call.actor, changes)
    return User.of(user, is_admin=ADMIN in call.actor.roles)


_may_update = needs(Permission.PROFILE_UPDATE)
_refusals = (UserInvalid, EmailChangeUnavailable)
put_me = operation("PUT", "/api/v1/users/me", "updateCurrentUser", _may_update, raises=_refusals)(_update_me)
patch_me = operation("PATCH", "/api/v1/users/me", "patchCurrentUser", _may_update, raises=_refusals)(_update_me)

operations = (get_me, put_me, patch_me)
