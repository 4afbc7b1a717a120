"""Administrators in the stories, and those with fewer rights than they have."""

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.accounts.entities import AccountChanges
from revenge_core.activity.entities import FieldChange
from revenge_core.actor import Actor
from revenge_core.ids import GroupId, UserId
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import GrantSource, Group, Membership
from revenge_core.testing.builders import NOW, an_id
from revenge_core.users.entities import User
from tests.core.people import act, admin, join, last_entry

__all__ = ["ACTS", "RIGHTS", "Act", "admin", "helper", "put_into_group", "roles_of", "told", "user_of"]

MEMBER_RIGHTS = frozenset(
    {
        Permission.LIBRARIES_GET,
        Permission.LIBRARIES_LIST,
        Permission.MOVIES_GET,
        Permission.MOVIES_LIST,
        Permission.PLAYBACK_STREAM,
        Permission.PROFILE_READ,
        Permission.NOTIFICATIONS_GET,
        Permission.NOTIFICATIONS_LIST,
        Permission.PLAYBACK_PROGRESS,
        Permission.PROFILE_UPDATE,
        Permission.REQUESTS_CREATE,
        Permission.REQUESTS_GET,
        Permission.REQUESTS_LIST,
        Permission.SETTINGS_USER_READ,
        Permission.SETTINGS_USER_WRITE,
    }
)
"""What the role `user` carries."""


async def helper(box: Sandbox, *permissions: Permission, name: str = "helper") -> Actor:
    """A member who may do this as well, and nothing else."""
    actor = await act(box, await join(box, name))
    return replace(actor, permissions=MEMBER_RIGHTS | frozenset(permissions))


def put_into_group(box: Sandbox, user: User | UserId, *roles: str) -> Group:
    """Let them carry roles together."""
    user_id = user.id if isinstance(user, User) else user
    group = Group(
        id=GroupId(an_id()), name="Club", name_key="club", roles=frozenset(roles), created_at=NOW, updated_at=NOW
    )
    box.rows.groups[group.id] = group
    membership = Membership(group_id=group.id, user_id=user_id, source=GrantSource.OIDC, added_at=NOW)
    box.rows.members[group.id, user_id, membership.source] = membership
    return group


def user_of(box: Sandbox, user: User) -> User:
    """The account as it is now."""
    return box.rows.users[user.id]


def roles_of(box: Sandbox, user: User) -> set[str]:
    return {role for holder, role, _ in box.rows.grants if holder == user.id}


def told(box: Sandbox) -> dict[str, FieldChange]:
    """What the latest entry of the audit log says of before and after."""
    return last_entry(box).changes


Act = Callable[[Sandbox, Actor, UserId], Awaitable[object]]

ACTS: dict[str, Act] = {
    "change": lambda box, actor, user_id: box.revenge.administration.change(
        actor, user_id, AccountChanges(display_name="x")
    ),
    "delete": lambda box, actor, user_id: box.revenge.administration.delete(actor, user_id),
    "disable": lambda box, actor, user_id: box.revenge.administration.disable(actor, user_id),
    "enable": lambda box, actor, user_id: box.revenge.administration.enable(actor, user_id),
    "restore": lambda box, actor, user_id: box.revenge.administration.restore(actor, user_id),
    "revoke_sessions": lambda box, actor, user_id: box.revenge.administration.revoke_sessions(actor, user_id),
    "send_reset": lambda box, actor, user_id: box.revenge.administration.send_reset(actor, user_id),
}
"""All that is done to somebody."""
RIGHTS = {
    "change": Permission.USERS_UPDATE,
    "delete": Permission.USERS_DELETE,
    "disable": Permission.USERS_UPDATE,
    "enable": Permission.USERS_UPDATE,
    "restore": Permission.USERS_DELETE,
    "revoke_sessions": Permission.SESSIONS_REVOKE,
    "send_reset": Permission.USERS_UPDATE,
}
