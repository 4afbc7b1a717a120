"""One-time tokens in memory."""

from datetime import datetime

from typing_extensions import override

from revenge_adapters.memory.tables import Rows
from revenge_core.ids import UserId
from revenge_core.users.entities import OneTimeToken, Purpose
from revenge_core.users.ports import OneTimeTokenStore


class MemoryOneTimeTokens(OneTimeTokenStore):
    """One-time tokens inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def put(self, token: OneTimeToken) -> None:
        await self.void(token.user_id, token.purpose)
        self._rows.one_time_tokens[token.token_hash] = token

    @override
    async def find(self, token_hash: bytes, purpose: Purpose, at: datetime) -> OneTimeToken | None:
        token = self._rows.one_time_tokens.get(token_hash)
        return None if token is None or token.purpose is not purpose or token.expires_at <= at else token

    @override
    async def of_user(self, user_id: UserId, purpose: Purpose) -> OneTimeToken | None:
        tokens = self._rows.one_time_tokens.values()
        return next((one for one in tokens if one.user_id == user_id and one.purpose is purpose), None)

    @override
    async def consume(self, token_hash: bytes, purpose: Purpose, at: datetime) -> OneTimeToken | None:
        token = await self.find(token_hash, purpose, at)
        if token is not None:
            del self._rows.one_time_tokens[token_hash]
        return token

    @override
    async def void(self, user_id: UserId, *purposes: Purpose) -> None:
        for purpose in purposes:
            token = await self.of_user(user_id, purpose)
            if token is not None:
                del self._rows.one_time_tokens[token.token_hash]

    @override
    async def forget_expired(self, *, by: datetime, limit: int) -> int:
        tokens = self._rows.one_time_tokens
        expired = [token.token_hash for token in tokens.values() if token.expires_at <= by][:limit]
        for token_hash in expired:
            del tokens[token_hash]
        return len(expired)
