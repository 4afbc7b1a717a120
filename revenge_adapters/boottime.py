"""Time for measuring freshness: it goes on while the machine sleeps, and no clock setting moves it (rulings R25c)."""

import sys
import time

if sys.platform == "linux":

    def boottime() -> float:
        """Seconds since the machine started, those asleep included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:

    def boottime() -> float:
        """Seconds since some moment; elsewhere than on Linux the monotonic clock is what there is."""
        return time.monotonic()
