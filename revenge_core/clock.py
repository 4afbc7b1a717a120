"""Time as a port: nothing in core, and no SQL statement, asks the machine what time it is."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time that decides leases and expiry. In production it follows the database's (rulings R26)."""

    def now(self) -> datetime:
        """The present, in UTC, with its zone set; never earlier than an answer before."""
        ...
