"""A small JSON client for a server elsewhere (rulings R35).

Only the standard library: it takes no redirects, no proxies and no cookies, so that the token goes where it was meant
to go and nowhere else.
"""

import re
import ssl
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from revenge_cli.errors import AnswerUnusable, ServerUnreachable
from revenge_cli.place import Place
from revenge_cli.release import release
from revenge_cli.render import harmless
from revenge_core.errors import (
    Conflict,
    FieldProblem,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    ReauthRequired,
    RevengeError,
    Unauthenticated,
    Unavailable,
)
from revenge_core.secrets import Secret

T = TypeVar("T")

SECONDS: Final = 30.0
"""So long a server may be silent."""
MOST_BYTES: Final = 16 * 1024 * 1024

_KINDS: Final[dict[int, type[RevengeError]]] = {
    400: Invalid,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    408: Unavailable,
    409: Conflict,
    412: Conflict,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    428: Conflict,
    429: RateLimited,
    431: Invalid,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
"""What the edge makes of the kinds of errors, read backwards, and what proxies say."""


_SECONDS: Final = re.compile("[0-9]{1,6}")


class _Problem(msgspec.Struct):
    """What of an RFC 9457 answer is told."""

    error: str
    detail: str
    errors: list[FieldProblem] = []


class _Proof(msgspec.Struct):
    access_token: str


class Remote:
    """One server, and somebody who came with a token."""

    def __init__(self, place: Place, token: Secret, ask_password: Callable[[], Secret] | None = None) -> None:
        self._place = place
        self._token = token
        self._ask_password = ask_password
        """How to get a password for acts that want a recent proof; None where there is nobody to ask."""
        self._tls = ssl.create_default_context() if place.is_tls else None

    def get(self, kind: type[T], *path: str, **query: object) -> T:
        """Read one thing. Words of the path may hold anything; what is None in the query is left out.

        Raises:
            ServerUnreachable, AnswerUnusable: there is no answer, or none of Revenge.
            RevengeError: what the server refused, of its kind and with its code.
        """
        asked = {name: _word(value) for name, value in query.items() if value is not None}
        return self._decoded(kind, self._call("GET", path, asked, None))

    def send(self, kind: type[T], method: str, *path: str, body: object = None) -> T:
        """Change something, and read what the server says to it. Errors are as of `get`."""
        return self._decoded(kind, self._call(method, path, {}, body))

    def do(self, method: str, *path: str, body: object = None) -> None:
        """Change something. Errors are as of `get`."""
        self._call(method, path, {}, body)

    def _call(self, method: str, path: tuple[str, ...], query: dict[str, str], body: object) -> bytes:
        target = "/".join([f"{self._place.prefix}/api/v1", *(quote(word, safe="") for word in path)])
        if query:
            target += f"?{urlencode(query)}"
        sent = None if body is None else msgspec.json.encode(body)
        try:
            return self._exchange(method, target, sent)
        except ReauthRequired:
            if self._ask_password is None:
                raise
        self._prove(self._ask_password())
        return self._exchange(method, target, sent)

    def _prove(self, password: Secret) -> None:
        target = f"{self._place.prefix}/api/v1/auth/reauthenticate"
        body = msgspec.json.encode({"password": password.reveal()})
        self._token = Secret(self._decoded(_Proof, self._exchange("POST", target, body)).access_token)

    def _exchange(self, method: str, target: str, body: bytes | None) -> bytes:
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {self._token.reveal()}",
            "User-Agent": f"revenge/{release()}",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = self._connection()
        try:
            connection.connect()
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            content = response.read(MOST_BYTES + 1)
        except (OSError, HTTPException) as error:
            raise self._unreachable(error, was_asked=method != "GET") from error
        finally:
            connection.close()
        if len(content) > MOST_BYTES:
            raise AnswerUnusable(f"{self._place} answers with more than {MOST_BYTES} bytes; narrow what you ask for")
        if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            raise self._refusal(response, content)
        return content

    def _connection(self) -> HTTPConnection:
        if self._tls is None:
            return HTTPConnection(self._place.host, self._place.port, timeout=SECONDS)
        return HTTPSConnection(self._place.host, self._place.port, timeout=SECONDS, context=self._tls)

    def _unreachable(self, error: Exception, *, was_asked: bool = False) -> ServerUnreachable:
        reason = str(error) or type(error).__name__
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = f"{error.verify_message}; SSL_CERT_FILE may name the certificates of your own authority"
        doubt = " Whether it was done is not known: look before you try again." if was_asked else ""
        return ServerUnreachable(f"{self._place} cannot be reached: {harmless(reason)}.{doubt}")

    def _refusal(self, response: HTTPResponse, content: bytes) -> RevengeError:
        status = response.status
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            there = harmless(response.headers.get("Location", "")[:200]) or "nowhere"
            return AnswerUnusable(f"{self._place} sends elsewhere, to {there}; if you trust that, give it as --url")
        try:
            problem = msgspec.json.decode(content, type=_Problem)
        except (msgspec.MsgspecError, RecursionError):
            if status in {502, 503, 504}:  # a proxy says so, with a page for people
                return ServerUnreachable(f"{self._place} cannot be reached: what stands before it answers {status}.")
            return AnswerUnusable(
                f"{self._place} answers {status}, and not as Revenge does; look whether --url is right"
            )
        detail = problem.detail
        if status == HTTPStatus.UNAUTHORIZED:
            detail = f"{detail}. A new token is the access_token that POST {self._place}/api/v1/auth/login answers"
        if problem.error == ReauthRequired.code:
            return ReauthRequired(problems=problem.errors)
        after = response.headers.get("Retry-After", "")
        kind = _KINDS.get(status, RevengeError)
        told = type(kind.__name__, (kind,), {"code": problem.error})
        refusal: RevengeError = told(
            detail, problems=problem.errors, retry_after=int(after) if _SECONDS.fullmatch(after) else None
        )
        return refusal

    def _decoded(self, kind: type[T], content: bytes) -> T:
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise AnswerUnusable(f"{self._place} answers, but not as Revenge of this release does") from error


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
