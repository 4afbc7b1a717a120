"""Roles and permissions."""

from revenge_core.rbac.entities import GrantSource, Role, RoleGrant
from revenge_core.rbac.service import Rbac

__all__ = ["GrantSource", "Rbac", "Role", "RoleGrant"]
