"""Who may call what, tried at every door: every operation as nobody, as each role, and with keys of each scope.

What is expected is read from the checked-in page `docs/reference/access.md`. Refusals are those of the application as
it is. Where the page says that somebody is let in, the operation behind the gate is replaced by one that only says so,
since what it does would change what the next one finds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec
import pytest
from msgspec.structs import replace

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.actor import OWN_READ, Actor
from revenge_core.apikeys.entities import KeyScope, NewKey
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.testing.builders import a_grant
from revenge_core.users import NewUser
from revenge_http.answers import Answer
from revenge_http.app import OPERATIONS, create_app
from revenge_http.asgi import App
from revenge_http.operations import Operation
from revenge_http.options import HttpOptions
from tests.house.matrix import NO_SCOPE, ROLES, SCOPES, SESSION, Row, rows_of
from tests.house.reference import REFERENCE
from tests.http.support import PASSWORD, raw

ROWS: Final = list(rows_of((REFERENCE / "access.md").read_text("utf-8")))
LET_IN: Final = 299
UNKNOWN: Final = {"authentication_required", "api_key_invalid"}
Credential = tuple[bytes, bytes]
Credentials = Mapping[tuple[str, str], Credential]
"""By role, and `session` or the scope of a key."""


@dataclass(frozen=True)
class Doors:
    """The application as it is, and one that is nothing behind its gate."""

    whole: App
    empty: App

    async def refusal(self, row: Row, credential: Credential | None, expected: str | None) -> str | None:
        """The code that is answered; None where somebody is let in."""
        path = row.path.replace("{", "").replace("}", "")
        headers = [(b"host", b"x"), *([credential] if credential else [])]
        app = self.empty if expected is None else self.whole
        status, _, body = await raw(app, method=row.method, path=path, raw_path=path.encode(), headers=headers)
        if status == LET_IN:
            return None
        code: str = msgspec.json.decode(body)["error"] if status in {401, 403} else f"went on to answer {status}"
        assert (status == 401) == (code in UNKNOWN), "clients sign in again on 401 and on no other"
        return code


def let_in(_operation: Operation, _revenge: Revenge, _options: HttpOptions) -> Answer:
    """What stands for every operation."""
    return Answer(LET_IN)


@pytest.fixture
def doors(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Doors:
    whole = create_app(box.revenge, HttpOptions())
    with monkeypatch.context() as patched:
        patched.setattr(Operation, "endpoint", let_in)
        return Doors(whole=whole, empty=create_app(box.revenge, HttpOptions()))


@pytest.fixture
async def credentials(box: Sandbox) -> Credentials:
    """Of somebody of each role."""
    found: dict[tuple[str, str], Credential] = {}
    for name, role in zip(("ada", "bob", "cyd", "dee"), ROLES, strict=True):
        new = NewUser(username=name, email=f"{name}@example.org")
        user = (await box.revenge.accounts.register(new, Secret(PASSWORD))).user
        grant = a_grant(user.id, role)
        others = {key: one for key, one in box.rows.grants.items() if key[0] != user.id}
        box.rows.grants = others | {(user.id, role, grant.source): grant}
        token = (await box.revenge.auth.login(name, Secret(PASSWORD))).tokens.access_token
        found[role, SESSION] = (b"authorization", f"Bearer {token.reveal()}".encode())
        actor = await box.revenge.auth.authenticate(token.reveal())
        for scope in SCOPES:
            found[role, scope] = (b"x-api-key", (await key_with(box, actor, scope)).reveal().encode())
    return found


async def key_with(box: Sandbox, actor: Actor, scope: str) -> Secret:
    """A key of one scope; one without any cannot be made, but what it has may mean nothing some day."""
    create = box.revenge.api_keys.create
    if scope != NO_SCOPE:
        return (await create(actor, NewKey(name=scope, scopes=frozenset({KeyScope(scope)})))).secret
    made = await create(actor, NewKey(name=scope, permissions=frozenset({OWN_READ})))
    stored = box.rows.api_keys[made.key.id]
    box.rows.api_keys[made.key.id] = replace(stored, key=replace(stored.key, permissions=frozenset()))
    return made.secret


async def differences(doors: Doors, credential: Credential | None, wanted: Callable[[Row], str | None]) -> list[str]:
    """Where the application answers something else than the page says."""
    found = [(row, await doors.refusal(row, credential, wanted(row))) for row in ROWS]
    return [f"{row.method} {row.path}: {code}, not {wanted(row)}" for row, code in found if code != wanted(row)]


def test_the_page_has_every_operation_once_and_a_cell_for_every_role() -> None:
    assert [(row.method, row.path) for row in ROWS] == sorted(
        {(one.method, one.path) for one in OPERATIONS}, key=lambda one: (one[1], one[0])
    )
    assert all(row.cells.keys() == set(ROLES) for row in ROWS)


@pytest.mark.asvs("8.1.1", "8.2.1")
async def test_nobody_in_particular_gets_in_where_the_page_says_so_and_nowhere_else(doors: Doors) -> None:
    assert await differences(doors, None, lambda row: row.anonymous) == []


@pytest.mark.asvs("8.2.1")
async def test_a_key_that_is_nobodys_opens_nothing_but_what_is_open_anyway(doors: Doors) -> None:
    bad = (b"x-api-key", b"rv_" + b"0" * 64)
    assert await differences(doors, bad, lambda row: row.anonymous and "api_key_invalid") == []


@pytest.mark.asvs("8.1.1", "8.2.1")
@pytest.mark.parametrize("role", ROLES)
async def test_each_role_gets_in_where_the_page_says_so_and_nowhere_else(
    doors: Doors, credentials: Credentials, role: str
) -> None:
    assert await differences(doors, credentials[role, SESSION], lambda row: row.by_session(role)) == []


@pytest.mark.asvs("8.2.1", "10.3.2")
@pytest.mark.parametrize("role", ROLES)
async def test_a_key_of_each_scope_gets_in_where_the_page_says_so_and_nowhere_else(
    doors: Doors, credentials: Credentials, role: str
) -> None:
    for scope in SCOPES:
        wanted = partial(Row.by_key, role=role, scope=scope)
        assert await differences(doors, credentials[role, scope], wanted) == [], scope
