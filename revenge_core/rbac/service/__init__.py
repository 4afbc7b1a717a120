"""Use cases of roles and groups: what exists, who holds it, and what that allows."""

from revenge_core.rbac.service.groups import Groups
from revenge_core.rbac.service.powers import Powers, Reach
from revenge_core.rbac.service.rbac import Rbac

__all__ = ["Groups", "Powers", "Rbac", "Reach"]
