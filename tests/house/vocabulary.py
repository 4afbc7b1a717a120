"""The pages of `docs/reference` about stable names: errors, permissions, actions of the audit log; words for jobs."""

import inspect
import re
from collections.abc import Iterator
from typing import Final

from revenge_cli.exits import exit_code
from revenge_core.activity.entities import Action
from revenge_core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    RevengeError,
    Unauthenticated,
    Unavailable,
)
from revenge_core.permissions import Permission
from revenge_core.rbac.policy import BUILT_IN_ROLES, compile_index
from revenge_http.problems import status_of
from tests.house.modules import PACKAGES, classes

KINDS: Final = frozenset({Conflict, Forbidden, Invalid, NotFound, RateLimited, Unauthenticated, Unavailable})

ERRORS_HEAD: Final = """\
# Errors

Whatever Revenge refuses has a stable code: `error` in an HTTP problem and in the command line's `--json`, `code` of a
Python exception. The HTTP status and the exit code follow from its kind. Texts may change, codes do not.

Clients sign in again on status 401 and on no other.
"""

PERMISSIONS_HEAD: Final = """\
# Permissions

A permission is a resource and an action. A role holds permissions by name, all of a resource (`movies:*`), or all
(`*:*`), and those of the roles that it inherits from. Whether somebody may act on one certain object, an owner's own
session for instance, is decided after this. What each operation needs is in the OpenAPI document, as
`x-required-permission`.
"""

ACTIONS_HEAD: Final = """\
# Actions of the audit log

Each entry of the log has one of these actions. A name is never reused for another meaning. Failed attempts are
entries of the same action with the outcome `failure`; what was typed as a user name or password is never kept.
"""

PERMISSIONS: Final[dict[Permission, str]] = {
    Permission.ACTIVITY_LIST: "List what users did",
    Permission.ADMIN_ALL: "Every act that is for administrators only",
    Permission.APIKEYS_LIST: "See the API keys of others; never the keys themselves",
    Permission.APIKEYS_REVOKE: "End API keys of others who may do no more than oneself",
    Permission.AUDIT_EXPORT: "Export the audit log",
    Permission.AUDIT_READ: "Read the whole audit log; everybody may read their own part",
    Permission.AUDIT_VERIFY: "See whether the audit log is as it was written, and what vouches for it",
    Permission.GROUPS_CREATE: "Make groups; what they carry takes the right to hand it out",
    Permission.GROUPS_DELETE: "Delete groups that carry nothing one may not do oneself",
    Permission.GROUPS_GET: "See one group, and who is in it",
    Permission.GROUPS_LIST: "List groups",
    Permission.GROUPS_UPDATE: "Change groups that carry nothing one may not do oneself, and who is in them",
    Permission.HEALTH_READ: "See details of the server's health",
    Permission.INTEGRATIONS_CREATE: "Connect another service",
    Permission.INTEGRATIONS_DELETE: "Disconnect another service",
    Permission.INTEGRATIONS_GET: "See one connected service",
    Permission.INTEGRATIONS_LIST: "List connected services",
    Permission.INTEGRATIONS_SYNC: "Exchange data with a connected service now",
    Permission.INTEGRATIONS_UPDATE: "Change how another service is connected",
    Permission.INVITATIONS_CREATE: "Invite people; as more than members only with the right to assign that role",
    Permission.INVITATIONS_DELETE: "Take an invitation back",
    Permission.INVITATIONS_GET: "See one invitation",
    Permission.INVITATIONS_LIST: "List invitations",
    Permission.JOBS_ARGS: "See what a job was told to do; that is audited, and what is secret in it stays sealed",
    Permission.JOBS_CANCEL: "End jobs",
    Permission.JOBS_DELETE: "Delete jobs",
    Permission.JOBS_ENQUEUE: "Add a job",
    Permission.JOBS_GET: "See one job with its attempts and errors",
    Permission.JOBS_LIST: "List and count jobs",
    Permission.JOBS_RETRY: "Try jobs again",
    Permission.LIBRARIES_CREATE: "Make a library",
    Permission.LIBRARIES_DELETE: "Delete a library",
    Permission.LIBRARIES_GET: "See one library",
    Permission.LIBRARIES_LIST: "List libraries",
    Permission.LIBRARIES_SCAN: "Scan a library for new files",
    Permission.LIBRARIES_UPDATE: "Change a library",
    Permission.LIMITS_CLEAR: "Let somebody try passwords again who guessed too often",
    Permission.LIMITS_LIST: "See who guessed passwords too often",
    Permission.MAIL_TEST: "Send a message to see whether mail works",
    Permission.MOVIES_CREATE: "Add a movie",
    Permission.MOVIES_DELETE: "Remove a movie",
    Permission.MOVIES_GET: "See one movie",
    Permission.MOVIES_LIST: "List movies",
    Permission.MOVIES_UPDATE: "Change what is known of a movie",
    Permission.NOTIFICATIONS_CREATE: "Set up a way of being notified",
    Permission.NOTIFICATIONS_DELETE: "Remove a way of being notified",
    Permission.NOTIFICATIONS_GET: "See one notification",
    Permission.NOTIFICATIONS_LIST: "List notifications",
    Permission.NOTIFICATIONS_UPDATE: "Change a way of being notified",
    Permission.PLAYBACK_PROGRESS: "Keep how far something was watched",
    Permission.PLAYBACK_STREAM: "Play",
    Permission.PROFILE_READ: "See one's own account",
    Permission.PROFILE_UPDATE: "Change one's own account",
    Permission.QUEUES_LIST: "List queues",
    Permission.QUEUES_UPDATE: "Pause queues, and go on",
    Permission.REQUESTS_APPROVE: "Approve what somebody asked for",
    Permission.REQUESTS_CREATE: "Ask for something to be added",
    Permission.REQUESTS_DELETE: "Remove a request",
    Permission.REQUESTS_GET: "See one request",
    Permission.REQUESTS_LIST: "List requests",
    Permission.ROLES_ASSIGN: "Give and take roles that allow nothing one may not do oneself",
    Permission.ROLES_CREATE: "Make a role that allows nothing one may not do oneself",
    Permission.ROLES_DELETE: "Delete a role that nobody has",
    Permission.ROLES_EXPLAIN: "Ask why somebody may do something, or may not",
    Permission.ROLES_GET: "See one role",
    Permission.ROLES_LIST: "List roles, policies and permissions",
    Permission.ROLES_UPDATE: "Change roles that allow, and are to allow, nothing one may not do oneself",
    Permission.SCHEDULES_LIST: "List schedules",
    Permission.SCHEDULES_RUN: "Run what is scheduled now",
    Permission.SCHEDULES_UPDATE: "Pause schedules, and go on",
    Permission.SESSIONS_LIST: "List sessions of other users",
    Permission.SESSIONS_REVOKE: "End sessions of other users",
    Permission.SETTINGS_READ: "Read the server's settings",
    Permission.SETTINGS_USER_READ: "Read one's own settings",
    Permission.SETTINGS_USER_WRITE: "Change one's own settings",
    Permission.SETTINGS_WRITE: "Change the server's settings",
    Permission.USERS_CREATE: "Make an account for somebody",
    Permission.USERS_DELETE: "Delete an account",
    Permission.USERS_GET: "See one account",
    Permission.USERS_LIST: "List accounts",
    Permission.USERS_UPDATE: "Change an account",
    Permission.WORKERS_LIST: "List the processes that run jobs",
}

ACTIONS: Final[dict[Action, str]] = {
    Action.ACCESS_DENIED: """\
Somebody who is known was refused; the reason is the error's code, and the resource what was asked for. Of each caller
and reason there is one a minute: the changes say how many there were.""",
    Action.ACTIVITY_DROP: "A month of the log was kept long enough and dropped; the changes say where the log begins.",
    Action.ACTIVITY_ERASE: "What told of an erased account was taken out of the log; the changes say how many entries.",
    Action.APIKEY_CREATE: "Somebody made an API key; the key itself is nowhere in the log.",
    Action.APIKEY_REFUSE: """\
An API key came from outside the networks that it is bound to: once a minute for each key and place it came from, at
most twenty places a minute.""",
    Action.APIKEY_REVOKE: "An API key was ended for good, by its owner or by an administrator on their behalf.",
    Action.APIKEY_ROTATE: "Somebody replaced the secret of an API key; the old one works for the seconds that it says.",
    Action.APIKEY_UPDATE: "Somebody renamed or narrowed an API key, or changed whether it is being recorded.",
    Action.AUDIT_EXPORT: "Somebody took a copy of the audit log; the changes say of what part of it.",
    Action.AVATAR_DELETE: "Somebody removed their picture.",
    Action.AVATAR_UPLOAD: "Somebody showed a picture, or another one.",
    Action.BOOTSTRAP_TOKEN_ISSUE: "The server made the one-time token for the first admin; older ones are void.",
    Action.DEVICE_FORGET: "Somebody made one of their devices a stranger: its sessions ended, its tokens are void.",
    Action.GROUP_CREATE: "Somebody made a group; the changes tell which roles it carries.",
    Action.GROUP_DELETE: "Somebody deleted a group: who was in it lost what it carried.",
    Action.GROUP_MEMBER_ADD: "Somebody put a user into a group; the changes tell whom.",
    Action.GROUP_MEMBER_REMOVE: "Somebody took a user out of a group, whoever had put them there.",
    Action.GROUP_UPDATE: "Somebody changed a group; the changes tell which roles it carried and carries.",
    Action.INVITATION_CREATE: "Somebody made an invitation; its token is nowhere in the log.",
    Action.INVITATION_REVOKE: "Somebody took an invitation back; who came in with it stays.",
    Action.JOB_ARGS_READ: "Somebody looked at what a job was told to do.",
    Action.JOB_CANCEL: "Somebody ended jobs; the changes count and name them, and hold the filter that chose them.",
    Action.JOB_DELETE: "Somebody deleted jobs; the changes tell which, as above.",
    Action.JOB_ENQUEUE: "Somebody added jobs outside of any other act; the changes name them and their kinds.",
    Action.JOB_RETRY: "Somebody had jobs tried again; the changes tell which, as above.",
    Action.LIMIT_CLEAR: "Somebody had wrong passwords forgotten that counted against an account or an address.",
    Action.MAIL_TEST: "Somebody had a message sent to see whether mail works; its id is in the mail server's log too.",
    Action.POLICY_ADD: "Somebody gave a role one more permission; the changes tell all that it had and has.",
    Action.POLICY_REMOVE: "Somebody took one permission from a role; the changes tell all that it had and has.",
    Action.QUEUE_PAUSE: "Somebody paused a queue: its jobs wait.",
    Action.QUEUE_RESUME: "Somebody let a paused queue go on.",
    Action.ROLE_CREATE: "Somebody made a role; the changes tell what it may do.",
    Action.ROLE_DELETE: "Somebody deleted a role that nobody had; the changes tell what it could do.",
    Action.ROLE_PERMISSIONS_CHANGE: "Somebody replaced the permissions of a role; the changes tell both old and new.",
    Action.ROLE_UPDATE: "Somebody changed what a role is for, or from which roles it inherits.",
    Action.SCHEDULE_PAUSE: "Somebody paused a schedule.",
    Action.SCHEDULE_RESUME: "Somebody let a paused schedule go on.",
    Action.SCHEDULE_RUN: "Somebody had the job of a schedule done now, apart from its ticks.",
    Action.SESSION_EVICT: "A session ended because its user signed in more often than may be at the same time.",
    Action.SESSION_EXPIRE: "Sessions were closed that were over, or idle for too long; the changes count them.",
    Action.SESSION_NEW_DEVICE: "Somebody signed in on a device that this user had not used before.",
    Action.SESSION_REFRESH: "A refresh token was exchanged for a new pair, its answer given again, or refused.",
    Action.SESSION_REUSE_DETECTED: "An old refresh token was presented: its session ended, since it may be stolen.",
    Action.SESSION_REVOKE: "One session was ended, by its user or by somebody who may.",
    Action.SESSION_REVOKE_ALL: "A user's sessions were ended, perhaps but the present one; the reason counts them.",
    Action.SIGNING_KEY_CREATE: "The first start made the key that signs access tokens.",
    Action.SIGNING_KEY_ROTATE: "Access tokens are signed with a new key from now on.",
    Action.USER_BOOTSTRAP: "The first admin was made with the one-time token, or one was tried that is not valid.",
    Action.USER_CREATE: "An account was made by somebody else than its user.",
    Action.USER_DELETE: "An account was deleted, by its user or by somebody who may; until then it can come back.",
    Action.USER_DISABLE: "Somebody is kept out: sessions ended, and signing in is refused.",
    Action.USER_EMAIL_CHANGE: "Another address took the place of the one before, once mail to it was answered.",
    Action.USER_EMAIL_CHANGE_REQUEST: "Another address is to be used, once mail to it is answered.",
    Action.USER_EMAIL_VERIFY: "Somebody proved to read mail at their address, or tried a link that is not valid.",
    Action.USER_EMAIL_VERIFY_REQUEST: "A user had the link to verify their address sent again.",
    Action.USER_ENABLE: "Somebody who was kept out may sign in again.",
    Action.USER_EXPORT: "A user asked for an export of their own data.",
    Action.USER_EXPORT_DOWNLOAD: "An export of somebody's own data was opened, by its owner, to be downloaded.",
    Action.USER_LOGIN: "Somebody signed in, or failed to; the reason says why.",
    Action.USER_LOGOUT: "Somebody signed out.",
    Action.USER_PASSWORD_CHANGE: "A user changed the password, or gave a wrong present one.",
    Action.USER_PASSWORD_RESET: "A password was set with a link, or a link was tried that is not valid.",
    Action.USER_PASSWORD_RESET_REQUEST: "A link to set a password was asked for; then, who got one, or why nobody did.",
    Action.USER_PREFERENCES_UPDATE: "A user changed their preferences; the changes name each value.",
    Action.USER_PURGE: "A deleted account was erased, with all that was its own but this log; its names are free.",
    Action.USER_REAUTHENTICATE: "Somebody signed in proved once more who they are, or tried to.",
    Action.USER_REGISTER: "Somebody made an account for themselves, or brought an invitation that is not valid.",
    Action.USER_RESTORE: "A deleted account came back: its user signed in, or somebody who may restored it.",
    Action.USER_ROLES_CHANGE: "Somebody gave or took roles; the changes name all before and after.",
    Action.USER_ROLE_ASSIGN: "Somebody gave a user a role.",
    Action.USER_ROLE_WITHDRAW: "Somebody took a role away that a user was given; the changes tell by which sources.",
    Action.USER_UPDATE: "An account was changed, by its user or by somebody who may; the changes name each field.",
}


JOBS: Final[dict[str, str]] = {
    "accounts_erase_files": """\
Removes files of an account that was erased, and of exports that others took the place of. It is enqueued with what it
belongs to, so no file is forgotten where the place for files is away for a while.""",
    "accounts_export": """\
Collects all that is kept about one user into a file, and mails its owner that it is there. One that grows longer than
`accounts.export_max_bytes` is discarded at once; the user sees that it failed, and can ask for another.""",
    "accounts_purge": """\
Erases accounts that were deleted longer ago than `accounts.deletion_grace`: rows, files and names. The
audit log stays; what tells of them in it is taken out by a job for each.
Forgets the one-time token for the first admin once it has expired, and invitations a month after they let nobody in any
more; removes exports whose time is over.""",
    "activity_erase": """\
Takes out of the audit log what tells of an account that was erased: address, agent, request, name and changes of all
entries by or about it. What was done, when and to what stays, and the log still proves that it is whole.""",
    "activity_months": """\
Prepares the storage of the audit log for this month and the two after it. Every start does the same; entries of a month
that nobody prepared are kept all the same, but cannot be dropped month by month later.""",
    "activity_retention": """\
Drops months of the audit log that were kept longer than `audit.retention`. Each leaves a signed trace, and an entry in
the log; `revenge audit verify` goes on from there.""",
    "activity_seal": """\
Puts what was written into the audit log since the last time into its chain, and signs what that comes to.""",
    "activity_ship": """\
Takes signed checkpoints of the audit log to where `audit.ship_to` says, in their order. What nobody takes now goes out
later; `activity_seal` asks for it again every minute.""",
    "api_key_maintenance": """\
Reminds owners of API keys that expire within a week (`apikeys.reminder`), once, and forgets keys that were revoked or
expired ninety days ago.""",
    "auth_cleanup": """\
Forgets one-time tokens that expired, and counts of guesses that say nothing any more; what guesses were refused
without being told yet goes into the audit log.""",
    "auth_send_reset": """\
Looks whose address somebody gave who forgot a password, and mails a link. That is not done while they wait, so that
nobody learns from the time it takes whether an address is known. An account that got such a link in the last five
minutes gets no other.""",
    "idempotency_cleanup": """\
Forgets requests with an `Idempotency-Key` a day after they were sent, and what they were answered.""",
    "send_email": """\
Hands one message to the mail server. Greylisting puts strangers off for minutes, so it is soon tried again; a message
that the server will never take is discarded at once.""",
    "session_maintenance": """\
Closes sessions that were idle for too long or reached their end (the gate has refused them since), which leaves one
entry in the audit log. Forgets sessions with their refresh tokens 30 days after they ended, and devices that were not
used for 400 days. Refresh tokens of sessions that go on are never forgotten: an old one that turns up was stolen.""",
    "users_avatars_sweep": """\
Removes files of pictures that nobody shows, once they are a day old: what is left where a process died between keeping
a file and telling the database, or between the commit and removing the file before.""",
}
"""What each kind is for."""


def errors() -> list[type[RevengeError]]:
    """Every error that has a code of its own, by code. What has none is a base of others."""
    found = {error for package in PACKAGES for error in classes(package) if issubclass(error, RevengeError)}
    return sorted((error for error in found if "code" in vars(error)), key=lambda error: error.code)


def errors_page() -> str:
    """Every code under a heading of its own."""
    return "\n".join([ERRORS_HEAD, *map(_of_error, errors())])


def _of_error(error: type[RevengeError]) -> str:
    kinds = [base for base in KINDS if base in error.__bases__]
    kind = f", a kind of `{kinds[0].code}`" if kinds else ""
    code = exit_code(error.__new__(error))
    meaning = re.sub(r" \((?:decisions|rulings|ASVS) [^)]*\)", "", inspect.cleandoc(error.__doc__ or ""))
    return (
        f"## `{error.code}`\n\n{error.title}.\n\n{meaning}\n\n"
        f"- HTTP status {status_of(error)}, exit code {code}{kind}\n"
    )


def permissions_page() -> str:
    """Every permission under a heading of its own, with the built-in roles that hold it."""
    return "\n".join([PERMISSIONS_HEAD, *_of_permissions()])


def _of_permissions() -> Iterator[str]:
    index = compile_index(BUILT_IN_ROLES)
    for permission in Permission:
        roles = [role.name for role in BUILT_IN_ROLES if permission in index.permissions_of(frozenset({role.name}))]
        yield f"## `{permission.value}`\n\n{PERMISSIONS[permission]}. Held by {', '.join(roles)}.\n"


def actions_page() -> str:
    """Every action under a heading of its own."""
    return "\n".join([ACTIONS_HEAD, *(f"## `{action.value}`\n\n{ACTIONS[action]}\n" for action in Action)])
