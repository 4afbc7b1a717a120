"""Which scope of API keys each permission takes at least (decisions A4).

`read` is for looking at content and at how the server does, `write` for changing content, `admin` for all about people,
access and the server itself, looking included: whoever hands out a `read` key of an administrator does not expect that
it lists accounts and reads the audit log. A fine scope gives one permission without its bundle.
"""

from collections.abc import Mapping
from typing import Final

from revenge_core.apikeys.entities import KeyScope
from revenge_core.permissions import Permission

_READ: Final = (
    Permission.HEALTH_READ,
    Permission.INTEGRATIONS_GET,
    Permission.INTEGRATIONS_LIST,
    Permission.JOBS_GET,
    Permission.JOBS_LIST,
    Permission.LIBRARIES_GET,
    Permission.LIBRARIES_LIST,
    Permission.MOVIES_GET,
    Permission.MOVIES_LIST,
    Permission.NOTIFICATIONS_GET,
    Permission.NOTIFICATIONS_LIST,
    Permission.PLAYBACK_STREAM,
    Permission.PROFILE_READ,
    Permission.QUEUES_LIST,
    Permission.REQUESTS_GET,
    Permission.REQUESTS_LIST,
    Permission.SCHEDULES_LIST,
    Permission.SETTINGS_USER_READ,
    Permission.WORKERS_LIST,
)
_WRITE: Final = (
    Permission.INTEGRATIONS_CREATE,
    Permission.INTEGRATIONS_DELETE,
    Permission.INTEGRATIONS_SYNC,
    Permission.INTEGRATIONS_UPDATE,
    Permission.LIBRARIES_CREATE,
    Permission.LIBRARIES_DELETE,
    Permission.LIBRARIES_SCAN,
    Permission.LIBRARIES_UPDATE,
    Permission.MOVIES_CREATE,
    Permission.MOVIES_DELETE,
    Permission.MOVIES_UPDATE,
    Permission.NOTIFICATIONS_CREATE,
    Permission.NOTIFICATIONS_DELETE,
    Permission.NOTIFICATIONS_UPDATE,
    Permission.PLAYBACK_PROGRESS,
    Permission.PROFILE_UPDATE,
    Permission.REQUESTS_APPROVE,
    Permission.REQUESTS_CREATE,
    Permission.REQUESTS_DELETE,
    Permission.SETTINGS_USER_WRITE,
)
_ADMIN: Final = (
    Permission.ACTIVITY_LIST,
    Permission.ADMIN_ALL,
    Permission.APIKEYS_LIST,
    Permission.APIKEYS_REVOKE,
    Permission.AUDIT_EXPORT,
    Permission.AUDIT_READ,
    Permission.AUDIT_VERIFY,
    Permission.GROUPS_CREATE,
    Permission.GROUPS_DELETE,
    Permission.GROUPS_GET,
    Permission.GROUPS_LIST,
    Permission.GROUPS_UPDATE,
    Permission.INVITATIONS_CREATE,
    Permission.INVITATIONS_DELETE,
    Permission.INVITATIONS_GET,
    Permission.INVITATIONS_LIST,
    Permission.JOBS_ARGS,
    Permission.JOBS_CANCEL,
    Permission.JOBS_DELETE,
    Permission.JOBS_ENQUEUE,
    Permission.JOBS_RETRY,
    Permission.LIMITS_CLEAR,
    Permission.LIMITS_LIST,
    Permission.MAIL_TEST,
    Permission.QUEUES_UPDATE,
    Permission.ROLES_ASSIGN,
    Permission.ROLES_CREATE,
    Permission.ROLES_DELETE,
    Permission.ROLES_EXPLAIN,
    Permission.ROLES_GET,
    Permission.ROLES_LIST,
    Permission.ROLES_UPDATE,
    Permission.SCHEDULES_RUN,
    Permission.SCHEDULES_UPDATE,
    Permission.SESSIONS_LIST,
    Permission.SESSIONS_REVOKE,
    Permission.SETTINGS_READ,
    Permission.SETTINGS_WRITE,
    Permission.USERS_CREATE,
    Permission.USERS_DELETE,
    Permission.USERS_GET,
    Permission.USERS_LIST,
    Permission.USERS_UPDATE,
)

SMALLEST_SCOPE: Final[Mapping[Permission, KeyScope]] = {
    **dict.fromkeys(_READ, KeyScope.READ),
    **dict.fromkeys(_WRITE, KeyScope.WRITE),
    **dict.fromkeys(_ADMIN, KeyScope.ADMIN),
}
"""The smallest scope that includes the permission. One that is missing here is in no bundle at all."""
