"""What PostgreSQL and its driver report, in the core's words: the one place where they are translated."""

from typing import Final

import psycopg
from psycopg import errors

from revenge_core.errors import DatabaseUnavailable, Invalid, RevengeError
from revenge_core.jobs.errors import JobStateConflict
from revenge_core.rbac.errors import GroupNameTaken, RoleUnknown
from revenge_core.users.errors import EmailTaken, UsernameTaken

RETRY_AFTER: Final = 1.0
"""Seconds after which a client may try again: a restarted database is back by then, as a rule."""

DRIVER_ERRORS: Final = (psycopg.Error, UnicodeEncodeError)
"""All that running a statement can raise, a connection that breaks included."""

_BY_CONSTRAINT: Final[dict[str | None, type[RevengeError]]] = {
    "groups_name_unique": GroupNameTaken,
    "invitations_role_fkey": RoleUnknown,
    "jobs_unique": JobStateConflict,
    "users_email_unique": EmailTaken,
    "users_username_unique": UsernameTaken,
}
_AWAY: Final = (
    psycopg.OperationalError,  # lost, refused, full, overloaded, timed out, deadlocked, not serializable
    psycopg.InterfaceError,  # the connection broke before the statement began
    errors.ReadOnlySqlTransaction,  # a standby that was not promoted
    errors.IdleInTransactionSessionTimeout,
)
_UNSTORABLE: Final = "The text holds a character that cannot be stored (NUL, or half of a surrogate pair); remove it"


def in_our_words(error: Exception) -> Exception:
    """The core's error for a driver's; the driver's own where only a defect of ours explains it.

    Raise it `from error`: the log keeps the driver's words, no client sees them.
    """
    match error:
        case errors.UniqueViolation() | errors.ForeignKeyViolation() if error.diag.constraint_name in _BY_CONSTRAINT:
            return _BY_CONSTRAINT[error.diag.constraint_name]()
        case UnicodeEncodeError() | errors.CharacterNotInRepertoire() | errors.UntranslatableCharacter():
            return Invalid(_UNSTORABLE)
        case psycopg.DataError() if error.sqlstate is None and "NUL" in str(error):
            return Invalid(_UNSTORABLE)
        case _ if isinstance(error, _AWAY):
            return DatabaseUnavailable(retry_after=RETRY_AFTER)
        case _:
            return error
