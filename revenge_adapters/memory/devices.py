"""Devices outside a transaction, in memory."""

from typing_extensions import override

from revenge_adapters.memory.tables import MemoryTables
from revenge_core.ids import DeviceId, SessionId, UserId
from revenge_core.sessions.entities import ListedDevice
from revenge_core.sessions.ports import DeviceReader


class MemoryDeviceReader(DeviceReader):
    """Devices outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def of_user(self, user_id: UserId, *, current: SessionId | None) -> tuple[ListedDevice, ...]:
        rows = self._tables.rows
        session = None if current is None else rows.sessions.get(current)
        known = {token.device_id for token in rows.device_tokens.values()}
        listed = (
            ListedDevice(
                device=device,
                is_known=device.id in known,
                is_current=session is not None and session.device_id == device.id,
            )
            for device in rows.devices.values()
            if device.user_id == user_id
        )
        return tuple(sorted(listed, key=lambda one: (one.device.last_seen_at, one.device.id), reverse=True))

    @override
    async def known(self, user_id: UserId, token_hash: bytes) -> DeviceId | None:
        token = self._tables.rows.device_tokens.get(token_hash)
        return token.device_id if token is not None and token.user_id == user_id else None
