"""What only the HTTP edge refuses: requests that are wrong before anybody looks at what they want, and to start."""

from revenge_core.errors import Forbidden, Invalid, NotFound, RevengeError


class EdgeError(RevengeError):
    """A refusal with an HTTP status of its own."""


class RouteNotFound(NotFound):
    """No operation has this path. A trailing slash makes another path."""

    code = "route_not_found"
    title = "There is nothing at this path; the documentation at /api/docs lists what there is"


class MethodNotAllowed(EdgeError):
    """The path exists, the method does not; `Allow` names those that do."""

    code = "method_not_allowed"
    title = "This path has no such method; see the Allow header"

    def __init__(self, allow: str) -> None:
        super().__init__()
        self.allow = allow


class RequestInvalid(Invalid):
    """Fields of the request are missing or of the wrong type; `problems` names each."""

    code = "request_invalid"
    title = "The request is not as the operation needs it; see errors for each field"


class BodyMalformed(Invalid):
    """The body is not what its content type says."""

    code = "body_malformed"
    title = "The body is not valid JSON"


class ConditionMalformed(Invalid):
    """`If-Match` is no list of entity tags, or one that names several versions (RFC 9110, section 13.1.1)."""

    code = "condition_malformed"
    title = "If-Match must hold the ETag of one answer, as it was sent, or *"


class TwoCredentials(Invalid):
    """A request speaks for one caller: which of two would be meant, nobody can tell (rulings R11)."""

    code = "two_credentials"
    title = "The request carries more than one credential; send one"


class CsrfFailed(Forbidden):
    """A browser sent a cookie along with a request that changes something, and nothing shows that its page meant to.

    The header `X-CSRF-Token` carries the value of the cookie `revenge_csrf`; pages of other sites need to be named in
    `server.cors_origins` (rulings R15).
    """

    code = "csrf_failed"
    title = "The request came with a cookie, but not with the X-CSRF-Token of its session, or from a foreign page"


class BodyTooLarge(EdgeError):
    """The body is longer than the server takes."""

    code = "body_too_large"
    title = "The request's body is too long"


class BodyTooSlow(EdgeError):
    """The body did not arrive in time."""

    code = "body_too_slow"
    title = "The request's body took too long to arrive; try again"


class HeadersTooLarge(EdgeError):
    """The headers add up to more than the server takes."""

    code = "headers_too_large"
    title = "The request's headers are too long"


class MediaTypeUnsupported(EdgeError):
    """The body is of a kind that this operation does not take."""

    code = "media_type_unsupported"
    title = "This operation takes a body of type application/json; say so in Content-Type"


class AddressUnavailable(RevengeError):
    """The server cannot listen where it is told to."""

    code = "address_unavailable"
    title = "The server cannot listen on this address"
