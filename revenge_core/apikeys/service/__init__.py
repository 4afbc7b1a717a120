"""Use cases of API keys."""

from revenge_core.apikeys.service.explaining import KeyExplaining
from revenge_core.apikeys.service.keys import ApiKeys
from revenge_core.apikeys.service.presented import PresentedKeys
from revenge_core.apikeys.service.upkeep import KeyUpkeep
from revenge_core.apikeys.service.usage import KeyUsage

__all__ = ["ApiKeys", "KeyExplaining", "KeyUpkeep", "KeyUsage", "PresentedKeys"]
