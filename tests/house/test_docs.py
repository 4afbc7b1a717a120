"""Pages about stable names leave none out, and name none that is gone."""

import re

import pytest

from revenge_core.activity.entities import Action
from revenge_core.permissions import Permission
from tests.house.job_kinds import registered
from tests.house.reference import REFERENCE
from tests.house.vocabulary import ACTIONS, JOBS, PERMISSIONS, errors


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("errors.md", {error.code for error in errors()}),
        ("permissions.md", {permission.value for permission in Permission}),
        ("actions.md", {action.value for action in Action}),
        ("jobs.md", set(registered().kinds)),
    ],
)
def test_every_name_has_a_heading_of_its_own(page: str, names: set[str]) -> None:
    headings = re.findall(r"^##+ `(.+)`$", (REFERENCE / page).read_text("utf-8"), re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert set(headings) == names


def test_every_permission_every_action_and_every_kind_of_job_is_explained() -> None:
    assert list(JOBS) == sorted(registered().kinds)
    assert [text for text in JOBS.values() if not text.endswith(".")] == []
    assert list(PERMISSIONS) == list(Permission)
    assert list(ACTIONS) == list(Action)
    assert [text for text in PERMISSIONS.values() if text.endswith(".")] == []
    assert [text for text in ACTIONS.values() if not text.endswith(".")] == []
