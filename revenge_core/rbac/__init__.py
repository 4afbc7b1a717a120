"""Roles, groups and permissions."""

from revenge_core.rbac.entities import GrantSource, Group, NewGroup, NewRole, Role, RoleGrant
from revenge_core.rbac.service import Explaining, Grants, Groups, Rbac, Roles

__all__ = [
    "Explaining",
    "GrantSource",
    "Grants",
    "Group",
    "Groups",
    "NewGroup",
    "NewRole",
    "Rbac",
    "Role",
    "RoleGrant",
    "Roles",
]
