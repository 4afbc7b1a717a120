"""What somebody may do, and why (decisions A5)."""

import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from uuid import UUID

from revenge_core.actor import Actor
from revenge_core.errors import FieldProblem, Invalid
from revenge_core.ids import UserId
from revenge_core.permissions import ALL_PERMISSIONS, NO_PERMISSIONS, Permission
from revenge_core.rbac.entities import (
    Effective,
    Explanation,
    GrantSource,
    Holder,
    Holding,
    Policy,
    Role,
    Rule,
    RuleKind,
)
from revenge_core.rbac.policy import matching
from revenge_core.rbac.ports import GroupReader, RoleDirectory, RoleReader
from revenge_core.users.entities import User
from revenge_core.users.errors import UserNotFound
from revenge_core.users.ports import UserDirectory

_TOLD: Final = 64
"""So much of a wrong permission is repeated."""
_NAME_MAX: Final = 254
"""No user name, address or id is longer."""


class Explaining:
    """Answers who may do what, and by which rules. It reads past every cache: it tells what is so, not what was."""

    def __init__(self, directory: RoleDirectory, reader: RoleReader, groups: GroupReader, users: UserDirectory) -> None:
        self._directory = directory
        self._reader = reader
        self._groups = groups
        self._users = users

    async def effective(self, actor: Actor, user_id: UserId) -> Effective:
        """What a user may do, and what they have it from: one's own for anybody signed in.

        Raises:
            Unauthenticated: nobody is signed in.
            KeyScopeLacking: it is one's own, and the API key was not made to read that.
            Forbidden: it is somebody else's, and the actor lacks `roles:get`.
            UserNotFound: there is none.
        """
        if actor.user_id == user_id:
            actor.require_user()
        else:
            actor.require(Permission.ROLES_GET)
        user = await self._user(user_id)
        holder = await self._holder(user)
        index = await self._reader.index()
        held = frozenset(one.role for one in holder.holdings)
        return Effective(
            holder=holder,
            groups=await self._groups.of_user(user_id),
            permissions=index.permissions_of(held) if _is_in(user) else NO_PERMISSIONS,
        )

    async def explain(self, actor: Actor, user: str, permission: str) -> Explanation:
        """Whether `user`, an id or a name, may do this kind of act, and why.

        An address will do for whoever may list accounts: nobody else is told whose it is (ASVS 8.2.3).

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:explain`.
            Invalid: there is no such permission.
            UserNotFound: there is no such account; a deleted one is there until it is purged.
        """
        actor.require(Permission.ROLES_EXPLAIN)
        if permission not in ALL_PERMISSIONS:
            detail = f"there is no permission {permission[:_TOLD]!r}; GET /api/v1/rbac/permissions lists them"
            raise Invalid(problems=[FieldProblem(pointer="/permission", detail=detail)])
        found = await self._user(await self._id_of(actor, user))
        holder = await self._holder(found)
        roles, policies = await self._reader.all_roles(), await self._directory.policies()
        return explanation(found, holder, Permission(permission), roles, policies)

    async def _id_of(self, actor: Actor, name: str) -> UserId:
        if len(name) > _NAME_MAX:
            raise UserNotFound
        try:
            return UserId(UUID(name))
        except ValueError:
            is_address = "@" in unicodedata.normalize("NFKC", name)  # as names are compared
            is_told = not is_address or actor.may(Permission.USERS_LIST)
            found = await self._users.id_of(name) if is_told else None
        if found is None:
            raise UserNotFound
        return found

    async def _user(self, user_id: UserId) -> User:
        listed = await self._users.any_by_id(user_id)
        if listed is None:
            raise UserNotFound
        return listed.user

    async def _holder(self, user: User) -> Holder:
        holder = await self._directory.holder(user.id)
        if holder is None:
            raise UserNotFound
        return holder


def explanation(
    user: User, holder: Holder, permission: Permission, roles: Iterable[Role], policies: Iterable[Policy]
) -> Explanation:
    """The verdict on one user and one permission, found by walking the rules themselves, and no index of them."""
    by_name = {role.name: role for role in roles}
    giving = _giving(permission, policies)
    steps = _steps(by_name, giving)
    carriers = tuple(sorted(by_name.keys() & steps.keys()))
    held = sorted({one.role for one in holder.holdings})
    chain = _chain(user.username, holder.holdings, by_name, giving, steps)
    if not _is_in(user):
        rules: tuple[Rule, ...] = (_account(user),)
    elif chain is None:
        rules = tuple(_lacking(user.username, held, permission))
    else:
        rules = chain
    return Explanation(
        user_id=user.id,
        username=user.username,
        permission=permission,
        allowed=_is_in(user) and chain is not None,
        rules=rules,
        held=tuple(role for role in held if role in carriers),
        carriers=carriers,
    )


def _is_in(user: User) -> bool:
    """Whether the account may do anything at all."""
    return user.is_active and user.deleted_at is None


def _account(user: User) -> Rule:
    state = "disabled" if user.deleted_at is None else "deleted"
    text = f"user {user.username} is {state}, and so may do nothing"
    return Rule(kind=RuleKind.ACCOUNT, subject=user.username, object=state, text=text)


def _lacking(username: str, held: list[str], permission: Permission) -> Iterator[Rule]:
    """Why no role gives the permission."""
    for role in held:
        text = f"role {role}, which user {username} holds, does not carry {permission.value}"
        yield Rule(kind=RuleKind.NO_ROLE, subject=role, object=permission.value, text=text)
    if not held:
        text = f"user {username} holds no role"
        yield Rule(kind=RuleKind.NO_ROLE, subject=username, object=permission.value, text=text)


def _giving(permission: Permission, policies: Iterable[Policy]) -> Mapping[str, Rule]:
    """For each role that carries the permission by a policy of its own, the most specific of these."""
    found: dict[str, tuple[tuple[int, str], Rule]] = {}
    for policy in policies:
        if permission in matching(policy.permission):
            key = (policy.permission.count("*"), policy.permission)
            if policy.role not in found or key < found[policy.role][0]:
                text = f"policy {policy.role} has {policy.permission} ({policy.source}) matches {permission.value}"
                rule = Rule(
                    kind=RuleKind.POLICY,
                    subject=policy.role,
                    object=policy.permission,
                    source=policy.source,
                    text=text,
                )
                found[policy.role] = (key, rule)
    return {role: rule for role, (_, rule) in found.items()}


def _steps(roles: Mapping[str, Role], giving: Mapping[str, Rule]) -> Mapping[str, int]:
    """From how far each role that carries the permission inherits it: 0 for a policy of its own.

    Each role is looked at once, however they are entangled: 500 roles of 20 parents each hold up nobody.
    """
    heirs: dict[str, list[str]] = {}
    for role in roles.values():
        for parent in role.parents:
            heirs.setdefault(parent, []).append(role.name)
    steps = dict.fromkeys(giving, 0)
    ways = deque(steps)
    while ways:
        name = ways.popleft()
        for heir in heirs.get(name, ()):
            if heir not in steps:
                steps[heir] = steps[name] + 1
                ways.append(heir)
    return steps


def _way(role: str, roles: Mapping[str, Role], giving: Mapping[str, Rule], steps: Mapping[str, int]) -> Iterator[Rule]:
    """The shortest chain of rules by which a role carries the permission that does."""
    while role not in giving:
        parent = min(one for one in roles[role].parents if steps.get(one) == steps[role] - 1)
        yield _inherits(role, parent)
        role = parent
    yield giving[role]


def _inherits(role: str, parent: str) -> Rule:
    return Rule(kind=RuleKind.INHERITANCE, subject=role, object=parent, text=f"role {role} inherits from role {parent}")


def _chain(
    username: str,
    holdings: Iterable[Holding],
    roles: Mapping[str, Role],
    giving: Mapping[str, Rule],
    steps: Mapping[str, int],
) -> tuple[Rule, ...] | None:
    """The shortest chain from the user; of equally short ones the first by role, direct grants before groups."""
    carrying = (one for one in holdings if one.role in steps)
    closest = min(carrying, key=lambda one: steps[one.role] + (one.group_name is not None), default=None)
    if closest is None:
        return None
    return (*_holds(username, closest), *_way(closest.role, roles, giving, steps))


def _holds(username: str, holding: Holding) -> Iterator[Rule]:
    """How somebody comes to hold a role."""
    if holding.group_name is None:
        text = f"user {username} holds role {holding.role} ({holding.source})"
        yield _rule(RuleKind.GRANT, username, holding.role, text, holding.source)
        return
    text = f"user {username} is in group {holding.group_name} ({holding.source})"
    yield _rule(RuleKind.MEMBERSHIP, username, holding.group_name, text, holding.source)
    text = f"group {holding.group_name} carries role {holding.role}"
    yield _rule(RuleKind.GROUP_ROLE, holding.group_name, holding.role, text)


def _rule(kind: RuleKind, subject: str, object_: str, text: str, source: GrantSource | None = None) -> Rule:
    return Rule(kind=kind, subject=subject, object=object_, source=source, text=text)
