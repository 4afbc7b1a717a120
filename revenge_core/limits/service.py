"""Use cases of limits."""

from typing import Final

from revenge_core.ids import KeyId
from revenge_core.limits.entities import LimitRules, Quota, Tier, Verdict
from revenge_core.limits.policy import address_key, per_minute
from revenge_core.limits.ports import OwnLimiter, RateLimiter

_FREE: Final = Verdict(allowed=True, remaining=1, reset_after=0)


class Limits:
    """How often one address may ask for something. `own` counts in this process, `shared` in all of them together."""

    def __init__(self, own: OwnLimiter, shared: RateLimiter, rules: LimitRules) -> None:
        self._own = own
        self._shared = shared
        self._rules = rules

    @property
    def is_on(self) -> bool:
        """Whether anything is counted."""
        return self._rules.is_on

    def quota(self, tier: Tier) -> Quota:
        """What one address may ask for in this tier; that of API keys has no quota for all."""
        return self._rules.quota(tier)

    @staticmethod
    def whose(address: str | None) -> str:
        """Under what this address is counted, here and wherever else something is counted by address."""
        return address_key(address)

    def count(self, address: str | None) -> Verdict:
        """Count one request of `address` in the global tier: as `take`, for whoever has a microsecond for it."""
        return self._own.count(address_key(address), self._rules.everything) if self._rules.is_on else _FREE

    async def take(self, tier: Tier, address: str | None) -> Verdict:
        """Count one request of `address`; the edge refuses what is not allowed."""
        if tier is Tier.GLOBAL:
            return self.count(address)
        if not self._rules.is_on:
            return _FREE
        return await self._shared.take(f"{tier.value}:{address_key(address)}", self._rules.quota(tier))

    async def take_of_key(self, key_id: KeyId, requests: int) -> Verdict:
        """Count one request that came with this API key, which may send so many in a minute, from wherever."""
        return await self._shared.take(f"{Tier.KEY.value}:{key_id}", per_minute(requests)) if self.is_on else _FREE
