"""Accounts themselves: names, addresses, preferences, pictures. Who gets and ends them is in `accounts`."""

from revenge_core.users.entities import NewUser, User, UserChanges
from revenge_core.users.service import Users

__all__ = ["NewUser", "User", "UserChanges", "Users"]
