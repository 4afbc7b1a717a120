"""Use cases of accounts, as their owners and others see them."""

from revenge_core.users.service.addresses import Addresses
from revenge_core.users.service.avatars import Avatars
from revenge_core.users.service.preferences import UserPreferences
from revenge_core.users.service.users import Users

__all__ = ["Addresses", "Avatars", "UserPreferences", "Users"]
