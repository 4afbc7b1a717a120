"""API keys."""

from revenge_core.apikeys.entities import ApiKey, KeyScope
from revenge_core.apikeys.service import ApiKeys

__all__ = ["ApiKey", "ApiKeys", "KeyScope"]
