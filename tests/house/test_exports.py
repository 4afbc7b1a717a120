"""What others may name: the public doors (rulings R2), and every package's `__all__`."""

import ast
import importlib
import subprocess
import sys
from types import ModuleType
from typing import Final

import pytest

from tests.house.modules import PACKAGES, modules

DOORS: Final = {
    "revenge_core": {"Actor", "Origin", "Permission", "Revenge", "RevengeError", "Secret"},
    "revenge_adapters": {"Sandbox", "Settings", "load_settings", "open_revenge", "sandbox"},
}
DECLARING: Final = [module for package in PACKAGES for module in modules(package) if hasattr(module, "__all__")]


def static_names(module: ModuleType) -> set[str]:
    """What a tool that only reads sees at the module's top level, `if TYPE_CHECKING:` included."""
    assert module.__file__
    with open(module.__file__, "rb") as file:  # noqa: PTH123 - the encoding line decides
        pending: list[ast.stmt] = ast.parse(file.read()).body
    names: set[str] = set()
    while pending:
        match pending.pop():
            case ast.If(body=body, orelse=orelse) | ast.Try(body=body, orelse=orelse):
                pending += [*body, *orelse]
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case _:
                pass
    return names


@pytest.mark.parametrize("package", DOORS)
def test_a_public_door_shows_what_was_decided(package: str) -> None:
    assert set(importlib.import_module(package).__all__) == DOORS[package]


@pytest.mark.parametrize("module", DECLARING, ids=lambda module: module.__name__)
def test_everything_in_all_can_be_had(module: ModuleType) -> None:
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize("module", DECLARING, ids=lambda module: module.__name__)
def test_static_tools_see_everything_in_all(module: ModuleType) -> None:
    assert set(module.__all__) - static_names(module) == set()


@pytest.mark.parametrize("module", DECLARING, ids=lambda module: module.__name__)
def test_dir_shows_everything_in_all(module: ModuleType) -> None:
    assert set(module.__all__) - set(dir(module)) == set()


@pytest.mark.parametrize("package", [*PACKAGES, "revenge_adapters.pytest_plugin"])
def test_a_door_opens_without_loading_the_house(package: str) -> None:
    heavy = ("argon2", "cryptography", "dependency_injector", "joserfc", "litestar", "msgspec", "psycopg", "uvicorn")
    probe = f"import sys, {package}; print(*(name for name in {heavy} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
