"""The ASGI shapes, as loosely as the specification has them, and what our middleware adds to a scope.

Litestar's own types are closed dictionaries; ours leave room for what the edge puts into a scope: `origin` (an
`Origin`), `host` (as the client sees it) and `read` (the headers by name, of several the last), set by
`edge.middleware`, which also adds the headers that it finds in `more_headers` to whatever answer there is, and sets
`status` when one begins; `cookies` (a `Jar`) and `user` (an `Actor`), set by `gate`; `refused` (a `Forbidden`), set by
`refusals`.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]


def values_of(scope: Scope, name: bytes) -> list[bytes]:
    """Every value of one request header, in the order in which they came; `name` in lower case."""
    headers: Headers = scope["headers"]
    read: dict[bytes, bytes] | None = scope.get("read")
    if read is not None:
        if name not in read:
            return []
        if len(read) == len(headers):  # no name came twice
            return [read[name]]
    return [value for key, value in headers if key == name]
