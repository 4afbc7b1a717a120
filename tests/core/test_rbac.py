import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.actor import Actor
from revenge_core.errors import Forbidden, Unauthenticated
from revenge_core.permissions import ALL_PERMISSIONS, NO_PERMISSIONS, Permission
from revenge_core.rbac.entities import Role
from revenge_core.rbac.errors import RoleCycle
from revenge_core.rbac.policy import BUILT_IN_ROLES, compile_index, matching
from tests.core.people import act, admin, join

NAMES = ("a", "b", "c", "d", "e")
RESOURCES = sorted({permission.value.partition(":")[0] for permission in Permission})
PATTERNS = st.one_of(
    st.sampled_from([permission.value for permission in Permission]),
    st.sampled_from([f"{resource}:*" for resource in RESOURCES]),
    st.sampled_from(["*:*", "*:list", "*:*:*", "movies:fly", "nothing:*", "*:fly", "*", "", ":", "movies"]),
)


def role(name: str, *permissions: str, parents: tuple[str, ...] = ()) -> Role:
    return Role(name=name, permissions=frozenset(permissions), parents=frozenset(parents))


def of(roles: tuple[Role, ...], *names: str) -> frozenset[Permission]:
    return compile_index(roles).permissions_of(frozenset(names))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Role, ...]:
    """Roles that inherit from later ones only, hence without cycles, and now and then from one that is not there."""
    return tuple(
        Role(
            name=name,
            permissions=draw(st.frozensets(PATTERNS, max_size=3)),
            parents=draw(st.frozensets(st.sampled_from([*NAMES[at + 1 :], "nobody"]), max_size=2)),
        )
        for at, name in enumerate(NAMES)
    )


def reachable(roles: tuple[Role, ...], start: str) -> set[str]:
    """The role and its ancestors, by walking."""
    by_name = {known.name: known for known in roles}
    seen, pending = set[str](), [start]
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending += by_name[name].parents if name in by_name else ()
    return seen


def carries(pattern: str, permission: Permission) -> bool:
    """What a pattern means, said differently from the code under test."""
    resource, action = permission.value.split(":")
    return pattern in {permission.value, f"{resource}:*", f"*:{action}", "*:*"}


@given(worlds(), st.frozensets(st.sampled_from([*NAMES, "nobody"])))
def test_the_index_says_what_walking_the_roles_says(roles: tuple[Role, ...], held: frozenset[str]) -> None:
    ancestors = set[str]().union(*(reachable(roles, name) for name in held))
    patterns = [pattern for known in roles if known.name in ancestors for pattern in known.permissions]
    expected = {permission for permission in Permission if any(carries(pattern, permission) for pattern in patterns)}
    assert compile_index(roles).permissions_of(held) == expected


@given(worlds(), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_more_roles_never_mean_less(roles: tuple[Role, ...], one: str, other: str) -> None:
    index = compile_index(roles)
    both = index.permissions_of(frozenset({one, other}))
    assert both == index.permissions_of(frozenset({one})) | index.permissions_of(frozenset({other}))


@given(worlds(), st.data())
def test_a_cycle_anywhere_is_refused(roles: tuple[Role, ...], data: st.DataObject) -> None:
    start = data.draw(st.sampled_from(NAMES))
    end = data.draw(st.sampled_from(sorted(reachable(roles, start) - {"nobody"})))
    closed = tuple(replace(known, parents=known.parents | {start}) if known.name == end else known for known in roles)
    with pytest.raises(RoleCycle):
        compile_index(closed)


def test_a_cycle_is_named() -> None:
    with pytest.raises(RoleCycle, match="a → b → a"):
        compile_index((role("a", parents=("b",)), role("b", parents=("a",))))


def test_platform_2_3_an_admin_may_do_everything_since_wildcards_match_what_they_say() -> None:
    assert of(BUILT_IN_ROLES, "admin") == ALL_PERMISSIONS
    assert matching("*:*") == ALL_PERMISSIONS
    assert matching("movies:list") == {Permission.MOVIES_LIST}
    assert {permission.value for permission in matching("playback:*")} == {"playback:progress", "playback:stream"}
    assert matching("admin:*") == {Permission.ADMIN_ALL}
    assert matching("*:list") == {known for known in Permission if known.value.endswith(":list")}
    for nothing in ("movies:fly", "nothing:*", "*:fly", "*", "", "movies", "*:*:*", "movies:list ", "MOVIES:LIST"):
        assert matching(nothing) == NO_PERMISSIONS


def test_a_long_line_of_heirs_is_no_trouble() -> None:
    line = tuple(role(str(number), parents=(str(number + 1),)) for number in range(5000))
    assert of((*line, role("5000", "movies:list")), "0") == {Permission.MOVIES_LIST}
    with pytest.raises(RoleCycle, match="0 → 1"):
        compile_index((*line, role("5000", parents=("0",))))


def test_a_role_that_is_inherited_twice_counts_once() -> None:
    roles = (
        role("top", parents=("left", "right")),
        role("left", "movies:list", parents=("base",)),
        role("right", "movies:get", parents=("base",)),
        role("base", "profile:read"),
    )
    assert of(roles, "top") == {Permission.MOVIES_GET, Permission.MOVIES_LIST, Permission.PROFILE_READ}


def test_unknown_roles_and_none_at_all_carry_nothing() -> None:
    assert of(BUILT_IN_ROLES) == of(BUILT_IN_ROLES, "nobody", "Admin", "") == NO_PERMISSIONS


def test_answers_are_remembered_and_the_memory_has_an_end() -> None:
    index = compile_index(BUILT_IN_ROLES)
    member = frozenset({"user"})
    assert index.permissions_of(member) is index.permissions_of(member)
    for number in range(10_001):
        index.permissions_of(frozenset({"user", str(number)}))
    late = frozenset({"user", "late"})
    assert index.permissions_of(late) == index.permissions_of(member)
    assert index.permissions_of(late) is not index.permissions_of(late)


def test_built_in_roles_hold_only_what_exists() -> None:
    patterns = [pattern for known in BUILT_IN_ROLES for pattern in known.permissions]
    assert [pattern for pattern in patterns if not matching(pattern)] == []
    assert all(known.built_in for known in BUILT_IN_ROLES)


def test_built_in_roles_hold_one_another() -> None:
    guest, user, moderator, everything = (of(BUILT_IN_ROLES, name) for name in ("guest", "user", "moderator", "admin"))
    assert guest < user < moderator < everything == ALL_PERMISSIONS


def test_a_guest_only_looks() -> None:
    verbs = {permission.value.partition(":")[2] for permission in of(BUILT_IN_ROLES, "guest")}
    assert verbs == {"get", "list", "read", "stream"}


async def test_roles_are_listed_by_name_to_who_may_list_them(box: Sandbox) -> None:
    roles = await box.revenge.rbac.list(await admin(box))
    assert [known.role.name for known in roles] == ["admin", "guest", "moderator", "user"]
    assert await box.revenge.rbac.list(Actor.host()) == roles


async def test_roles_are_not_listed_to_others(box: Sandbox) -> None:
    with pytest.raises(Forbidden, match="roles:list"):
        await box.revenge.rbac.list(await act(box, await join(box)))
    with pytest.raises(Unauthenticated):
        await box.revenge.rbac.list(Actor.anonymous())


async def test_an_edited_role_counts_at_once(box: Sandbox) -> None:
    member = frozenset({"user"})
    assert Permission.MOVIES_DELETE not in await box.revenge.rbac.permissions_of(member)
    box.rows.roles["user"] = replace(box.rows.roles["user"], permissions=frozenset({"movies:*"}))
    assert await box.revenge.rbac.permissions_of(member) == matching("movies:*")
