"""Time for measuring freshness: it goes on while the machine sleeps, and no clock setting moves it (rulings R25c)."""

import sys
import time
from functools import partial

if sys.platform == "linux":
    boottime = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    """Seconds since the machine started, those asleep included. Every request asks several times: no call of ours."""

else:
    boottime = time.monotonic
    """Seconds since some moment; elsewhere than on Linux the monotonic clock is what there is."""
