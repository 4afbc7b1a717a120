"""The recorder's promise: what it proposes is enough for all that was recorded, and none of it can be left out."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from revenge_adapters import sandbox
from revenge_core.actor import Actor
from revenge_core.apikeys.entities import KeyScope
from revenge_core.errors import Forbidden
from revenge_core.permissions import Permission
from revenge_core.revenge import Revenge
from tests.core.keys import come, make
from tests.core.people import admin

Call = Callable[[Revenge, Actor], Awaitable[object]]


def needs(*permissions: Permission) -> Call:
    """A route that declares these."""

    async def call(_: Revenge, actor: Actor) -> object:
        for permission in permissions:
            actor.require(permission)
        return permissions

    return call


def own(*, writes: bool) -> Call:
    """A route for whoever is signed in."""

    async def call(_: Revenge, actor: Actor) -> object:
        return actor.require_user(writes=writes)

    return call


def reaches(*permissions: Permission) -> Call:
    """A change of somebody who has these rights."""

    async def call(_: Revenge, actor: Actor) -> object:
        if not actor.covers(frozenset(permissions)):
            raise Forbidden
        return permissions

    return call


async def _me(revenge: Revenge, actor: Actor) -> object:
    return (await revenge.users.me(actor)).username


async def _roles(revenge: Revenge, actor: Actor) -> object:
    return await revenge.rbac.list(actor)


async def _profile(revenge: Revenge, actor: Actor) -> object:
    """Needs one right or the other; with the first it tells more."""
    return await revenge.users.profile(actor, actor.user_id)  # type: ignore[arg-type] # a key has an owner


CALLS: Final[tuple[Call, ...]] = (
    *map(needs, sorted(Permission)),
    needs(Permission.JOBS_LIST, Permission.JOBS_ARGS),
    needs(Permission.USERS_UPDATE, Permission.ROLES_ASSIGN),
    own(writes=False),
    own(writes=True),
    reaches(Permission.MOVIES_LIST, Permission.MOVIES_GET),
    reaches(Permission.USERS_DELETE),
    _me,
    _roles,
    _profile,
)


async def outcomes(revenge: Revenge, actor: Actor, calls: list[Call]) -> list[object]:
    """What came of each: an answer, or that it was refused."""
    came: list[object] = []
    for call in calls:
        try:
            came.append(await call(revenge, actor))
        except Forbidden:
            came.append(Forbidden)
    return came


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(CALLS), max_size=12), st.sampled_from([frozenset({scope}) for scope in KeyScope]))
def test_a_proposal_is_enough_and_the_least(calls: list[Call], scopes: frozenset[KeyScope]) -> None:
    asyncio.run(_tried(calls, scopes))


async def _tried(calls: list[Call], scopes: frozenset[KeyScope]) -> None:
    box = sandbox()
    root = await admin(box)
    wide = await make(box, root, "wide", scopes=scopes)
    tried = await outcomes(box.revenge, await come(box, wide.secret), calls)
    let_through = [call for call, came in zip(calls, tried, strict=True) if came is not Forbidden]
    watched = await make(box, root, "watched", scopes=scopes, recording=True)
    recorded = await outcomes(box.revenge, await come(box, watched.secret), let_through)
    proposed = (await box.revenge.api_keys.proposal(root, watched.key.id)).permissions
    assert bool(proposed) is bool(let_through)
    if not proposed:
        return
    least = await make(box, root, "least", permissions=proposed)
    assert await outcomes(box.revenge, await come(box, least.secret), let_through) == recorded
    await box.revenge.api_keys.revoke(root, least.key.id)
    for right in proposed:
        if proposed == frozenset({right}):
            continue
        less = await make(box, root, "less", permissions=proposed - {right})
        came = await outcomes(box.revenge, await come(box, less.secret), let_through)
        assert Forbidden in came, f"{right} was not needed"
        await box.revenge.api_keys.revoke(root, less.key.id)
