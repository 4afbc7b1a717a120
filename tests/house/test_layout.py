"""The layout of the house, where no other tool sees it."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.house.modules import PACKAGES, ROOT, sources

LONGEST: Final = 400
"""A longer file asks to be split along a seam that already has a name."""
CORE_MAY_IMPORT: Final = {*sys.stdlib_module_names, "msgspec", "revenge_core"}
TESTING_MAY_IMPORT: Final = CORE_MAY_IMPORT | {"anyio", "hypothesis", "pytest"}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> Iterator[str]:
    """Top-level names of everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name.partition(".")[0] for alias in aliases)
            case ast.ImportFrom(module=str(module)):
                yield module.partition(".")[0]
            case _:
                pass


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_tells_type_checkers_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


@pytest.mark.parametrize("path", sources("revenge_core"), ids=relative)
def test_core_imports_the_standard_library_and_msgspec_and_nothing_else(path: Path) -> None:
    allowed = TESTING_MAY_IMPORT if "testing" in path.relative_to(ROOT).parts else CORE_MAY_IMPORT
    assert set(imported(path)) - allowed == set()


def test_every_folder_that_ships_is_a_package() -> None:
    folders = {path.parent for path in sources(*PACKAGES)}
    assert [relative(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_statements_live_beside_the_store_that_runs_them() -> None:
    statements = (ROOT / "revenge_adapters").rglob("*.sql")
    stray = [path for path in statements if "migrations" not in path.parts and path.stem != "schema"]
    assert [relative(path) for path in stray if not path.with_suffix(".py").is_file()] == []


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in sources(*PACKAGES)}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_every_feature_is_in_every_list_of_features_that_import_linter_has() -> None:
    features = {
        path.parent.name for layer in ("entities", "ports") for path in (ROOT / "revenge_core").glob(f"*/{layer}.py")
    }
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    lists = {contract["id"]: contract for contract in contracts}
    assert {name.partition(".")[2] for name in lists["feature-files"]["containers"]} == features
    assert set(lists["feature-doors"]["features"]) == features
    assert features - set(lists["feature-order"]["layers"]) == set()
