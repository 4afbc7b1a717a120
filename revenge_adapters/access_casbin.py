"""pycasbin over the role tables: the reference of what roles mean, which the compiled index has to agree with (A2).

Requests are answered by the index, at any number of policies in the same time; an Enforcer takes milliseconds, and
remembers every subject that it was ever asked about. So it is asked by `revenge doctor` and by tests, and never about
what no policy names: nothing that a client sent reaches it.
"""

from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from typing import Any, Final, NoReturn
from uuid import UUID

import casbin  # type: ignore[import-untyped]  # it has none
from casbin.persist import Adapter  # type: ignore[import-untyped]  # it has none
from casbin.rbac.default_role_manager import RoleManager  # type: ignore[import-untyped]  # it has none
from typing_extensions import override

from revenge_core.entity import Entity
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import PermissionIndex, Role

MODEL: Final = files("revenge_adapters").joinpath("access_casbin.conf").read_text("utf-8")
_ELSEWHERE: Final = "policies are changed in the role tables, through Revenge"
_ABOVE_ROLES: Final = 3
"""User, group, and the one step that casbin counts before the first."""


class AccessRows(Entity, kw_only=True):
    """What the tables of access hold, as far as it decides anything."""

    roles: tuple[Role, ...]
    grants: tuple[tuple[UUID, str], ...] = ()
    """User and role."""
    carried: tuple[tuple[UUID, str], ...] = ()
    """Group and role."""
    members: tuple[tuple[UUID, UUID], ...] = ()
    """User and group."""


def role_subject(name: str) -> str:
    """The role, as the model calls it."""
    return f"role:{name}"


def user_subject(user_id: UUID) -> str:
    """The user, as the model calls them."""
    return f"user:{user_id}"


def _group_subject(group_id: UUID) -> str:
    return f"group:{group_id}"


class RowsAdapter(Adapter):
    """Casbin's interface to where policies are. It loads and never saves: the role tables are the truth (R22)."""

    def __init__(self, rows: AccessRows) -> None:
        self._rows = rows

    @override
    def load_policy(self, model: Any) -> None:
        """Put all rules into the model."""
        model["p"]["p"].policy.extend(_policies(self._rows))
        model["g"]["g"].policy.extend(_links(self._rows))

    @override
    def save_policy(self, model: Any) -> NoReturn:
        raise NotImplementedError(_ELSEWHERE)

    @override
    def add_policy(self, sec: str, ptype: str, rule: list[str]) -> NoReturn:
        raise NotImplementedError(_ELSEWHERE)

    @override
    def remove_policy(self, sec: str, ptype: str, rule: list[str]) -> NoReturn:
        raise NotImplementedError(_ELSEWHERE)

    @override
    def remove_filtered_policy(self, sec: str, ptype: str, field_index: int, *field_values: str) -> NoReturn:
        raise NotImplementedError(_ELSEWHERE)


def _policies(rows: AccessRows) -> Iterator[list[str]]:
    for role in rows.roles:
        for permission in sorted(role.permissions):
            resource, _, action = permission.partition(":")
            yield [role_subject(role.name), resource, action]


def _links(rows: AccessRows) -> Iterator[list[str]]:
    for role in rows.roles:
        yield from ([role_subject(role.name), role_subject(parent)] for parent in sorted(role.parents))
    yield from ([user_subject(user), role_subject(role)] for user, role in rows.grants)
    yield from ([user_subject(user), _group_subject(group)] for user, group in rows.members)
    yield from ([_group_subject(group), role_subject(role)] for group, role in rows.carried)


class Reference:
    """An Enforcer over these rows."""

    def __init__(self, rows: AccessRows) -> None:
        self._subjects = {rule[0] for rule in _policies(rows)} | {name for link in _links(rows) for name in link}
        self._enforcer: Any = casbin.Enforcer(casbin.Enforcer.new_model(text=MODEL))
        # Its own manager follows ten steps and no more: whoever inherits from further away would have nothing.
        self._enforcer.set_role_manager(RoleManager(len(rows.roles) + _ABOVE_ROLES))
        self._enforcer.set_adapter(RowsAdapter(rows))
        self._enforcer.load_policy()

    def allows(self, subject: str, permission: Permission) -> bool:
        """What `Enforcer.enforce` says. A subject that no rule names is allowed nothing, and not asked about."""
        if subject not in self._subjects:
            return False
        resource, _, action = permission.value.partition(":")
        return bool(self._enforcer.enforce(subject, resource, action))

    @property
    def remembered(self) -> int:
        """How many subjects the Enforcer knows of."""
        return len(self._enforcer.get_role_manager().all_roles)


class Compared(Entity, kw_only=True):
    """What came of comparing index and reference."""

    subjects: int
    """So many were compared whole."""
    of: int
    """So many there were to compare."""
    difference: str | None
    """The first one that was found."""


def compare(
    reference: Reference,
    index: PermissionIndex,
    subjects: Sequence[tuple[str, frozenset[str]]],
    has_time: Callable[[], bool],
) -> Compared:
    """Ask both about every permission of subjects and the roles that they hold, until they differ or time is up."""
    done = 0
    for subject, roles in subjects:
        allowed = index.permissions_of(roles)
        for permission in Permission:
            if not has_time():
                return Compared(subjects=done, of=len(subjects), difference=None)
            if reference.allows(subject, permission) is not (permission in allowed):
                ours, theirs = ("allows", "refuses") if permission in allowed else ("refuses", "allows")
                told = f"the index {ours} {subject} {permission.value}, the Enforcer {theirs} it"
                return Compared(subjects=done, of=len(subjects), difference=told)
        done += 1
    return Compared(subjects=done, of=len(subjects), difference=None)
