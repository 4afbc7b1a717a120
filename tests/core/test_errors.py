import pytest

from revenge_core.errors import (
    Conflict,
    FieldProblem,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    RevengeError,
    Unauthenticated,
    Unavailable,
)
from revenge_core.users.errors import UsernameTaken


def test_an_error_says_its_title_unless_it_has_more_to_say() -> None:
    assert UsernameTaken().detail == str(UsernameTaken()) == UsernameTaken.title
    assert UsernameTaken("ada is taken").detail == "ada is taken"


def test_an_error_carries_problems_and_when_to_come_back() -> None:
    problem = FieldProblem(pointer="/name", detail="is missing")
    refused = Invalid(problems=[problem], retry_after=2)
    assert (refused.problems, refused.retry_after) == ((problem,), 2)
    assert (UsernameTaken().problems, UsernameTaken().retry_after) == ((), None)


@pytest.mark.parametrize("kind", [Conflict, Forbidden, Invalid, NotFound, RateLimited, Unauthenticated, Unavailable])
def test_a_kind_is_a_leaf_of_the_root(kind: type[RevengeError]) -> None:
    assert kind.__bases__ == (RevengeError,)
    assert kind.code != RevengeError.code
