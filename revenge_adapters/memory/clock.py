"""Time that tests set."""

from datetime import UTC, datetime, timedelta
from typing import Final

from typing_extensions import override

from revenge_core.clock import Clock

NEW_YEAR: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)


class ManualClock(Clock):
    """Stands still until somebody moves it."""

    def __init__(self, start: datetime = NEW_YEAR) -> None:
        self._now = start.astimezone(UTC)

    @override
    def now(self) -> datetime:
        return self._now

    def nanoseconds(self) -> int:
        """The same present as a whole number: the nanoseconds since 1970."""
        return int(self._now.timestamp()) * 1_000_000_000 + self._now.microsecond * 1000

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Let that much time pass; the new present.

        Raises:
            ValueError: it would pass backwards.
        """
        step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if step < timedelta(0):
            message = f"time never runs backwards: cannot advance by {step}"
            raise ValueError(message)
        self._now += step
        return self._now
