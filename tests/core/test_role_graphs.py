"""Whatever is made of roles in whatever order: no circle closes, and what a role allows is what can be reached."""

import asyncio
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from revenge_adapters import Sandbox, sandbox
from revenge_core.actor import Actor
from revenge_core.errors import RevengeError
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import NewRole, RoleChanges
from revenge_core.rbac.errors import RoleCycle, RoleExists, RoleInUse, RoleInvalid, RoleNotFound

NAMES = ("a", "b", "c", "d")
PATTERNS = ("*:list", "jobs:*", "movies:get", "movies:list")
HOST = Actor.host()
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["change", "create", "delete", "replace"]),
        st.sampled_from(NAMES),
        st.frozensets(st.sampled_from([*NAMES, "guest"]), max_size=2),
        st.frozensets(st.sampled_from(PATTERNS), max_size=2),
    ),
    max_size=25,
)

Model = dict[str, tuple[frozenset[str], frozenset[str]]]
"""Name → parents and permissions, as they should be."""


def ancestors(model: Model, name: str) -> set[str]:
    """The role and all above it, by walking."""
    seen, pending = set[str](), [name]
    while pending:
        one = pending.pop()
        if one not in seen:
            seen.add(one)
            pending += model[one][0] if one in model else ()
    return seen


def refusals(model: Model, deed: str, name: str, parents: frozenset[str]) -> Iterator[type[RevengeError]]:
    """Why this cannot be done, the first reason first; nothing if it can."""
    if deed != "create" and name not in model:
        yield RoleNotFound
    if deed in {"change", "create"} and (name in parents or not parents <= model.keys() | {"guest"}):
        yield RoleInvalid
    if deed == "create" and name in model:
        yield RoleExists
    if deed == "change" and any(name in ancestors(model, parent) for parent in parents):
        yield RoleCycle
    if deed == "delete" and any(name in its_parents for its_parents, _ in model.values()):
        yield RoleInUse


async def do(box: Sandbox, deed: str, name: str, parents: frozenset[str], patterns: frozenset[str]) -> None:
    """Do it, for real."""
    roles = box.revenge.roles
    match deed:
        case "change":
            await roles.change(HOST, name, RoleChanges(parents=tuple(parents)))
        case "create":
            await roles.create(HOST, NewRole(name=name, parents=tuple(parents), permissions=tuple(patterns)))
        case "delete":
            await roles.delete(HOST, name)
        case _:
            await roles.replace_permissions(HOST, name, tuple(patterns))


def carried(model: Model, name: str, guest: frozenset[Permission]) -> set[Permission]:
    """What the role and all above it allow."""
    above = ancestors(model, name)
    patterns = {pattern for one in above & model.keys() for pattern in model[one][1]}
    reached = {known for known in Permission if any(stands_for(pattern, known) for pattern in patterns)}
    return reached | guest if "guest" in above else reached


def stands_for(pattern: str, permission: Permission) -> bool:
    resource, action = permission.value.split(":")
    return pattern in {f"*:{action}", f"{resource}:*", permission.value}


async def play(steps: list[tuple[str, str, frozenset[str], frozenset[str]]]) -> None:
    box, model = sandbox(), Model()
    guest = await box.revenge.rbac.permissions_of(frozenset({"guest"}))
    for deed, name, parents, patterns in steps:
        expected = next(refusals(model, deed, name, parents), None)
        refused: type[RevengeError] | None = None
        try:
            await do(box, deed, name, parents, patterns)
        except RevengeError as error:
            refused = type(error)
        assert refused is expected, (deed, name, parents)
        if refused is None:
            had = model.pop(name, (parents, patterns))
            if deed != "delete":
                model[name] = (
                    had[0] if deed == "replace" else parents,
                    had[1] if deed == "change" else patterns,
                )
        for one in NAMES:
            allowed = await box.revenge.rbac.permissions_of(frozenset({one}))
            assert allowed == (carried(model, one, guest) if one in model else set())


@given(STEPS)
def test_no_circle_closes_and_a_role_allows_what_can_be_reached_from_it(
    steps: list[tuple[str, str, frozenset[str], frozenset[str]]],
) -> None:
    asyncio.run(play(steps))
