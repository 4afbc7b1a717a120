import pytest

import revenge_core
from revenge_core.actor import Actor
from revenge_core.errors import Invalid
from revenge_core.paging import checked_limit


def test_the_door_shows_where_things_live() -> None:
    assert revenge_core.Actor is Actor
    assert dir(revenge_core) == sorted(revenge_core.__all__)


def test_the_door_knows_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = revenge_core.Nothing


@pytest.mark.parametrize("limit", [1, 200])
def test_a_page_may_be_that_long(limit: int) -> None:
    assert checked_limit(limit) == limit


@pytest.mark.parametrize("limit", [0, 201])
def test_a_page_may_not_be_that_long(limit: int) -> None:
    with pytest.raises(Invalid):
        checked_limit(limit)
