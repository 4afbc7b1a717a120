"""Every defect of the original that Revenge could have has a test that would notice it."""

from tests.house.defects import DEFECTS, TO_COME, shown_absent


def test_every_defect_has_a_test_or_nothing_yet_that_could_have_it() -> None:
    assert set(DEFECTS) - set(shown_absent()) == set(TO_COME) - set(shown_absent())


def test_numbers_in_names_of_tests_are_those_of_defects() -> None:
    assert set(shown_absent()) <= set(DEFECTS)
