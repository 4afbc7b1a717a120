"""What an operator may decide, and where it was decided: flag over environment over file over default (P11)."""

from revenge_adapters.wiring.settings.cache import Cache
from revenge_adapters.wiring.settings.errors import SettingsInvalid
from revenge_adapters.wiring.settings.load import Loaded, load_settings
from revenge_adapters.wiring.settings.records import (
    Auth,
    Database,
    Email,
    Jobs,
    Log,
    Passwords,
    Server,
    Sessions,
    Settings,
    Smtp,
)

__all__ = [
    "Auth",
    "Cache",
    "Database",
    "Email",
    "Jobs",
    "Loaded",
    "Log",
    "Passwords",
    "Server",
    "Sessions",
    "Settings",
    "SettingsInvalid",
    "Smtp",
    "load_settings",
]
