"""Who holds which role, directly or through a group: what the view `held_roles` says in PostgreSQL."""

from revenge_adapters.memory.tables import Rows
from revenge_core.ids import GroupId, UserId


def role_names(rows: Rows, user_id: UserId) -> frozenset[str]:
    """Roles that the user holds, directly or through a group."""
    direct = {role for holder, role, _ in rows.grants if holder == user_id}
    return frozenset(direct.union(*(rows.groups[group].roles for group in group_ids(rows, user_id))))


def group_ids(rows: Rows, user_id: UserId) -> frozenset[GroupId]:
    """Groups that the user is in."""
    return frozenset(group for group, member, _ in rows.members if member == user_id)
