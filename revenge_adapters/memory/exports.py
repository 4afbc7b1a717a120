"""Exports in memory, and what they are made of."""

from collections.abc import AsyncIterator
from datetime import datetime
from operator import attrgetter

from typing_extensions import override

from revenge_adapters.memory.groups import belongings
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_adapters.memory.users import living_user
from revenge_core.accounts.entities import Export, Invitation, Person
from revenge_core.accounts.ports import ExportReader, ExportStore, PersonalData
from revenge_core.apikeys.entities import ApiKey
from revenge_core.ids import ExportId, UserId
from revenge_core.sessions.entities import Device, Session
from revenge_core.users.entities import Preferences


class MemoryExports(ExportStore):
    """Exports inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def put(self, export: Export) -> None:
        self._rows.exports[export.user_id] = export

    @override
    async def of_user(self, user_id: UserId) -> Export | None:
        return self._rows.exports.get(user_id)

    @override
    async def lock(self, export_id: ExportId) -> Export | None:
        return next((export for export in self._rows.exports.values() if export.id == export_id), None)

    @override
    async def due(self, *, by: datetime, limit: int) -> tuple[Export, ...]:
        due = [
            (export.expires_at, export.id, export)
            for export in self._rows.exports.values()
            if export.key is not None and export.expires_at is not None and export.expires_at <= by
        ]
        return tuple(export for _, _, export in sorted(due, key=lambda one: one[:2])[:limit])


class MemoryExportReader(ExportReader):
    """Exports outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def of_user(self, user_id: UserId) -> Export | None:
        return self._tables.rows.exports.get(user_id)


class MemoryPersonalData(PersonalData):
    """All that is kept of one user."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def person(self, user_id: UserId) -> Person | None:
        rows = self._tables.rows
        user = living_user(rows, user_id)
        if user is None:
            return None
        return Person(
            user=user,
            roles=tuple(
                sorted((one for one in rows.grants.values() if one.user_id == user_id), key=attrgetter("role"))
            ),
            groups=belongings(rows, user_id),
            preferences=rows.preferences.get(user_id) or Preferences(user_id=user_id),
            avatar=rows.avatars.get(user_id),
        )

    @override
    async def sessions(self, user_id: UserId) -> AsyncIterator[Session]:
        for session in sorted(self._tables.rows.sessions.values(), key=attrgetter("id")):
            if session.user_id == user_id:
                yield session

    @override
    async def devices(self, user_id: UserId) -> AsyncIterator[Device]:
        for device in sorted(self._tables.rows.devices.values(), key=attrgetter("id")):
            if device.user_id == user_id:
                yield device

    @override
    async def api_keys(self, user_id: UserId) -> AsyncIterator[ApiKey]:
        for key_id in sorted(self._tables.rows.api_keys):
            key = self._tables.rows.api_keys[key_id].key
            if key.user_id == user_id:
                yield key

    @override
    async def invitations(self, user_id: UserId) -> AsyncIterator[Invitation]:
        for invitation in sorted(self._tables.rows.invitations.values(), key=attrgetter("id")):
            if invitation.created_by == user_id:
                yield invitation
