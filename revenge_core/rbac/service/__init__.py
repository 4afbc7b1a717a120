"""Use cases of roles and groups: what exists, who holds it, and what that allows."""

from revenge_core.rbac.service.explaining import Explaining
from revenge_core.rbac.service.grants import Grants
from revenge_core.rbac.service.groups import Groups
from revenge_core.rbac.service.powers import Powers, Reach
from revenge_core.rbac.service.rbac import Rbac
from revenge_core.rbac.service.roles import Roles

__all__ = ["Explaining", "Grants", "Groups", "Powers", "Rbac", "Reach", "Roles"]
