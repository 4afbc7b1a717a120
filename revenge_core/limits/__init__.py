"""How often anybody may do what."""

from revenge_core.limits.entities import LimitRules, Quota, Tier, Verdict
from revenge_core.limits.service import Limits

__all__ = ["LimitRules", "Limits", "Quota", "Tier", "Verdict"]
