"""Bootstrap tokens in memory."""

from datetime import datetime

from typing_extensions import override

from revenge_adapters.memory.tables import Rows
from revenge_core.accounts.entities import BootstrapToken
from revenge_core.accounts.ports import BootstrapTokenStore


class MemoryBootstrapTokens(BootstrapTokenStore):
    """Bootstrap tokens inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def replace(self, token: BootstrapToken) -> None:
        self._rows.bootstrap_tokens.clear()
        self._rows.bootstrap_tokens[token.token_hash] = token

    @override
    async def is_open(self, token_hash: bytes, at: datetime) -> bool:
        token = self._rows.bootstrap_tokens.get(token_hash)
        return token is not None and at < token.expires_at

    @override
    async def consume(self, token_hash: bytes, at: datetime) -> bool:
        if not await self.is_open(token_hash, at):
            return False
        self._rows.bootstrap_tokens.clear()
        return True

    @override
    async def void_all(self) -> None:
        self._rows.bootstrap_tokens.clear()

    @override
    async def forget_expired(self, at: datetime) -> int:
        tokens = self._rows.bootstrap_tokens
        expired = [token.token_hash for token in tokens.values() if token.expires_at <= at]
        for token_hash in expired:
            del tokens[token_hash]
        return len(expired)
