"""Whose API keys were presented, remembered by one process (decisions A4, rulings R25).

No other process is told: the digest of a key does not leave this one for a cache.
"""

from typing_extensions import override

from revenge_adapters.l1 import GuardedCache
from revenge_core.apikeys.entities import KeyPrincipal
from revenge_core.apikeys.ports import KeyPrincipalReader
from revenge_core.cache.entities import Recipe
from revenge_core.cache.ports import FeedView
from revenge_core.feed import Change


class CachedKeys(KeyPrincipalReader):
    """Keys by digest: forgotten with the key, its owner, or a group that they are in.

    One that has expired stays remembered, as whoever asks looks at its times; what is nobody's is not remembered here.
    """

    def __init__(self, reader: KeyPrincipalReader, feed: FeedView) -> None:
        self.cache = GuardedCache[bytes, KeyPrincipal](
            feed, Recipe(name="api_keys", form=KeyPrincipal, load=reader.principal, depends_on=_changes)
        )

    @override
    async def principal(self, digest: bytes) -> KeyPrincipal | None:
        return await self.cache.get(digest)


def _changes(_digest: bytes, principal: KeyPrincipal | None) -> tuple[Change, ...]:
    if principal is None:
        return ()
    key = principal.key
    return (Change.of_key(key.id), Change.of_user(key.user_id), *map(Change.of_group, principal.groups))
