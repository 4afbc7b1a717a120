"""Every dependency has a reason that somebody wrote down."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def names(requirements: list[object]) -> Iterator[str]:
    for requirement in requirements:
        if isinstance(requirement, str):  # the others include a group
            found = re.match(r"[A-Za-z0-9._-]+", requirement)
            assert found
            if found[0] != "revenge":
                yield found[0].lower().replace("_", "-")


def dependencies() -> set[str]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = document["project"]
    listed = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *document["dependency-groups"].values(),
    ]
    return {name for requirements in listed for name in names(requirements)}


@pytest.mark.parametrize("name", sorted(dependencies()))
def test_a_dependency_has_its_reason_in_why(name: str) -> None:
    reasons = (ROOT / "docs" / "why.md").read_text("utf-8").partition("## Dependencies")[2]
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", reasons, re.IGNORECASE), (
        f"{name} is a dependency: say in docs/why.md what it is for, and what was left aside"
    )
