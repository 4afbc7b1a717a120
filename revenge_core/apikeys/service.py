"""Use cases of API keys (decisions A4)."""

from revenge_core.actor import NOWHERE, Actor, Origin
from revenge_core.secrets import Secret


class ApiKeys:
    """Keys that programs present instead of signing in."""

    async def authenticate(self, presented: Secret, origin: Origin = NOWHERE) -> Actor:
        """Who presents this key, with the rights of this moment: the key's, as far as its owner has them.

        Raises:
            KeyInvalid: unknown, revoked or expired, or its owner is disabled or deleted: one answer (401).
            KeyAddressRefused: it is not taken from this address (403).
        """
        raise NotImplementedError
