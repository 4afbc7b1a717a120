"""A password is judged alike wherever somebody gives one: five ways in, one set of rules (decisions I2)."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from revenge_adapters import Sandbox
from revenge_adapters.memory.passwords import QuickHasher
from revenge_core.actor import Actor
from revenge_core.auth.entities import AuthRules
from revenge_core.auth.service import Passwords
from revenge_core.errors import Invalid
from revenge_core.secrets import Secret
from revenge_core.users.entities import NewUser
from tests.cli.conftest import Rehearsal, Run

NEW: Final = NewUser(username="anneliese", email="kaiser@example.org")
OLD: Final = Secret("a quiet evening")
BAD: Final = ["short", "Password", "1234567890", "anneliese99", "kaiser@example.org", "Revenge!", "x" * 1025, "é" * 600]
GOOD: Final = "a stormy night at sea"

Way = Callable[[Sandbox, Secret], Awaitable[object]]


async def register(box: Sandbox, password: Secret) -> None:
    await box.revenge.accounts.register(NEW, password)


async def bootstrap(box: Sandbox, password: Secret) -> None:
    token = await box.revenge.accounts.issue_bootstrap_token()
    assert token is not None
    await box.revenge.accounts.bootstrap(token, NEW, password)


async def change(box: Sandbox, password: Secret) -> None:
    await box.revenge.accounts.register(NEW, OLD)
    here = await box.revenge.auth.login(NEW.username, OLD)
    actor = await box.revenge.auth.authenticate(here.tokens.access_token.reveal())
    await box.revenge.auth.change_password(actor, OLD, password)


async def reset(box: Sandbox, password: Secret) -> None:
    user = (await box.revenge.accounts.register(NEW, OLD)).user
    made = await box.revenge.recovery.reset_link(Actor.host(), user.id)
    await box.revenge.recovery.reset(Secret(made.link.reveal().partition("#token=")[2]), password)


WAYS: Final[dict[str, Way]] = {"register": register, "bootstrap": bootstrap, "change": change, "reset": reset}
every_way = pytest.mark.parametrize("way", [*WAYS, "command line"])


def refusals(way: str, run: Run, doors: Rehearsal, password: str) -> list[str]:
    """What is wrong with the password, as whoever comes this way hears it."""
    if way == "command line":
        given = ("--username", NEW.username, "--email", NEW.email)
        done = run("admin", "create", *given, "--password-stdin", "--json", typed=password)
        said = json.loads(done.stdout or done.stderr)
        return [one["detail"] for one in said.get("errors", [])]
    try:
        asyncio.run(as_coroutine(WAYS[way](doors.box, Secret(password))))
    except Invalid as refused:
        return [problem.detail for problem in refused.problems]
    return []


async def as_coroutine(wanted: Awaitable[object]) -> None:
    await wanted


@pytest.mark.asvs("6.2.4")
@every_way
@pytest.mark.parametrize("password", BAD, ids=[bad[:12] for bad in BAD])
def test_a_bad_password_is_refused_for_the_same_reasons_on_every_way(
    run: Run, doors: Rehearsal, way: str, password: str
) -> None:
    judged = Passwords(QuickHasher(), AuthRules()).problems_of(
        Secret(password), pointer="/password", username=NEW.username, email=NEW.email
    )
    assert judged
    assert refusals(way, run, doors, password) == [problem.detail for problem in judged]


@every_way
def test_a_good_password_is_taken_on_every_way(run: Run, doors: Rehearsal, way: str) -> None:
    assert refusals(way, run, doors, GOOD) == []
    asyncio.run(as_coroutine(doors.box.revenge.auth.login(NEW.username, Secret(GOOD))))
