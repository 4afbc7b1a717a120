"""From the kind of an error to the exit code: the only place that knows."""

from typing import Final

from revenge_core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    RevengeError,
    Unauthenticated,
    Unavailable,
)

OK: Final = 0
FAILURE: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
CONFLICT: Final = 4
DENIED: Final = 5
DEPENDENCY_DOWN: Final = 69
"""EX_UNAVAILABLE of sysexits.h: trying again later may help, as with a limit."""

_BY_KIND: Final[dict[type[RevengeError], int]] = {
    Conflict: CONFLICT,
    Forbidden: DENIED,
    Invalid: USAGE,
    NotFound: NOT_FOUND,
    RateLimited: DEPENDENCY_DOWN,
    Unauthenticated: DENIED,
    Unavailable: DEPENDENCY_DOWN,
}


def exit_code(error: RevengeError) -> int:
    """The exit code for an error: that of its kind."""
    return next((_BY_KIND[kind] for kind in type(error).__mro__ if kind in _BY_KIND), FAILURE)
