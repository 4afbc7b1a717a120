"""Operations called without HTTP and so without the gate: what their services refuse by themselves (ASVS 8.3.1)."""

from collections.abc import Iterable
from datetime import timedelta
from enum import Enum
from typing import Any, Final
from uuid import UUID

import msgspec

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.actor import OWN_READ, OWN_RIGHTS, OWN_WRITE, Actor, ActorKind, KeyUse
from revenge_core.ids import KeyId, SessionId, UserId
from revenge_core.permissions import Permission
from revenge_core.testing.builders import NOW, a_png, a_user, an_id
from revenge_http.asgi import Message
from revenge_http.cookies import Cookies
from revenge_http.examples import EXAMPLES
from revenge_http.operations import Call, Operation
from revenge_http.options import HttpOptions
from revenge_http.streamed import StreamedAnswer
from revenge_http.wire import bare

EVERY_RIGHT: Final = frozenset(permission.value for permission in Permission) | OWN_RIGHTS


class _Uploaded:
    """Stands for a form with a picture in it."""

    async def read(self, _fields: object, *, max_bytes: int) -> bytes:
        return a_png()[:max_bytes]


def somebody(box: Sandbox) -> UserId:
    """An account to act for."""
    user = a_user()
    box.rows.users[user.id] = user
    return user.id


def with_session(user_id: UserId, permissions: Iterable[Permission]) -> Actor:
    """Somebody who signed in a moment ago, with these permissions."""
    return Actor(
        kind=ActorKind.USER,
        user_id=user_id,
        session_id=SessionId(an_id()),
        permissions=frozenset(permissions),
        proven_until=NOW + timedelta(days=400),
    )


def with_key(user_id: UserId, rights: Iterable[str]) -> Actor:
    """An API key with these rights of somebody who may do everything."""
    rights = frozenset(rights)
    return Actor(
        kind=ActorKind.API_KEY,
        user_id=user_id,
        permissions=frozenset(Permission(right) for right in rights - OWN_RIGHTS),
        key=KeyUse(id=KeyId(an_id()), reads_own=OWN_READ in rights, writes_own=OWN_WRITE in rights),
    )


async def call(box: Sandbox, one: Operation, actor: Actor) -> None:
    """Call the operation's function about something that is not there, with the body of its example.

    Raises:
        RevengeError: what the service refuses.
    """
    scope: dict[str, Any] = {"method": one.method, "headers": [], "scheme": "http", "host": b"x"}
    jar = Cookies(HttpOptions()).jar(scope)
    asked = Call(revenge=box.revenge, actor=actor, prefix="", path=one.path, query="", cookies=jar)
    fields = msgspec.structs.fields(one.parameters)
    arguments = {field.name: _sample(field.type) for field in fields if field.required}
    if one.access.permission is None and "user_id" in arguments:
        arguments["user_id"] = actor.user_id  # for others it takes a permission
    if one.body is not None:
        arguments["body"] = EXAMPLES[one.body]
    if one.uploads:
        arguments["upload"] = _Uploaded()
    answer = await one.function(asked, **arguments)
    if isinstance(answer, StreamedAnswer):  # opened as it is sent
        await answer(scope, _nothing_comes, _nobody_listens)


async def _nothing_comes() -> Message:
    return {"type": "http.disconnect"}


async def _nobody_listens(_: Message) -> None: ...


def _sample(kind: object) -> object:
    plain = bare(kind)
    if plain is UUID:
        return an_id()
    if plain is int:
        return 1
    if isinstance(plain, type) and issubclass(plain, Enum):
        return next(iter(plain))
    return "x"
