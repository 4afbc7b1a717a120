"""Who may call what: every operation, as nobody and as each built-in role, with a session and with keys of each scope.

The page `docs/reference/access.md` is made from the operations and the built-in roles (ASVS 8.1.1). It is read again
for the tests: what they try at every door is what the checked-in page promises, and not what the code says of itself.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from revenge_core.apikeys.entities import KeyScope
from revenge_core.entity import Entity
from revenge_core.rbac.policy import BUILT_IN_ROLES, compile_index
from revenge_http.app import OPERATIONS
from revenge_http.operations import Operation

ROLES: Final = tuple(role.name for role in BUILT_IN_ROLES)
OPEN, NO, SESSION, KEY = "open", "no", "session", "key: "
NO_SCOPE: Final = "none"
SCOPES: Final = (NO_SCOPE, KeyScope.READ.value, KeyScope.WRITE.value, KeyScope.ADMIN.value)
"""Of API keys, each with all of those before it."""

HEAD: Final = """\
# Access

Who may call which operation. A cell says what it takes of somebody who has that role, and no other:

- `open`: nothing; whoever calls is not asked who they are.
- `session`: to have signed in. API keys are refused (403, `key_refused`).
- `key: read`, `key: write`, `key: admin`: to have signed in, or an API key with this scope or a larger one.
- `no`: it is refused (403, `permission_denied`).

Whoever brings no credential, or a bad one, is answered 401 wherever a cell is not `open`. A key whose scope is too
small is answered 403: `permission_denied` where the operation needs a permission, `key_scope` where it only needs
somebody who has signed in. Keys may also name single permissions; then they need the one in the second column, and
`own:read` or `own:write` for what is their owner's own. Which object may be acted on is decided after this.

"""


class Row(Entity, kw_only=True):
    """One operation, as the page has it."""

    method: str
    path: str
    needs: str
    """A permission, `signed in`, or nothing."""
    cells: Mapping[str, str]
    """By role."""

    @property
    def anonymous(self) -> str | None:
        """What somebody without a credential is refused with; None where they are let through."""
        return None if OPEN in self.cells.values() else "authentication_required"

    def by_session(self, role: str) -> str | None:
        """What somebody signed in is refused with; None where they are let through."""
        return "permission_denied" if self.cells[role] == NO else None

    def by_key(self, role: str, scope: str) -> str | None:
        """What a key of somebody is refused with; None where it is let through."""
        cell = self.cells[role]
        if cell == OPEN:
            return None
        if SESSION in self.cells.values():
            return "key_refused"
        if cell != NO and SCOPES.index(scope) >= SCOPES.index(cell.removeprefix(KEY)):
            return None
        return "key_scope" if self.needs == "signed in" else "permission_denied"


def access_page() -> str:
    """The table, in the order of the paths."""
    heading = ("Operation", "Needs", *ROLES)
    lines = [heading, ("---",) * len(heading), *map(_line, sorted(OPERATIONS, key=lambda one: (one.path, one.method)))]
    return HEAD + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _line(one: Operation) -> tuple[str, ...]:
    access = one.access
    needs = "" if access.is_public else f"`{access.permission.value}`" if access.permission else "signed in"
    return (f"`{one.method} {one.path}`", needs, *(_cell(one, role) for role in ROLES))


def _cell(one: Operation, role: str) -> str:
    access = one.access
    if access.is_public:
        return OPEN
    index = compile_index(BUILT_IN_ROLES)
    if access.permission is not None and access.permission not in index.permissions_of(frozenset({role})):
        return NO
    return KEY + access.key_scope(one.method) if access.keys else SESSION


def rows_of(page: str) -> Iterator[Row]:
    """The table of a page, read again."""
    _heading, _rule, *lines = (line for line in page.splitlines() if line.startswith("| "))
    for line in lines:
        operation, needs, *cells = (cell.strip(" `") for cell in line.strip("|").split("|"))
        method, path = operation.split()
        yield Row(method=method, path=path, needs=needs, cells=dict(zip(ROLES, cells, strict=True)))
