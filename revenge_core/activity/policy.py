"""Rules for who sees what of the audit log."""

from msgspec.structs import replace

from revenge_core.activity.entities import Entry
from revenge_core.ids import UserId

_NOT_ONES_OWN = frozenset({"group", "invitation", "user"})
"""Resources whose names and changes tell of people: of a person's own account alone they are that person's."""


def without_others(entry: Entry, user_id: UserId) -> Entry:
    """What the user did, without what it tells of others: an administrator who is none any more keeps no addresses."""
    if entry.resource_type not in _NOT_ONES_OWN or entry.resource_id == user_id:
        return entry
    return replace(entry, resource_key=None, changes={})
