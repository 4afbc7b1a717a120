"""What ships, found by looking: packages, modules, ports and the classes that fill them."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

from typing_extensions import is_protocol

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("revenge_core", "revenge_adapters", "revenge_http", "revenge_cli")


def module_names(package: str) -> Iterator[str]:
    """The package and every module under it, without importing anything but packages."""
    yield package
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not found.name.endswith("__main__"):
            yield found.name


def modules(package: str) -> Iterator[ModuleType]:
    """The same, imported."""
    return map(importlib.import_module, module_names(package))


def classes(package: str) -> Iterator[type]:
    """Every class that is defined in the package."""
    for module in modules(package):
        for thing in vars(module).values():
            if inspect.isclass(thing) and thing.__module__ == module.__name__:
                yield thing


def sources(*packages: str) -> list[Path]:
    """Every Python file of the packages."""
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def is_port(thing: type) -> bool:
    """Whether a class of core is a port: a Protocol."""
    return is_protocol(thing) and thing.__module__.startswith("revenge_core.")
