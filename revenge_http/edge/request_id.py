"""One id per request: in the answer, in logs and in the audit (decisions W3)."""

import os
import re
import time
from typing import Final

_SANE: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}\Z")


def request_id(inbound: bytes | None) -> str:
    """The id that came with the request, if it is short and plain; else a new one."""
    if inbound is not None and _SANE.match(inbound):
        return inbound.decode("ascii")
    return new_request_id()


def new_request_id() -> str:
    """A UUIDv7 (RFC 9562): ids sort by time. Unlike the ids of records it need not be in order within a millisecond."""
    digits = f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
