"""What repeating a request refuses."""

from revenge_core.errors import Conflict, Invalid


class IdempotencyKeyInvalid(Invalid):
    """The header is empty, too long, or not plain text."""

    code = "idempotency_key_invalid"
    title = "Idempotency-Key must have 1 to 255 visible ASCII characters"


class IdempotencyKeyReused(Invalid):
    """The same key came with another request before; HTTP answers 422."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request; use a new one for each"


class RequestInFlight(Conflict):
    """The same request is being worked on at this moment."""

    code = "request_in_flight"
    title = "The same request is being worked on; ask again in a moment"


class AlreadyDone(Conflict):
    """The same request was done before. Its answer held a secret, which is told once; `Location` says what it made."""

    code = "already_done"
    title = "This request was done before; its answer is not told twice"

    def __init__(self, location: str | None) -> None:
        super().__init__()
        self.location = location
