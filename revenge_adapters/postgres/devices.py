"""Devices and their tokens in PostgreSQL."""

from typing_extensions import override

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.ids import DeviceId, SessionId, UserId
from revenge_core.sessions.entities import Device, ListedDevice
from revenge_core.sessions.ports import DeviceReader


class Sql(SqlFile, file="devices.sql"):
    """The statements of devices."""

    lock_device: Query[DeviceId]
    use_token: Query[Device]
    add_token: Query[None]
    drop_surplus_tokens: Query[None]
    void_tokens: Query[None]
    of_user: Query[ListedDevice]
    known: Query[DeviceId]


class PostgresDeviceReader(DeviceReader):
    """Devices outside a transaction, always asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def of_user(self, user_id: UserId, *, current: SessionId | None) -> tuple[ListedDevice, ...]:
        return await self._database.all(Sql.of_user, user_id=user_id, current=current)

    @override
    async def known(self, user_id: UserId, token_hash: bytes) -> DeviceId | None:
        return await self._database.one(Sql.known, user_id=user_id, token_hash=token_hash)
