"""On random worlds: what the index says is what casbin enforces, and what an explanation explains (A2, A5)."""

import asyncio
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revenge_adapters import sandbox
from revenge_adapters.access_casbin import (
    AccessRows,
    Reference,
    RowsAdapter,
    compare,
    role_subject,
    user_subject,
)
from revenge_core.actor import Actor
from revenge_core.permissions import NO_PERMISSIONS, Permission
from revenge_core.rbac.entities import Explanation, Role, RuleKind
from revenge_core.rbac.policy import BUILT_IN_ROLES, compile_index, matching
from tests.core.access_worlds import AccessWorld, access_worlds

HOST = Actor.host()


@pytest.mark.asvs("8.2.1")
@given(access_worlds())
@settings(max_examples=40)
def test_the_index_says_what_the_enforcer_enforces_of_every_subject_and_permission(world: AccessWorld) -> None:
    reference, index = Reference(world.rows()), compile_index(world.roles)
    subjects = [
        *((role_subject(role.name), frozenset({role.name})) for role in world.roles),
        *((f"group:{group.id}", group.roles) for group in world.groups),
        *((user_subject(user.id), world.held(user)) for user in world.people),
    ]
    compared = compare(reference, index, subjects, lambda: True)
    assert compared.difference is None
    assert compared.subjects == len(subjects)


def is_sound(found: Explanation, world: AccessWorld) -> bool:
    """Whether each link of the chain holds in this world and is tied to the one before it."""
    parents = {role.name: role.parents for role in world.roles}
    carried = {group.name: group.roles for group in world.groups}
    patterns = {role.name: role.permissions for role in world.roles}
    at = found.username
    for rule in found.rules:
        holds = {
            RuleKind.GRANT: any((u.username, r, s) == (at, rule.object, rule.source) for u, r, s in world.grants),
            RuleKind.MEMBERSHIP: any(
                (u.username, g.name, s) == (at, rule.object, rule.source) for g, u, s in world.members
            ),
            RuleKind.GROUP_ROLE: rule.object in carried.get(at, ()),
            RuleKind.INHERITANCE: rule.object in parents.get(at, ()),
            RuleKind.POLICY: rule.object in patterns.get(at, ()) and found.permission in matching(rule.object),
        }
        if rule.subject != at or not holds[rule.kind]:
            return False
        at = rule.object
    return found.rules[-1].kind is RuleKind.POLICY


@pytest.mark.asvs("8.2.1")
@given(access_worlds())
@settings(max_examples=40)
def test_an_explanation_is_the_verdict_that_is_enforced_and_each_of_its_rules_holds(world: AccessWorld) -> None:
    box = sandbox()
    world.settle(box)
    reference, index = Reference(world.rows()), compile_index(world.roles)

    async def ask() -> None:
        for user in world.people:
            is_in = user.is_active and user.deleted_at is None
            effective = await box.revenge.explaining.effective(HOST, user.id)
            assert effective.permissions == (index.permissions_of(world.held(user)) if is_in else NO_PERMISSIONS)
            for permission in Permission:
                found = await box.revenge.explaining.explain(HOST, str(user.id), permission.value)
                assert found.allowed is (is_in and reference.allows(user_subject(user.id), permission))
                carriers = {
                    role.name for role in world.roles if permission in index.permissions_of(frozenset({role.name}))
                }
                assert set(found.carriers) == carriers
                assert set(found.held) == carriers & world.held(user)
                if found.allowed:
                    assert is_sound(found, world)
                else:
                    assert {rule.kind for rule in found.rules} == {RuleKind.NO_ROLE if is_in else RuleKind.ACCOUNT}

    asyncio.run(ask())


@given(st.text() | st.from_regex(r"(user|role|group):.{0,30}"))
def test_who_is_named_by_no_policy_is_allowed_nothing_and_leaves_no_trace(subject: str) -> None:
    reference = Reference(AccessRows(roles=BUILT_IN_ROLES))
    known = {role_subject(role.name) for role in BUILT_IN_ROLES}
    if subject not in known:
        before = reference.remembered
        assert not any(reference.allows(subject, permission) for permission in Permission)
        assert reference.remembered == before


def test_inheritance_is_followed_however_far_it_goes() -> None:
    line = [Role(name=f"r{number}", parents=frozenset({f"r{number + 1}"})) for number in range(400)]
    roles = (*line, Role(name="r400", permissions=frozenset({"movies:get"})))
    user, group = uuid4(), uuid4()
    reference = Reference(AccessRows(roles=roles, carried=((group, "r0"),), members=((user, group),)))
    assert reference.allows(user_subject(user), Permission.MOVIES_GET)
    assert not reference.allows(user_subject(user), Permission.MOVIES_LIST)
    assert compile_index(roles).permissions_of(frozenset({"r0"})) == {Permission.MOVIES_GET}


def test_without_any_policy_nobody_may_anything() -> None:
    user = uuid4()
    reference = Reference(AccessRows(roles=(Role(name="empty"),), grants=((user, "empty"),)))
    assert not any(reference.allows(user_subject(user), permission) for permission in Permission)


@pytest.mark.parametrize(
    ("deed", "given"),
    [
        ("add_policy", ("p", "p", ["role:user", "*", "*"])),
        ("remove_filtered_policy", ("p", "p", 0, "role:user")),
        ("remove_policy", ("p", "p", ["role:user", "*", "*"])),
        ("save_policy", (None,)),
    ],
)
def test_casbin_saves_nothing(deed: str, given: tuple[object, ...]) -> None:
    adapter = RowsAdapter(AccessRows(roles=BUILT_IN_ROLES))
    with pytest.raises(NotImplementedError, match="role tables"):
        getattr(adapter, deed)(*given)


def test_whoever_wants_to_change_a_policy_through_the_enforcer_is_refused() -> None:
    reference = Reference(AccessRows(roles=BUILT_IN_ROLES))
    with pytest.raises(NotImplementedError):
        reference._enforcer.add_policy("role:guest", "*", "*")
    with pytest.raises(NotImplementedError):
        reference._enforcer.save_policy()
