"""POSTs that may be sent twice: `Idempotency-Key` (decisions W7, rulings R12)."""

import re
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Final

from revenge_core.idempotency.entities import Attempt, Outcome
from revenge_core.idempotency.errors import IdempotencyKeyInvalid
from revenge_core.idempotency.service import Idempotency
from revenge_http.answers import LOCATION, Answer
from revenge_http.asgi import Scope, values_of

_KEY: Final = re.compile(rb"[\x21-\x7e]{1,255}\Z")


class Repeats(Enum):
    """What a request is answered that was done before."""

    ANSWER = auto()
    """The same as then."""
    LOCATION = auto()
    """409, and where to find what was made: the answer held a secret, which is kept nowhere."""


def idempotency_key(scope: Scope) -> str | None:
    """The key that came with the request, if one did.

    Raises:
        IdempotencyKeyInvalid: it is empty, too long, not visible ASCII, or there are several.
    """
    given = values_of(scope, b"idempotency-key")
    if not given:
        return None
    if len(given) > 1 or not _KEY.match(given[0]):
        raise IdempotencyKeyInvalid
    return given[0].decode("ascii")


async def repeated(
    idempotency: Idempotency, attempt: Attempt, repeats: Repeats, work: Callable[[], Awaitable[Answer]]
) -> Answer:
    """The answer of `work`, or the one that the same attempt got before.

    Raises:
        IdempotencyKeyReused, RequestInFlight, AlreadyDone: as `Idempotency.once`.
    """
    fresh: list[Answer] = []

    async def once() -> Outcome:
        answer = await work()
        fresh.append(answer)
        location = next((value.decode() for name, value in answer.headers if name == LOCATION), None)
        return Outcome(status=answer.status, body=answer.body if repeats is Repeats.ANSWER else None, location=location)

    kept = await idempotency.once(attempt, once)
    if fresh:
        return fresh[0]
    return Answer(kept.status, kept.body or b"", headers=[(LOCATION, kept.location.encode())] if kept.location else [])
