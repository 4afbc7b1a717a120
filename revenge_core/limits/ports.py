"""What limiting needs from outside."""

from typing import Protocol

from revenge_core.limits.entities import Quota, Verdict


class OwnLimiter(Protocol):
    """Counts requests of this process alone, at once: for what is counted with every single request."""

    def count(self, key: str, quota: Quota) -> Verdict:
        """As `RateLimiter.take`."""
        ...


class RateLimiter(Protocol):
    """Counts requests against quotas. It holds nothing that would be missed after a restart."""

    async def take(self, key: str, quota: Quota) -> Verdict:
        """Count one request under `key`, if it is within `quota`; one that is refused counts for nothing.

        Never raises for want of a server: where the counts cannot be reached, this process counts for itself, and
        nobody gets more than the quota from one process (decisions W5). Memory is bounded whatever keys strangers
        choose, and no stranger's keys make another key forgotten while it is exhausted.
        """
        ...
