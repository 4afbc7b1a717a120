"""One id per request: in the answer, in logs and in the audit (decisions W3)."""

import re
import time
from random import getrandbits
from typing import Final

_SANE: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}\Z")


def request_id(inbound: bytes | None) -> str:
    """The id that came with the request, if it is short and plain; else a new one."""
    if inbound is not None and _SANE.match(inbound):
        return inbound.decode("ascii")
    return new_request_id()


def new_request_id() -> str:
    """A UUIDv7 (RFC 9562): ids sort by time. It names a request and guards nothing, so any random source will do."""
    number = time.time_ns() // 1_000_000 << 80 | getrandbits(80) & _FREE_BITS | _VERSION_AND_VARIANT
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_VERSION_AND_VARIANT: Final = 7 << 76 | 0b10 << 62
_FREE_BITS: Final = (1 << 76) - 1 & ~(0b11 << 62)
