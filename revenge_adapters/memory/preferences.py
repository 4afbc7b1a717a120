"""Preferences in memory."""

from typing_extensions import override

from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.ids import UserId
from revenge_core.users.entities import Preferences
from revenge_core.users.ports import PreferenceReader, PreferenceStore


class MemoryPreferences(PreferenceStore):
    """Preferences inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def lock(self, user_id: UserId) -> Preferences:
        return self._rows.preferences.get(user_id) or Preferences(user_id=user_id)

    @override
    async def put(self, preferences: Preferences) -> None:
        self._rows.preferences[preferences.user_id] = preferences


class MemoryPreferenceReader(PreferenceReader):
    """Preferences outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def of_user(self, user_id: UserId) -> Preferences:
        return self._tables.rows.preferences.get(user_id) or Preferences(user_id=user_id)
