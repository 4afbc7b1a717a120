"""Random worlds of access: roles that inherit, with wildcards, groups that carry them, people who hold them."""

from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_adapters.access_casbin import AccessRows
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import GrantSource, Group, Role
from revenge_core.rbac.policy import BUILT_IN_ROLES
from revenge_core.testing.builders import NOW, a_grant, a_group, a_membership, a_user
from revenge_core.users.entities import User

_HALVES: Final = [permission.value.partition(":") for permission in Permission]
PATTERNS: Final = sorted(
    {
        "*:*",
        *(permission.value for permission in Permission),
        *(f"{resource}:*" for resource, _, _ in _HALVES),
        *(f"*:{action}" for _, _, action in _HALVES),
    }
)
SOURCES: Final = st.sampled_from([GrantSource.MANUAL, GrantSource.OIDC])
GROUPS: Final = 3
PEOPLE: Final = 4
ROLES: Final = 6


@dataclass(frozen=True)
class AccessWorld:
    """Who holds what, and what that carries."""

    roles: tuple[Role, ...]
    groups: tuple[Group, ...]
    people: tuple[User, ...]
    grants: frozenset[tuple[User, str, GrantSource]]
    members: frozenset[tuple[Group, User, GrantSource]]

    def rows(self) -> AccessRows:
        """The same for casbin, people who are out included: casbin knows of no accounts."""
        return AccessRows(
            roles=self.roles,
            grants=tuple((user.id, role) for user, role, _ in self.grants),
            carried=tuple((group.id, role) for group in self.groups for role in group.roles),
            members=tuple((user.id, group.id) for group, user, _ in self.members),
        )

    def held(self, user: User) -> frozenset[str]:
        """What the user holds, said once more in the plainest way."""
        direct = {role for holder, role, _ in self.grants if holder == user}
        return frozenset(direct.union(*(group.roles for group, member, _ in self.members if member == user)))

    def settle(self, box: Sandbox) -> None:
        """Make the sandbox this world."""
        rows = box.rows
        rows.roles.clear()
        rows.roles.update({role.name: role for role in self.roles})
        rows.users.update({user.id: user for user in self.people})
        rows.groups.update({group.id: group for group in self.groups})
        for user, role, source in self.grants:
            rows.grants[user.id, role, source] = a_grant(user.id, role, source=source)
        for group, user, source in self.members:
            rows.members[group.id, user.id, source] = a_membership(group.id, user.id, source=source)


@st.composite
def access_worlds(draw: st.DrawFn) -> AccessWorld:
    """A world without circles: a role inherits from built-in ones and from those made before it."""
    names = [role.name for role in BUILT_IN_ROLES]
    roles = [
        role
        if role.name == "admin"
        else replace(role, permissions=role.permissions | draw(st.frozensets(st.sampled_from(PATTERNS), max_size=2)))
        for role in BUILT_IN_ROLES
    ]
    for number in range(draw(st.integers(0, ROLES))):
        role = Role(
            name=f"role-{number}",
            parents=draw(st.frozensets(st.sampled_from([*names, "gone"]), max_size=3)),
            permissions=draw(st.frozensets(st.sampled_from(PATTERNS), max_size=3)),
        )
        roles.append(role)
        names.append(role.name)
    some = st.frozensets(st.sampled_from(names), max_size=3)
    groups = [a_group(f"Group {number}", *draw(some)) for number in range(draw(st.integers(0, GROUPS)))]
    states: list[dict[str, object]] = [{}, {}, {}, {"is_active": False}, {"deleted_at": NOW, "purge_at": NOW}]
    some_states = st.sampled_from(states)
    people = [a_user(username=f"user-{number}", **draw(some_states)) for number in range(draw(st.integers(1, PEOPLE)))]
    grants = st.tuples(st.sampled_from(people), st.sampled_from(names), SOURCES)
    members = st.tuples(st.sampled_from(groups), st.sampled_from(people), SOURCES) if groups else st.nothing()
    return AccessWorld(
        roles=tuple(roles),
        groups=tuple(groups),
        people=tuple(people),
        grants=draw(st.frozensets(grants, max_size=6)),
        members=draw(st.frozensets(members, max_size=6)) if groups else frozenset(),
    )
