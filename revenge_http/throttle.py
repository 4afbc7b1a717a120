"""Limits of throughput: who asks too often is refused before anything is done for them (decisions W3, W5).

Every request counts in the outer edge, before anybody knows where it goes; some routes count once more, each in its
tier, before authentication. Both count by address. What comes with an API key that has a limit of its own counts by
that key, after authentication. Clients are told in `RateLimit-Policy` and `RateLimit`
(draft-ietf-httpapi-ratelimit-headers).
"""

import math

from revenge_core.actor import KeyUse
from revenge_core.errors import RateLimited
from revenge_core.limits.entities import Quota, Tier, Verdict
from revenge_core.limits.policy import per_minute
from revenge_core.limits.service import Limits
from revenge_http.asgi import Headers, Scope
from revenge_http.options import HttpOptions


class Throttle:
    """Counts requests, and refuses those that are too many."""

    def __init__(self, limits: Limits, options: HttpOptions) -> None:
        self._limits = limits
        self._counted = options.counted
        with_quota = (tier for tier in Tier if tier is not Tier.KEY)
        self._policies: dict[Tier, bytes] = {tier: _policy(tier, limits.quota(tier)) for tier in with_quota}

    def count(self, scope: Scope, address: str | None) -> None:
        """Count one request, whatever it asks for.

        Raises:
            RateLimited: it is one too many; `retry_after` says when the next one is not.
        """
        verdict = self._limits.count(address)
        if self._counted is not None:
            self._counted(Tier.GLOBAL.value, verdict.allowed)
        if not verdict.allowed:
            _tell(scope, Tier.GLOBAL, self._policies[Tier.GLOBAL], verdict)
            raise RateLimited(retry_after=verdict.retry_after)

    async def count_in(self, tier: Tier, scope: Scope, address: str | None) -> None:
        """Count one request to a route of this tier, and tell the client what is left.

        Raises:
            RateLimited: as `count`.
        """
        self._judge(scope, tier, self._policies[tier], await self._limits.take(tier, address))

    async def count_key(self, scope: Scope, key: KeyUse) -> None:
        """Count one request that came with an API key, if the key has a limit, and tell the client what is left.

        Raises:
            RateLimited: as `count`.
        """
        if key.rate_limit is not None:
            verdict = await self._limits.take_of_key(key.id, key.rate_limit)
            self._judge(scope, Tier.KEY, _policy(Tier.KEY, per_minute(key.rate_limit)), verdict)

    def _judge(self, scope: Scope, tier: Tier, policy: bytes, verdict: Verdict) -> None:
        if self._counted is not None:
            self._counted(tier.value, verdict.allowed)
        _tell(scope, tier, policy, verdict)
        if not verdict.allowed:
            raise RateLimited(retry_after=verdict.retry_after)


def _tell(scope: Scope, tier: Tier, policy: bytes, verdict: Verdict) -> None:
    more: Headers = scope.setdefault("more_headers", [])
    left = f'"{tier.value}";r={verdict.remaining};t={math.ceil(verdict.reset_after)}'
    more += [(b"ratelimit-policy", policy), (b"ratelimit", left.encode())]


def _policy(tier: Tier, quota: Quota) -> bytes:
    return f'"{tier.value}";q={quota.burst};w={math.ceil(quota.window.total_seconds())}'.encode()
