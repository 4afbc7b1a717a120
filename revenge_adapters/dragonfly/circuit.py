"""Not asking again and again who does not answer."""

import logging
import time
from collections.abc import Callable
from typing import Final

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 10.0


class Circuit:
    """Whether to ask. After a failure nobody does for a while; then one does, and the others do not wait for him.

    `lost` and `found` are what the log says, each once: the first takes what the problem was.
    """

    def __init__(
        self,
        log: logging.Logger,
        *,
        lost: str,
        found: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._lost = lost
        self._found = found
        self._monotonic = monotonic
        self._pause = 0.0
        self._ask_again_at = 0.0
        self._trying = False

    def may_ask(self) -> bool:
        """Whether this is a moment to ask; who may, says afterwards how it went."""
        if not self._pause:
            return True
        moment = self._monotonic()
        if moment < self._ask_again_at:
            return False
        self._ask_again_at = moment + self._pause
        self._trying = True
        return True

    def failed(self, problem: Exception) -> None:
        """There was no answer, or one that makes no sense."""
        if not self._pause:
            self._log.warning(self._lost, str(problem) or "no answer in time")
        elif not self._trying:
            return  # asked before it was lost, with many others: that is one loss
        self._trying = False
        self._pause = min(max(FIRST_PAUSE_SECONDS, 2 * self._pause), LONGEST_PAUSE_SECONDS)
        self._ask_again_at = self._monotonic() + self._pause

    def answered(self) -> None:
        """It did."""
        if self._pause:
            self._log.info(self._found)
        self._pause = 0.0
        self._trying = False
