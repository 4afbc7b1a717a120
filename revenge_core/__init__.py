"""What Revenge does, apart from how: the public types. Importing this imports nothing else until a name is used."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from revenge_core.actor import Actor, Origin
    from revenge_core.errors import RevengeError
    from revenge_core.permissions import Permission
    from revenge_core.revenge import Revenge
    from revenge_core.secrets import Secret

__all__ = ["Actor", "Origin", "Permission", "Revenge", "RevengeError", "Secret"]

_HOMES = {
    "Actor": "revenge_core.actor",
    "Origin": "revenge_core.actor",
    "Permission": "revenge_core.permissions",
    "Revenge": "revenge_core.revenge",
    "RevengeError": "revenge_core.errors",
    "Secret": "revenge_core.secrets",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
