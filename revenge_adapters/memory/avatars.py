"""Pictures of accounts in memory."""

from collections.abc import Collection

from typing_extensions import override

from revenge_adapters.memory.tables import Rows
from revenge_core.ids import UserId
from revenge_core.users.entities import Avatar
from revenge_core.users.ports import AvatarStore


class MemoryAvatars(AvatarStore):
    """Pictures inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def latest_version(self, user_id: UserId) -> int:
        return self._rows.avatar_versions.get(user_id, 0)

    @override
    async def put(self, avatar: Avatar) -> Avatar | None:
        before = self._rows.avatars.get(avatar.user_id)
        self._rows.avatars[avatar.user_id] = avatar
        self._rows.avatar_versions[avatar.user_id] = avatar.version
        return before

    @override
    async def remove(self, user_id: UserId) -> Avatar | None:
        return self._rows.avatars.pop(user_id, None)

    @override
    async def in_use(self, keys: Collection[str]) -> frozenset[str]:
        return frozenset(keys) & {avatar.key for avatar in self._rows.avatars.values()}
