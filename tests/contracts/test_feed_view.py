"""The real follower and the one that tests move see the feed alike."""

from datetime import UTC, datetime

import pytest

from revenge_adapters.postgres.feed import ChangeFollower, News
from revenge_core.feed import Change
from revenge_core.testing.contracts.feed_view import MovedByHand, SharedFeedViewContract
from revenge_core.testing.feeds import HandFeed


class Followed:
    """The real one, told what a look at the feed would tell it."""

    def __init__(self) -> None:
        self.view = ChangeFollower("")
        self._number = 5
        self._trimmed_to = 0
        self._look()

    def announce(self, change: Change) -> None:
        self._number += 1
        self._look(change)

    def flush(self) -> None:
        self._number += 10
        self._trimmed_to = self._number
        self._look()

    def _look(self, *changes: Change) -> None:
        self.view._take(
            News(
                now=datetime.now(UTC),
                lineage="one",
                trimmed_to=self._trimmed_to,
                newest=self._number,
                numbers=[self._number] * len(changes),
                topics=[change.topic for change in changes],
                keys=[change.key for change in changes],
            )
        )


class TestByHand(SharedFeedViewContract):
    @pytest.fixture
    def moved(self) -> MovedByHand:
        view = HandFeed()
        return MovedByHand(view, view.announce, view.flush)


class TestFollower(SharedFeedViewContract):
    @pytest.fixture
    def moved(self) -> MovedByHand:
        followed = Followed()
        return MovedByHand(followed.view, followed.announce, followed.flush)
