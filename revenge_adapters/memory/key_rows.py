"""How an API key lies in memory."""

from datetime import datetime

from revenge_core.apikeys.entities import ApiKey
from revenge_core.entity import Entity
from revenge_core.ids import UserId


class StoredKey(Entity, kw_only=True):
    """A key with what nobody is shown."""

    key: ApiKey
    digest: bytes
    previous: bytes | None = None
    """Of the secret before the last rotation, while that may still work."""
    reminded_at: datetime | None = None

    @property
    def user_id(self) -> UserId:
        """Whose it is: it goes with them."""
        return self.key.user_id
