"""How it is done: one tool per module, each filling ports that `revenge_core` names. Importing this loads nothing."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from revenge_adapters.wiring.open import open_revenge
    from revenge_adapters.wiring.sandbox import Sandbox, sandbox
    from revenge_adapters.wiring.settings import Settings, load_settings

__all__ = ["Sandbox", "Settings", "load_settings", "open_revenge", "sandbox"]

_HOMES = {
    "Sandbox": "revenge_adapters.wiring.sandbox",
    "Settings": "revenge_adapters.wiring.settings",
    "load_settings": "revenge_adapters.wiring.settings",
    "open_revenge": "revenge_adapters.wiring.open",
    "sandbox": "revenge_adapters.wiring.sandbox",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
