"""Limits of throughput: so many requests at once, so many in the long run (decisions W5, rulings R9).

They keep the server usable. What keeps passwords from being guessed counts in the database (`auth`).
"""

from datetime import timedelta
from enum import StrEnum

from revenge_core.entity import Entity


class Tier(StrEnum):
    """Kinds of requests that share a limit. The name is what `RateLimit-Policy` says."""

    ACCOUNT = "account"
    """What sends mail, makes accounts, or takes a one-time token: register, forgot, reset, verify, resend."""
    GLOBAL = "global"
    """Every request of one address, in this process."""
    KEY = "key"
    """What comes with one API key that has a limit of its own, from wherever (decisions A4)."""
    LOGIN = "login"
    """What takes a password: sign-in, reauthentication, change of password, bootstrap."""
    REFRESH = "refresh"
    """What takes a refresh token."""


class Quota(Entity, kw_only=True):
    """`burst` requests at once, and `burst` in each `window` in the long run, regained evenly."""

    burst: int
    window: timedelta


class LimitRules(Entity, kw_only=True):
    """What the host decided about throughput, per address."""

    is_on: bool = True
    everything: Quota = Quota(burst=100, window=timedelta(seconds=2))
    login: Quota = Quota(burst=20, window=timedelta(minutes=1))
    account: Quota = Quota(burst=10, window=timedelta(minutes=1))
    refresh: Quota = Quota(burst=60, window=timedelta(minutes=1))

    def quota(self, tier: Tier) -> Quota:
        """The quota of this tier.

        Raises:
            LookupError: it is that of API keys, each of which has its own.
        """
        match tier:
            case Tier.ACCOUNT:
                return self.account
            case Tier.GLOBAL:
                return self.everything
            case Tier.KEY:
                raise LookupError(tier)
            case Tier.LOGIN:
                return self.login
            case Tier.REFRESH:
                return self.refresh


class Verdict(Entity, kw_only=True):
    """Whether one more request is within a quota, and what is left of it."""

    allowed: bool
    remaining: int
    """How many more would be let through at this moment."""
    reset_after: float
    """Seconds until the whole burst is there again."""
    retry_after: float = 0
    """Seconds until one more is let through; 0 where one would be at once."""
