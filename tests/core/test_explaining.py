"""What explanations say beyond the verdict, and to whom."""

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.actor import Actor, KeyUse
from revenge_core.apikeys.entities import KeyScope, NewKey
from revenge_core.apikeys.errors import KeyNotFound
from revenge_core.errors import Forbidden, Invalid, KeyRefused, KeyScopeLacking, Unauthenticated
from revenge_core.ids import KeyId, UserId
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import GrantSource, NewGroup, Role, Rule, RuleKind
from revenge_core.rbac.policy import ROLE_PARENTS_MAX, ROLES_MAX
from revenge_core.rbac.service import explaining
from revenge_core.testing.builders import a_grant
from revenge_core.users.errors import UserNotFound
from tests.core.admins import admin, helper
from tests.core.people import act, join, register

HOST = Actor.host()


async def texts(box: Sandbox, user: str, permission: str) -> list[str]:
    found = await box.revenge.explaining.explain(HOST, user, permission)
    return [rule.text for rule in found.rules]


async def test_the_shortest_chain_is_told_and_of_patterns_the_closest(box: Sandbox) -> None:
    ada = await register(box)
    box.rows.roles["base"] = Role(name="base", permissions=frozenset({"*:*", "jobs:*", "*:list", "jobs:list"}))
    box.rows.roles["heir"] = Role(name="heir", parents=frozenset({"base", "guest"}))
    group = await box.revenge.groups.create(HOST, NewGroup(name="Films", roles=frozenset({"heir"})))
    await box.revenge.groups.add_member(HOST, group.id, ada.id)
    box.rows.policy_sources["base", "jobs:list"] = GrantSource.DECLARATIVE
    through = [
        "user ada is in group Films (manual)",
        "group Films carries role heir",
        "role heir inherits from role base",
    ]
    listed = "policy base has jobs:list (declarative) matches jobs:list"
    assert await texts(box, "ada", "jobs:list") == [*through, listed]
    assert await texts(box, "ada", "jobs:get") == [*through, "policy base has jobs:* (built_in) matches jobs:get"]
    assert await texts(box, "ada", "users:list") == [*through, "policy base has *:list (built_in) matches users:list"]
    assert await texts(box, "ada", "users:get") == [*through, "policy base has *:* (built_in) matches users:get"]
    assert await texts(box, "ada", "movies:get") == [
        "user ada holds role user (registration)",
        "policy user has movies:get (built_in) matches movies:get",
    ]


async def test_whoever_holds_nothing_is_told_so(box: Sandbox) -> None:
    ada = await register(box)
    box.rows.grants.clear()
    assert await texts(box, str(ada.id), "movies:get") == ["user ada holds no role"]


async def test_a_key_without_scopes_is_told_what_it_lacks(box: Sandbox) -> None:
    owner = await act(box, await join(box))
    made = await box.revenge.api_keys.create(owner, NewKey(name="robot", permissions=frozenset({"movies:get"})))
    found = await box.revenge.key_explaining.explain(HOST, "ada", "movies:list", made.key.id)
    (rule,) = found.rules
    assert not found.allowed
    assert rule.text == "key robot has no scope, and movies:list takes the scope read, or itself named"


@pytest.mark.asvs("8.2.1")
async def test_explanations_are_for_whoever_may_ask_for_them(box: Sandbox) -> None:
    ada = await register(box)
    with pytest.raises(Unauthenticated):
        await box.revenge.explaining.explain(Actor.anonymous(), "ada", "movies:get")
    with pytest.raises(Unauthenticated):
        await box.revenge.explaining.effective(Actor.anonymous(), ada.id)
    actor = await helper(box)
    with pytest.raises(Forbidden, match="roles:explain"):
        await box.revenge.explaining.explain(actor, "ada", "movies:get")
    with pytest.raises(Forbidden, match="roles:get"):
        await box.revenge.explaining.effective(actor, ada.id)
    with pytest.raises(Forbidden, match="roles:explain"):
        await box.revenge.key_explaining.explain(actor, "ada", "movies:get", KeyId(box.ids.new()))


async def test_only_what_there_is_is_explained(box: Sandbox) -> None:
    await register(box)
    for wrong in ("movies:fly", "*:*", "x" * 10_000):
        with pytest.raises(Invalid) as refused:
            await box.revenge.explaining.explain(HOST, "ada", wrong)
        assert len(refused.value.problems[0].detail) < 200
    for nobody in ("nobody", str(box.ids.new()), "x" * 10_000):
        with pytest.raises(UserNotFound):
            await box.revenge.explaining.explain(HOST, nobody, "movies:get")
    with pytest.raises(UserNotFound):
        await box.revenge.explaining.effective(HOST, UserId(box.ids.new()))


@pytest.mark.asvs("8.2.2")
async def test_keys_are_explained_to_those_who_may_see_them(box: Sandbox) -> None:
    root = await admin(box)
    owner = await act(box, await join(box))
    made = await box.revenge.api_keys.create(owner, NewKey(name="robot", scopes=frozenset({KeyScope.READ})))
    explain = box.revenge.key_explaining.explain
    assert (await explain(root, "ada", "movies:get", made.key.id)).allowed
    curious = await helper(box, Permission.ROLES_EXPLAIN)
    with pytest.raises(KeyNotFound):
        await explain(curious, "ada", "movies:get", made.key.id)
    own = replace(owner, permissions=owner.permissions | {Permission.ROLES_EXPLAIN})
    assert (await explain(own, "ada", "movies:get", made.key.id)).allowed
    with_key = replace(root, key=KeyUse(id=made.key.id, reads_own=True, writes_own=True))
    with pytest.raises(KeyRefused):
        await explain(with_key, "ada", "movies:get", made.key.id)
    blind = replace(owner, key=KeyUse(id=made.key.id, reads_own=False, writes_own=False))
    assert owner.user_id is not None
    with pytest.raises(KeyScopeLacking):
        await box.revenge.explaining.effective(blind, owner.user_id)


@pytest.mark.asvs("8.2.3")
async def test_an_address_names_nobody_to_whoever_may_not_list_accounts(box: Sandbox) -> None:
    await register(box)
    actor = await helper(box, Permission.ROLES_EXPLAIN)
    assert (await box.revenge.explaining.explain(actor, "ada", "movies:get")).allowed
    for address in ("ada@example.org", "ADA@example.org", "\uff41da\uff20example.org", "nobody@example.org"):
        with pytest.raises(UserNotFound):
            await box.revenge.explaining.explain(actor, address, "movies:get")
    actor = replace(actor, permissions=actor.permissions | {Permission.USERS_LIST})
    assert (await box.revenge.explaining.explain(actor, "ada@example.org", "movies:get")).username == "ada"


async def test_entangled_roles_hold_up_nobody(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many roles as there may be, each with as many parents: every way through them would be seconds of work."""
    ada = await register(box)
    names = [f"r{number:03}" for number in range(ROLES_MAX)]
    for number, name in enumerate(names):
        parents = frozenset(names[max(0, number - ROLE_PARENTS_MAX) : number])
        box.rows.roles[name] = Role(name=name, parents=parents)
        box.rows.grants[ada.id, name, GrantSource.MANUAL] = a_grant(ada.id, name)
    made: list[Rule] = []

    def counted(role: str, parent: str) -> Rule:
        made.append(inherits(role, parent))
        return made[-1]

    inherits = explaining._inherits
    monkeypatch.setattr(explaining, "_inherits", counted)
    assert not (await box.revenge.explaining.explain(HOST, "ada", "users:list")).allowed
    assert made == []
    box.rows.roles["r000"] = replace(box.rows.roles["r000"], permissions=frozenset({"users:list"}))
    found = await box.revenge.explaining.explain(HOST, "ada", "users:list")
    assert [rule.kind for rule in found.rules] == [RuleKind.GRANT, RuleKind.POLICY]
    assert (len(found.held), made) == (ROLES_MAX, [])
    del box.rows.grants[ada.id, "r000", GrantSource.MANUAL]
    assert (await box.revenge.explaining.explain(HOST, "ada", "users:list")).rules[1] == made[0]
    assert len(made) == 1
