"""Single permissions that are added to roles and taken away: what the original calls policies (rulings R14)."""

import pytest

from revenge_adapters import Sandbox
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import Actor
from revenge_core.feed import ROLES_CHANGED
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import GrantSource, NewRole, Policy
from revenge_core.rbac.errors import PolicyInvalid, PolicyNotFound, RoleBuiltIn, RoleInvalid
from revenge_core.rbac.policy import ROLE_PERMISSIONS_MAX
from tests.core.admins import admin, told
from tests.core.people import entries

HOST = Actor.host()


async def permissions_of(box: Sandbox, role: str = "curator") -> frozenset[str]:
    return (await box.revenge.rbac.get(HOST, role)).role.permissions


@pytest.fixture
async def curator(box: Sandbox) -> str:
    await box.revenge.roles.create(HOST, NewRole(name="curator", permissions=("movies:list",)))
    return "curator"


@pytest.mark.parametrize("subject", ["curator", "role:curator"])
async def test_a_policy_is_added_and_taken_away_whatever_stands_before_the_name(
    box: Sandbox, curator: str, subject: str
) -> None:
    root = await admin(box)
    added = await box.revenge.roles.add_policy(root, subject, "jobs:*")
    assert added == Policy(role=curator, permission="jobs:*", source=GrantSource.MANUAL)
    assert await permissions_of(box) == {"movies:list", "jobs:*"}
    assert told(box) == {"permissions": FieldChange(before="movies:list", after="jobs:*, movies:list")}
    await box.revenge.roles.remove_policy(root, subject, "jobs:*")
    assert await permissions_of(box) == {"movies:list"}
    assert told(box) == {"permissions": FieldChange(before="jobs:*, movies:list", after="movies:list")}
    assert [len(entries(box, action)) for action in (Action.POLICY_ADD, Action.POLICY_REMOVE)] == [1, 1]
    assert box.changes[-1] == ROLES_CHANGED


async def test_platform_2_2_a_policy_is_never_there_twice(box: Sandbox) -> None:
    before = box.rows
    await box.revenge.roles.add_policy(HOST, "guest", "movies:get")
    assert box.rows == before


@pytest.mark.parametrize(
    "subject",
    ["nobody", "", "role:", "role:role:curator", "019c5b1e-5e00-7000-8000-000000000001", "Curator", "x" * 9000],
)
@pytest.mark.usefixtures("curator")
async def test_platform_2_5_policies_are_only_for_roles_that_exist(box: Sandbox, subject: str) -> None:
    for attempt in (box.revenge.roles.add_policy, box.revenge.roles.remove_policy):
        with pytest.raises(PolicyInvalid) as refused:
            await attempt(HOST, subject, "movies:list")
        assert [problem.pointer for problem in refused.value.problems] == ["/subject"]


@pytest.mark.parametrize("permission", ["movies:fly", ":", "movies:", "*", "*:fly", "x" * 9000, "movies:list:x"])
async def test_platform_2_5_policies_are_only_about_permissions_that_exist(
    box: Sandbox, curator: str, permission: str
) -> None:
    for attempt in (box.revenge.roles.add_policy, box.revenge.roles.remove_policy):
        with pytest.raises(PolicyInvalid) as refused:
            await attempt(HOST, curator, permission)
        assert [problem.pointer for problem in refused.value.problems] == ["/action"]
        with pytest.raises(PolicyInvalid) as refused:
            await attempt(HOST, "nobody", permission)
        assert [problem.pointer for problem in refused.value.problems] == ["/subject", "/action"]


async def test_a_policy_that_is_not_there_is_not_taken_away(box: Sandbox, curator: str) -> None:
    for permission in ("movies:get", "movies:*", "*:*"):
        with pytest.raises(PolicyNotFound):
            await box.revenge.roles.remove_policy(HOST, curator, permission)


async def test_what_a_version_before_knew_can_be_taken_away(box: Sandbox, curator: str) -> None:
    role = box.rows.roles[curator]
    box.rows.roles[curator] = type(role)(name=curator, permissions=frozenset({"vhs:rewind"}))
    await box.revenge.roles.remove_policy(HOST, curator, "vhs:rewind")
    assert await permissions_of(box) == frozenset()


async def test_policies_of_built_in_roles_are_taken_away_but_for_the_last(box: Sandbox) -> None:
    for permission in sorted(await permissions_of(box, "guest"))[1:]:
        await box.revenge.roles.remove_policy(HOST, "guest", permission)
    (last,) = await permissions_of(box, "guest")
    with pytest.raises(RoleBuiltIn):
        await box.revenge.roles.remove_policy(HOST, "guest", last)


async def test_a_role_has_only_so_many_policies(box: Sandbox, curator: str) -> None:
    role = box.rows.roles[curator]
    full = frozenset(f"vhs:{number}" for number in range(ROLE_PERMISSIONS_MAX))
    box.rows.roles[curator] = type(role)(name=curator, permissions=full)
    with pytest.raises(RoleInvalid):
        await box.revenge.roles.add_policy(HOST, curator, Permission.MOVIES_GET)
