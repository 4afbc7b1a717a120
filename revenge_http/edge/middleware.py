"""The outer middleware: one layer, so that it costs one layer.

In this order (decisions W3): request id, client address, the limit of that address, sizes, CORS preflight, then the
application. Requests are counted where they are logged.
"""

import logging
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from revenge_core.actor import Origin
from revenge_http.answers import Answer
from revenge_http.asgi import App, Message, Receive, Scope, Send, values_of
from revenge_http.edge.address import Proxies, plain_address
from revenge_http.edge.cors import Cors
from revenge_http.edge.headers import DRESSES
from revenge_http.edge.request_id import request_id
from revenge_http.edge.sizes import Sizes
from revenge_http.errors import RouteNotFound
from revenge_http.options import HttpOptions
from revenge_http.problems import ProblemWriter
from revenge_http.throttle import Throttle

MAX_USER_AGENT: Final = 512
"""What is kept of it, in characters."""

_KEY: Final = re.compile(r"(rv_[0-9a-f]{5})[0-9a-f]+")
"""An API key has no place in an address. Where somebody puts one nevertheless, it is not to be had from the log."""
_access_log = logging.getLogger("revenge.http.access")
_log = logging.getLogger("revenge.http")


class Edge:
    """Wraps the application; leaves an `Origin` as `scope["origin"]`, and adds what it finds in `more_headers`."""

    def __init__(
        self,
        app: App,
        options: HttpOptions,
        problems: ProblemWriter,
        throttle: Throttle | None = None,
        uploads: Mapping[str, int] | None = None,
    ) -> None:
        """`uploads` says how many bytes a request may hold at paths that take files."""
        self._app = app
        self._throttle = throttle
        self._problems = problems
        self._prefix = options.path_prefix
        self._log_access = options.access_log
        self._observe = options.observe
        self._proxies = Proxies(options.trusted_proxies, trust_unix_socket=options.trust_unix_socket)
        self._sizes = Sizes(max_body_bytes=options.max_body_bytes, max_header_bytes=options.max_header_bytes)
        self._uploads = {
            path: Sizes(max_body_bytes=max(size, options.max_body_bytes), max_header_bytes=options.max_header_bytes)
            for path, size in (uploads or {}).items()
        }
        self._cors = Cors(options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        read: dict[bytes, bytes] = dict(scope["headers"])
        request = request_id(read.get(b"x-request-id"))
        address = self._whence(scope, read)
        agent = read.get(b"user-agent", b"")[:MAX_USER_AGENT].decode("latin-1")
        scope["read"] = read
        scope["origin"] = Origin(address=address, user_agent=agent or None, request_id=request)
        dress = DRESSES[scope["method"] == "GET", scope["scheme"] == "https"]

        async def send_dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["status"] = message["status"]
                message["headers"] = dress.put_on(message["headers"], request)
                if "more_headers" in scope:
                    message["headers"] += scope["more_headers"]
                if self._cors.is_open:
                    message["headers"] += self._cors.headers(read.get(b"origin"))
            await send(message)

        started = time.perf_counter()
        try:
            app, receive = self._checked(scope, receive, read)
            await app(scope, receive, send_dressed)
        except Exception as error:  # noqa: BLE001 (the last resort: no exception may reach the server)
            if "status" in scope:
                _log.error("request %s failed after its answer had begun", request, exc_info=error)
            else:
                await self._problems.answer(error, scope)(scope, receive, send_dressed)
        finally:
            # What is refused is always logged (decisions W3); everything is at level debug only, for its cost.
            seconds = time.perf_counter() - started
            status: int = scope.get("status", 0)
            if status >= HTTPStatus.BAD_REQUEST or self._log_access:
                self._write_access(scope, status, seconds)
            if self._observe is not None:
                self._observe(scope["method"], scope.get("path_template", ""), status, seconds)

    def _whence(self, scope: Scope, read: dict[bytes, bytes]) -> str | None:
        """The client's address. `scheme` and `host` become what the client sees; proxies count if trusted (R15)."""
        peer = scope["client"][0] if scope.get("client") else None
        scope["host"] = read.get(b"host", b"")
        if not self._proxies.any:
            return plain_address(peer or "")
        if self._proxies.trusts(peer):
            if _latest(read, b"x-forwarded-proto").lower() == b"https":
                scope["scheme"] = "https"
            scope["host"] = _latest(read, b"x-forwarded-host") or scope["host"]
        return self._proxies.client(peer, values_of(scope, b"x-forwarded-for"))

    def _checked(self, scope: Scope, receive: Receive, read: dict[bytes, bytes]) -> tuple[App, Receive]:
        """Whom to give the request to, and from where it is read.

        Raises:
            RateLimited: its address sends too many.
            HeadersTooLarge, BodyTooLarge: it is too long.
            RouteNotFound: the router would take its path for another.
        """
        if self._throttle is not None:
            origin: Origin = scope["origin"]
            self._throttle.count(scope, origin.address)
        target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        self._sizes.check_headers(scope["headers"], target)
        scope["path"], scope["root_path"] = self._path(scope), ""
        sizes = self._uploads.get(scope["path"], self._sizes)
        sizes.check_length(read.get(b"content-length"))
        if scope["method"] == "OPTIONS" and self._cors.is_open and b"origin" in read:
            preflight = self._cors.preflight(read[b"origin"])
            if preflight is not None and values_of(scope, b"access-control-request-method"):
                return Answer(204, headers=preflight), receive
        return self._app, receive if scope["method"] == "GET" else sizes.limited(receive)

    def _path(self, scope: Scope) -> str:
        """The path without the prefix under which a proxy, or a program that embeds this one, shows it.

        The router would forgive slashes too many and at the end; a path that is written differently is another path.
        """
        path: str = scope["path"]
        prefix = scope.get("root_path") or self._prefix
        if prefix and path.startswith(prefix + "/"):
            path = path[len(prefix) :]
        raw: bytes = scope.get("raw_path") or b""
        if "//" in path or (path[-1:] == "/" and path != "/") or b"%2f" in raw.lower():
            raise RouteNotFound
        return path

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start-up and shutdown go through; no route is a web socket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    @staticmethod
    def _write_access(scope: Scope, status: int, seconds: float) -> None:
        raw: bytes = scope.get("raw_path") or b""
        origin: Origin = scope["origin"]
        _access_log.info(
            "%s %s %d %.1f ms %s %s",
            scope["method"],
            _KEY.sub(r"\1...", raw.decode("ascii", "backslashreplace")),
            status,
            seconds * 1000,
            origin.address or "-",
            origin.request_id,
        )


def _latest(read: dict[bytes, bytes], name: bytes) -> bytes:
    """What the nearest proxy says: lists grow to the right."""
    return read.get(name, b"").rpartition(b",")[2].strip()
