"""The audit log: what happened, who did it, to what (decisions A6, rulings R28)."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from revenge_core.actor import ActorKind
from revenge_core.entity import Entity
from revenge_core.ids import EntryId, KeyId, SessionId, UserId


class Action(StrEnum):
    """The registry of stable names. A name is never reused for another meaning."""

    AVATAR_DELETE = "avatar.delete"
    AVATAR_UPLOAD = "avatar.upload"
    BOOTSTRAP_TOKEN_ISSUE = "bootstrap_token.issue"
    DEVICE_FORGET = "device.forget"
    GROUP_CREATE = "group.create"
    GROUP_DELETE = "group.delete"
    GROUP_MEMBER_ADD = "group.member_add"
    GROUP_MEMBER_REMOVE = "group.member_remove"
    GROUP_UPDATE = "group.update"
    INVITATION_CREATE = "invitation.create"
    INVITATION_REVOKE = "invitation.revoke"
    JOB_ARGS_READ = "job.args_read"
    JOB_CANCEL = "job.cancel"
    JOB_DELETE = "job.delete"
    JOB_ENQUEUE = "job.enqueue"
    JOB_RETRY = "job.retry"
    LIMIT_CLEAR = "limit.clear"
    MAIL_TEST = "mail.test"
    QUEUE_PAUSE = "queue.pause"
    QUEUE_RESUME = "queue.resume"
    SCHEDULE_PAUSE = "schedule.pause"
    SCHEDULE_RESUME = "schedule.resume"
    SCHEDULE_RUN = "schedule.run"
    SESSION_EVICT = "session.evict"
    SESSION_EXPIRE = "session.expire"
    SESSION_NEW_DEVICE = "session.new_device"
    SESSION_REFRESH = "session.refresh"
    SESSION_REUSE_DETECTED = "session.reuse_detected"
    SESSION_REVOKE = "session.revoke"
    SESSION_REVOKE_ALL = "session.revoke_all"
    SIGNING_KEY_CREATE = "signing_key.create"
    SIGNING_KEY_ROTATE = "signing_key.rotate"
    USER_BOOTSTRAP = "user.bootstrap"
    USER_CREATE = "user.create"
    USER_DELETE = "user.delete"
    USER_DISABLE = "user.disable"
    USER_EMAIL_CHANGE = "user.email_change"
    USER_EMAIL_CHANGE_REQUEST = "user.email_change_request"
    USER_EMAIL_VERIFY = "user.email_verify"
    USER_EMAIL_VERIFY_REQUEST = "user.email_verify_request"
    USER_ENABLE = "user.enable"
    USER_EXPORT = "user.export"
    USER_EXPORT_DOWNLOAD = "user.export_download"
    USER_LOGIN = "user.login"
    USER_LOGOUT = "user.logout"
    USER_PASSWORD_CHANGE = "user.password_change"
    USER_PASSWORD_RESET = "user.password_reset"
    USER_PASSWORD_RESET_REQUEST = "user.password_reset_request"
    USER_PREFERENCES_UPDATE = "user.preferences_update"
    USER_PURGE = "user.purge"
    USER_REAUTHENTICATE = "user.reauthenticate"
    USER_REGISTER = "user.register"
    USER_RESTORE = "user.restore"
    USER_ROLES_CHANGE = "user.roles_change"
    USER_UPDATE = "user.update"


class Outcome(StrEnum):
    """How it ended."""

    FAILURE = "failure"
    SUCCESS = "success"


class Resource(Entity, kw_only=True):
    """What it was done to: a kind, with an id, a name, or both where there is no id."""

    type: str
    id: UUID | None = None
    key: str | None = None


class FieldChange(Entity, kw_only=True):
    """One field before and after. Secrets are never put here, not even masked values of them."""

    before: str | bool | int | None = None
    after: str | bool | int | None = None


class Entry(Entity, kw_only=True):
    """One line of the audit log. Never changed after it was written.

    `salt` goes into the digests of address, agent and changes, so that erasing it erases what they prove (rulings R28).
    """

    id: EntryId
    created_at: datetime
    actor_kind: ActorKind
    actor_id: UserId | None
    session_id: SessionId | None
    key_id: KeyId | None
    """The API key that the actor came with."""
    on_behalf_of: UserId | None
    action: Action
    outcome: Outcome
    reason: str | None
    resource_type: str | None
    resource_id: UUID | None
    resource_key: str | None
    changes: dict[str, FieldChange]
    address: str | None
    user_agent: str | None
    request_id: str | None
    salt: bytes
