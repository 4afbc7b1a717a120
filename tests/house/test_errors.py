"""Errors: each has a code that clients can rely on, and words for people."""

import re
from collections import Counter

import pytest

from revenge_core.errors import RevengeError
from tests.house.modules import PACKAGES, classes
from tests.house.vocabulary import errors

EVERY = sorted(
    (error for package in PACKAGES for error in classes(package) if issubclass(error, RevengeError)),
    key=lambda error: error.__qualname__,
)


def name(error: type[RevengeError]) -> str:
    return error.__qualname__


def test_no_two_errors_share_a_code() -> None:
    assert [code for code, count in Counter(error.code for error in errors()).items() if count > 1] == []


@pytest.mark.parametrize("error", EVERY, ids=name)
def test_an_error_has_a_code_of_its_own_or_is_a_base_of_others(error: type[RevengeError]) -> None:
    assert "code" in vars(error) or error.__subclasses__()
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)


@pytest.mark.parametrize("error", errors(), ids=name)
def test_an_error_says_what_happened_in_words_of_its_own(error: type[RevengeError]) -> None:
    assert "title" in vars(error)
    assert error.__doc__
    assert error.__doc__.strip() != (error.__mro__[1].__doc__ or "").strip()
    assert not error.title.endswith(".")


@pytest.mark.parametrize("error", EVERY, ids=name)
def test_an_error_lives_where_errors_live(error: type[RevengeError]) -> None:
    assert error.__module__.rpartition(".")[2] in {"errors", "migrate"}
