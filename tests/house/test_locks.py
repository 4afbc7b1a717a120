"""The locked dependencies."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def canonical(requirement: str) -> str:
    """The normalised name of the distribution that a requirement asks for."""
    name = re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted() -> set[str]:
    extras = PROJECT["project"]["optional-dependencies"].values()
    groups = PROJECT["dependency-groups"].values()
    listed = [PROJECT["project"]["dependencies"], *extras, *groups]
    return {canonical(entry) for entries in listed for entry in entries if isinstance(entry, str)} - {"revenge"}


@pytest.mark.parametrize("text", [LOCK, CONSTRAINTS], ids=["requirements.lock", "constraints.txt"])
def test_a_lock_names_no_place_to_install_from(text: str) -> None:
    assert not re.findall(r"^-.*|.*://.*|.*\s/\S.*", text, re.MULTILINE)


def test_both_locks_pin_the_same() -> None:
    assert re.findall(r"^[a-z][^\\\n]*[^\\\s]", LOCK, re.MULTILINE) == CONSTRAINTS.splitlines()


def test_every_dependency_is_locked() -> None:
    locked = {canonical(line) for line in CONSTRAINTS.splitlines()}
    assert wanted() - locked == set()
