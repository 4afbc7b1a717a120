"""Administrators in the stories, and those with fewer rights than they have."""

from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.activity.entities import FieldChange
from revenge_core.actor import Actor
from revenge_core.permissions import Permission
from revenge_core.users.entities import User
from tests.core.people import act, admin, join, last_entry

__all__ = ["admin", "helper", "roles_of", "told", "user_of"]

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


def user_of(box: Sandbox, user: User) -> User:
    """The account as it is now."""
    return box.rows.users[user.id]


def roles_of(box: Sandbox, user: User) -> set[str]:
    return {role for holder, role in box.rows.grants if holder == user.id}


def told(box: Sandbox) -> dict[str, FieldChange]:
    """What the latest entry of the audit log says of before and after."""
    return last_entry(box).changes
