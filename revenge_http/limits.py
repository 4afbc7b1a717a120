"""`/admin/limits`: who guessed wrong passwords too often."""

from revenge_core.auth.entities import GuessCount
from revenge_core.permissions import Permission
from revenge_http.access import needs
from revenge_http.operations import Call, operation
from revenge_http.wire import Timestamp, Wire


class GuessLimit(Wire, kw_only=True):
    """How much of an allowance for wrong passwords is used up; it comes back with time.

    `key` names what is counted: `pair:<account> <address>`, `address:<address>`, `account:<account>` or
    `device:<account> <device>`. An account is its id; for a name that nobody has it is a digest.
    """

    key: str
    used: float
    at: Timestamp
    refused: int

    @classmethod
    def of(cls, count: GuessCount) -> "GuessLimit":
        """The count as administrators see it."""
        return cls(key=count.key, used=round(count.used, 3), at=count.at, refused=count.refused)


class GuessLimitList(Wire, kw_only=True):
    """Allowances of which something is used up, the latest first; at most a hundred."""

    limits: list[GuessLimit]
    total: int


@operation("GET", "/api/v1/admin/limits", "adminListLimits", needs(Permission.LIMITS_LIST))
async def list_limits(call: Call) -> GuessLimitList:
    """See whose wrong passwords count against whom at the moment."""
    counts = await call.revenge.guessing.used(call.actor)
    return GuessLimitList(limits=[GuessLimit.of(one) for one in counts], total=len(counts))


@operation("DELETE", "/api/v1/admin/limits/{subject}", "adminClearLimits", needs(Permission.LIMITS_CLEAR))
async def clear(call: Call, subject: str) -> None:
    """Forget what counts against an account (its id) or an address (for an IPv6 network, any address of it)."""
    await call.revenge.guessing.clear(call.actor, subject)


operations = (list_limits, clear)
