"""The transaction's end of the feed, in memory."""

from typing_extensions import override

from revenge_core.feed import Change, ChangeFeed


class MemoryFeed(ChangeFeed):
    """Collects what a transaction announces; `MemoryUnitOfWork` keeps it at commit."""

    def __init__(self) -> None:
        self.published: list[Change] = []

    @override
    def publish(self, *changes: Change) -> None:
        self.published.extend(changes)
