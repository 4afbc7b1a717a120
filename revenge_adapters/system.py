"""What the machine itself gives: identifiers that sort by its time, and that time where there is no database's."""

import os
import threading
import time
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from typing_extensions import override

from revenge_core.clock import Clock
from revenge_core.ids import Ids

_COUNTER_MAX: Final = 0xFFF


class Uuid7Ids(Ids):
    """UUIDv7 (RFC 9562): milliseconds, a counter that keeps one process in order (method 1), and 62 random bits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = 0
        self._counter = 0

    @override
    def new(self) -> UUID:
        with self._lock:
            present = time.time_ns() // 1_000_000
            if present > self._milliseconds:
                self._milliseconds, self._counter = present, 0
            elif self._counter < _COUNTER_MAX:
                self._counter += 1
            else:  # more than 4,096 in one millisecond: borrow from the next
                self._milliseconds, self._counter = self._milliseconds + 1, 0
            head = self._milliseconds << 16 | 0x7000 | self._counter
        return UUID(int=head << 64 | 0x8000_0000_0000_0000 | int.from_bytes(os.urandom(8)) >> 2)


class SystemClock(Clock):
    """The machine's, for processes without a database; all others go by that of theirs (`postgres/feed.py`)."""

    def __init__(self) -> None:
        self._latest = datetime.min.replace(tzinfo=UTC)

    @override
    def now(self) -> datetime:
        self._latest = max(self._latest, datetime.now(UTC))
        return self._latest
