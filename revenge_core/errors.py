"""The tree of everything that Revenge refuses. Each edge maps the seven kinds once; a leaf adds a stable code.

RevengeError
├── NotFound            nothing there, or not for you to see
├── Conflict            the state of things forbids it
├── Invalid             the request itself is wrong
├── Unauthenticated     no credential, a dead one or a wrong one
├── Forbidden           known caller, refused act
├── RateLimited         too often
└── Unavailable         try again later
"""

from collections.abc import Sequence
from typing import ClassVar

from revenge_core.entity import Entity


class FieldProblem(Entity, kw_only=True):
    """One thing wrong with a request: `pointer` is an RFC 6901 JSON pointer into it, `detail` says what to do."""

    pointer: str
    detail: str


class RevengeError(Exception):
    """Something broke inside; the server's log says what, under the id of the request.

    It is also the root of the tree. `code` is stable and documented in `docs/reference/errors.md`, the text is neither.
    """

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on the server"

    def __init__(
        self, detail: str | None = None, *, problems: Sequence[FieldProblem] = (), retry_after: float | None = None
    ) -> None:
        self.detail = detail or self.title
        self.problems = tuple(problems)
        self.retry_after = retry_after
        """Seconds after which the same call may succeed, where that is known."""
        super().__init__(self.detail)


class NotFound(RevengeError):
    """It does not exist, or the caller may not know that it does (decisions W2)."""

    code = "not_found"
    title = "There is nothing here that you may see"


class Conflict(RevengeError):
    """It clashes with what is there already."""

    code = "conflict"
    title = "The request clashes with the present state"


class VersionMismatch(Conflict):
    """It is no longer as it was when the caller looked at it, which `If-Match` asked for (RFC 9110, 13.1.1)."""

    code = "version_mismatch"
    title = "Somebody changed this meanwhile; read it again, and apply your change to what is there now"


class Invalid(RevengeError):
    """The request is wrong. `problems` names every field at once."""

    code = "invalid"
    title = "The request is not valid"


class Unauthenticated(RevengeError):
    """No credential, a dead one or a wrong one: clients sign in again on this kind and on no other (decisions W11)."""

    code = "authentication_required"
    title = "Sign in to do this"


class Forbidden(RevengeError):
    """The caller is known and may not."""

    code = "permission_denied"
    title = "You may not do this"


class ReauthRequired(Forbidden):
    """So much depends on this that a sign-in long ago is not enough (decisions W12, ASVS 7.5.1)."""

    code = "reauth_required"
    title = "Prove once more who you are, with POST /api/v1/auth/reauthenticate, and try again"


class KeyRefused(Forbidden):
    """An API key came where only whoever signed in may: credentials, sessions, keys (decisions A4, rulings R13)."""

    code = "key_refused"
    title = "An API key cannot do this; sign in as yourself"


class KeyScopeLacking(Forbidden):
    """The key's owner may do this, the key may not (ASVS 10.3.2)."""

    code = "key_scope"
    title = "This API key was made for less than this; use one that has the scope"


class RateLimited(RevengeError):
    """Too many tries; `retry_after` says when the next one counts."""

    code = "rate_limited"
    title = "Too many requests"


class Unavailable(RevengeError):
    """Revenge, or what it depends on, can't do this now; nothing was written."""

    code = "unavailable"
    title = "The server cannot do this right now"


class DatabaseUnavailable(Unavailable):
    """The database is away, full, overloaded or too slow; the transaction did not commit."""

    code = "database_unavailable"
    title = "The database cannot be reached right now; nothing was changed"


class SealBroken(RevengeError):
    """A stored secret does not open: it was changed, belongs elsewhere, or was sealed with another master secret."""

    code = "seal_broken"
    title = "A stored secret cannot be opened; the server's master secret is not the one that sealed it"
