import re

from revenge_core.permissions import ALL_PERMISSIONS, Permission

ORIGINAL = {
    "users": "list get create update delete",
    "profile": "read update",
    "movies": "list get create update delete",
    "libraries": "list get create update delete scan",
    "playback": "stream progress",
    "requests": "list get create approve delete",
    "settings": "read write user_read user_write",
    "audit": "read export",
    "integrations": "list get create update delete sync",
    "notifications": "list get create update delete",
    "admin": "*",
}
"""The names that clients of the original know (decisions A3)."""


def test_the_original_names_are_all_there() -> None:
    names = {f"{resource}:{action}" for resource, actions in ORIGINAL.items() for action in actions.split()}
    assert len(names) == 43
    assert names - {permission.value for permission in Permission} == set()


def test_permissions_are_in_alphabetical_order() -> None:
    names = [permission.value for permission in Permission]
    assert names == sorted(names)
    assert frozenset(Permission) == ALL_PERMISSIONS


def test_a_permission_is_a_resource_and_an_action_and_is_called_so() -> None:
    for permission in Permission:
        assert re.fullmatch(r"[a-z]+:([a-z_]+|\*)", permission.value)
        assert permission.name == permission.value.replace(":", "_").replace("*", "all").upper()
