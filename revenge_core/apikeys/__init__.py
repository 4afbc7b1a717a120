"""API keys."""

from revenge_core.apikeys.entities import ApiKey, KeyScope, NewKey
from revenge_core.apikeys.service import ApiKeys, KeyExplaining

__all__ = ["ApiKey", "ApiKeys", "KeyExplaining", "KeyScope", "NewKey"]
