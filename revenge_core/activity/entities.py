"""The audit log: what happened, who did it, to what (decisions A6, rulings R28)."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from revenge_core.actor import ActorKind
from revenge_core.entity import Entity
from revenge_core.ids import EntryId, KeyId, SessionId, UserId


class Action(StrEnum):
    """The registry of stable names. A name is never reused for another meaning."""

    ACCESS_DENIED = "access.denied"
    ACTIVITY_DROP = "activity.drop"
    ACTIVITY_ERASE = "activity.erase"
    APIKEY_CREATE = "apikey.create"
    APIKEY_REFUSE = "apikey.refuse"
    APIKEY_REVOKE = "apikey.revoke"
    APIKEY_ROTATE = "apikey.rotate"
    APIKEY_UPDATE = "apikey.update"
    AUDIT_EXPORT = "audit.export"
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
    POLICY_ADD = "policy.add"
    POLICY_REMOVE = "policy.remove"
    QUEUE_PAUSE = "queue.pause"
    QUEUE_RESUME = "queue.resume"
    ROLE_CREATE = "role.create"
    ROLE_DELETE = "role.delete"
    ROLE_PERMISSIONS_CHANGE = "role.permissions_change"
    ROLE_UPDATE = "role.update"
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
    USER_ROLE_ASSIGN = "user.role_assign"
    USER_ROLE_WITHDRAW = "user.role_withdraw"
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


class AuditRules(Entity, kw_only=True):
    """What the host decided about the log."""

    retention: timedelta = timedelta(days=400)
    """How long entries are kept at least: a year to look back on, and a month to do it in. Whole months go."""


class Recorded(Entity, kw_only=True):
    """An entry as its row says it, not yet understood: what somebody changed may mean nothing any more."""

    id: EntryId
    created_at: datetime
    actor_kind: str
    actor_id: UUID | None
    session_id: UUID | None
    key_id: UUID | None
    on_behalf_of: UUID | None
    action: str
    outcome: str
    reason: str | None
    resource_type: str | None
    resource_id: UUID | None
    resource_key: str | None
    changes: str
    """As PostgreSQL writes `jsonb`."""
    address: str | None
    user_agent: str | None
    request_id: str | None
    salt: bytes
    """Empty once the personal part was erased."""


class Digests(Entity, kw_only=True):
    """What stands for an entry in the chain (rulings R28): `content` covers `personal`, and that can be erased."""

    content: bytes
    personal: bytes


class Unsealed(Entity, kw_only=True):
    """An entry that was committed and is not in the chain yet, with its digests of the moment when it was written."""

    entry_id: EntryId
    entry_at: datetime
    content: bytes
    personal: bytes


class Seal(Entity, kw_only=True):
    """One link of the chain: `hash` follows from the hash before, the number and the digest of the entry."""

    sequence: int
    entry_id: EntryId
    entry_at: datetime
    content: bytes
    personal: bytes
    hash: bytes


class Signature(Entity, kw_only=True):
    """Who vouches for something: an Ed25519 key (RFC 8032) that follows from the master secret."""

    key_id: str
    public_key: bytes
    signature: bytes


class Checkpoint(Entity, kw_only=True):
    """Signed: up to this number the chain came to this hash. Who keeps one elsewhere sees whether history changes."""

    sequence: int
    hash: bytes
    created_at: datetime
    signed: Signature


class Retention(Entity, kw_only=True):
    """What is left of entries that were kept long enough: how many they were, and where the chain begins now.

    `signed` is missing only until the transaction that drops them commits.
    """

    number: int
    dropped_at: datetime
    before: datetime
    """Entries from before this need not be there."""
    what: str
    entries: int
    sequence: int
    """Seals up to this one are not needed any more."""
    hash: bytes
    key_id: str | None
    public_key: bytes | None
    signature: bytes | None


class Backlog(Entity, kw_only=True):
    """What waits to be sealed."""

    entries: int
    oldest: datetime | None


class Look(Entity, kw_only=True):
    """Whether an entry of the log is sealed, or waits for it. One that does neither was put in behind our back."""

    id: EntryId
    created_at: datetime
    sequence: int | None
    """Of its seal."""
    waits: bool
    is_single: bool
    """Whether no other row has the same time and id: with its key dropped the table takes them."""


class Flaw(StrEnum):
    """What can be wrong with the log."""

    CHECKPOINT_FORGED = "checkpoint_forged"
    ENTRY_CHANGED = "entry_changed"
    ENTRY_ERASED = "entry_erased"
    ENTRY_INSERTED = "entry_inserted"
    ENTRY_MISSING = "entry_missing"
    REWRITTEN = "rewritten"
    RETENTION_FORGED = "retention_forged"
    SEAL_CHANGED = "seal_changed"
    SEAL_MISSING = "seal_missing"
    SEAL_MOVED = "seal_moved"
    TAIL_CUT = "tail_cut"


class Finding(Entity, kw_only=True):
    """One thing that is wrong: at which number of the chain, with which entry of which time."""

    flaw: Flaw
    sequence: int | None = None
    upto: int | None = None
    """Where the place is known between two numbers only, the second one."""
    entry_id: EntryId | None = None
    entry_at: datetime | None = None


class Verification(Entity, kw_only=True):
    """What looking at the whole log came to. `findings` are in the order of the chain; the first is the first bad row.

    `first` and `last` are the numbers between which all seals were looked at, `hash` is what they come to.
    """

    first: int
    last: int
    hash: bytes
    entries: int
    """Rows whose digests were worked out anew."""
    waiting: int
    """Entries that are not sealed yet; they are looked at too."""
    checkpoints: int
    """Genuine ones that were compared, from the database and from elsewhere."""
    dropped_before: datetime | None
    """Entries from before this were kept long enough, and are gone."""
    findings: tuple[Finding, ...]
    more: int
    """Findings that are not listed."""

    @property
    def is_whole(self) -> bool:
        """Whether all is as it was written."""
        return not self.findings


class EntryFilter(Entity, kw_only=True):
    """Which entries: all that is given holds, exactly. Both times are inclusive."""

    actor_id: UserId | None = None
    action: Action | None = None
    resource_type: str | None = None
    resource_id: UUID | None = None
    outcome: Outcome | None = None
    address: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Edge(Entity, kw_only=True):
    """Where a page of the log ends: the entry of this time and id. It may be gone: its place in the order stays."""

    at: datetime
    id: EntryId


class NamedEntry(Entity, kw_only=True):
    """An entry, and what whoever acted is called now; None where nobody is left who could be called."""

    entry: Entry
    username: str | None


class Count(Entity, kw_only=True):
    """How many. What is not exact is an estimate of the store's: counting would cost more than anybody gains."""

    number: int
    is_exact: bool = True


class EntryPage(Entity, kw_only=True):
    """Some entries of the log, how many there are in all, and where the next page begins."""

    entries: tuple[NamedEntry, ...]
    total: Count
    next_cursor: str | None = None


class ActionCount(Entity, kw_only=True):
    """How often something was done."""

    action: Action
    count: Count


class ExportForm(StrEnum):
    """How an export of the log is written."""

    CSV = "csv"
    NDJSON = "ndjson"


class LogSummary(Entity, kw_only=True):
    """The whole log in a few figures; times are None of an empty one."""

    total: Count
    failed: Count
    oldest: datetime | None = None
    newest: datetime | None = None
