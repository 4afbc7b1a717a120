"""What a process' view of the revocation feed owes to caches (rulings R25)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest

from revenge_core.cache.entities import Mark
from revenge_core.cache.ports import SharedFeedView
from revenge_core.feed import ROLES_CHANGED, SIGNING_KEYS_CHANGED, Change

FAR: Final = 1_000_000


@dataclass(frozen=True)
class MovedByHand:
    """A view together with what moves it."""

    view: SharedFeedView
    announce: Callable[[Change], None]
    """The process learns of a change."""
    flush: Callable[[], None]
    """The process learns that it may have missed anything."""


class FeedViewContract:
    """Subclasses give a `moved` view."""

    @pytest.fixture
    def moved(self) -> MovedByHand:
        raise NotImplementedError

    def test_what_was_announced_has_changed_since_before_and_not_since_after(self, moved: MovedByHand) -> None:
        before = moved.view.position()
        assert not moved.view.changed_since([ROLES_CHANGED], before)
        moved.announce(ROLES_CHANGED)
        assert moved.view.changed_since([SIGNING_KEYS_CHANGED, ROLES_CHANGED], before)
        assert not moved.view.changed_since([SIGNING_KEYS_CHANGED], before)
        assert not moved.view.changed_since([ROLES_CHANGED], moved.view.position())

    def test_everything_has_changed_since_before_a_flush(self, moved: MovedByHand) -> None:
        before = moved.view.position()
        moved.flush()
        assert moved.view.changed_since([], before)
        assert not moved.view.changed_since([ROLES_CHANGED], moved.view.position())

    def test_subscribers_hear_each_change_and_of_a_flush(self, moved: MovedByHand) -> None:
        heard: list[Change | None] = []
        moved.view.subscribe(heard.append)
        moved.announce(ROLES_CHANGED)
        moved.flush()
        assert heard == [ROLES_CHANGED, None]


class SharedFeedViewContract(FeedViewContract):
    """The same, for views that several processes compare."""

    def test_its_own_mark_is_its_own_position(self, moved: MovedByHand) -> None:
        moved.announce(ROLES_CHANGED)
        assert moved.view.position_of(moved.view.mark()) == moved.view.position()

    def test_marks_of_another_history_or_ahead_mean_nothing_here(self, moved: MovedByHand) -> None:
        mark = moved.view.mark()
        assert moved.view.position_of(Mark(lineage="another", number=mark.number)) is None
        assert moved.view.position_of(Mark(lineage=mark.lineage, number=mark.number + FAR)) is None

    def test_an_older_mark_knows_what_changed_since(self, moved: MovedByHand) -> None:
        mark = moved.view.mark()
        moved.announce(ROLES_CHANGED)
        position = moved.view.position_of(mark)
        assert position is not None
        assert moved.view.changed_since([ROLES_CHANGED], position)
