"""The brake on guesses, as people and attackers meet it (decisions I7, rulings R9, R19; identity.md, 11)."""

import asyncio
from unittest.mock import AsyncMock

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_adapters.memory.guesses import MemoryGuesses
from revenge_core.activity.entities import Action, Outcome
from revenge_core.actor import Actor, Origin
from revenge_core.auth.entities import SignedIn
from revenge_core.auth.errors import CredentialsInvalid, HasherBusy, TooManyAttempts
from revenge_core.auth.jobs import CleanUp
from revenge_core.errors import DatabaseUnavailable, Forbidden, Unauthenticated
from revenge_core.secrets import Secret
from revenge_core.testing.attempt import Attempt
from tests.core.people import KITCHEN, PASSWORD, SOFA, act, admin, entries, join, register, sign_in

WRONG = Secret("a bad guess")


async def guess(box: Sandbox, login: str = "ada", origin: Origin = KITCHEN, device: Secret | None = None) -> str:
    """Try a wrong password: `wrong`, or `wait 30` for what has to wait so many seconds."""
    try:
        await box.revenge.auth.login(login, WRONG, origin, device_token=device)
    except TooManyAttempts as refused:
        return f"wait {refused.retry_after or 0:.0f}"
    except CredentialsInvalid:
        return "wrong"
    raise AssertionError("it was right")


async def guesses(box: Sandbox, count: int, login: str = "ada", origin: Origin = KITCHEN) -> list[str]:
    return [await guess(box, login, origin) for _ in range(count)]


def from_everywhere(count: int) -> list[Origin]:
    return [Origin(address=f"198.51.100.{number}") for number in range(count)]


async def besiege(box: Sandbox, login: str = "ada") -> None:
    """Guess from so many places that the account's allowance is used up."""
    for origin in from_everywhere(60):
        await guess(box, login, origin)


async def test_after_five_wrong_ones_the_next_waits_half_a_minute(box: Sandbox) -> None:
    await register(box)
    assert await guesses(box, 6) == ["wrong"] * 5 + ["wait 30"]
    box.clock.advance(seconds=30)
    assert await guesses(box, 2) == ["wrong", "wait 30"]


async def test_the_right_password_is_not_even_looked_at_then(box: Sandbox) -> None:
    await register(box)
    await guesses(box, 5)
    box.hasher.busy = True  # whoever hashed would hear of it
    with pytest.raises(TooManyAttempts):
        await sign_in(box, origin=KITCHEN)
    box.hasher.busy = False
    box.clock.advance(seconds=30)
    await sign_in(box, origin=KITCHEN)


@pytest.mark.asvs("6.3.1")
async def test_defect_11_name_and_address_in_any_letters_share_one_allowance(box: Sandbox) -> None:
    await register(box)
    spellings = ["ada", "ADA", "ada@example.org", "Ada@Example.ORG", "\uff41\uff44\uff41", "aDa"]
    assert [await guess(box, one) for one in spellings] == ["wrong"] * 5 + ["wait 30"]


@pytest.mark.asvs("6.3.8")
async def test_defect_11_a_name_that_nobody_has_is_refused_the_same_way(box: Sandbox) -> None:
    await register(box)
    assert await guesses(box, 8, "nobody") == await guesses(box, 8, "ada", SOFA)
    (unknown, known) = [await refusal(box, login, origin) for login, origin in (("NOBODY", KITCHEN), ("ada", SOFA))]
    assert (unknown.detail, unknown.problems, unknown.retry_after) == (known.detail, known.problems, known.retry_after)


async def refusal(box: Sandbox, login: str, origin: Origin) -> TooManyAttempts:
    with pytest.raises(TooManyAttempts) as refused:
        await box.revenge.auth.login(login, PASSWORD, origin)
    return refused.value


async def test_what_was_typed_for_a_name_is_kept_as_a_digest_only(box: Sandbox) -> None:
    await guesses(box, 7, "my-secret-typed-as-name")
    assert "my-secret" not in repr(box.rows)


async def test_defect_11_nobody_keeps_the_owner_out(box: Sandbox) -> None:
    await register(box)
    await besiege(box)
    assert await guess(box, "ada", Origin(address="198.51.100.1")) != "wrong"
    await sign_in(box, origin=KITCHEN)
    await sign_in(box, origin=KITCHEN)


async def test_under_siege_each_address_has_one_try_in_half_a_minute(box: Sandbox) -> None:
    await register(box)
    await guesses(box, 3)
    box.clock.advance(seconds=10)
    await besiege(box)
    assert (await guess(box)).startswith("wait")
    box.clock.advance(seconds=20)
    await besiege(box)
    assert await guesses(box, 2) == ["wrong", "wait 20"]


async def test_a_siege_that_is_over_is_forgotten_soon(box: Sandbox) -> None:
    await register(box)
    for _ in range(20):
        await besiege(box)
        box.clock.advance(seconds=30)
    box.clock.advance(seconds=100)
    assert await guesses(box, 2, origin=Origin(address="203.0.113.5")) == ["wrong", "wrong"]


async def test_many_accounts_cannot_be_tried_from_one_address(box: Sandbox) -> None:
    answers = [await guess(box, f"nobody-{number}") for number in range(31)]
    assert answers == ["wrong"] * 30 + ["wait 10"]
    assert await guess(box, "nobody-99", SOFA) == "wrong"


async def test_the_addresses_of_one_ipv6_network_are_one(box: Sandbox) -> None:
    await register(box)
    answers = [await guess(box, "ada", Origin(address=f"2001:db8::{number}")) for number in range(6)]
    assert answers == ["wrong"] * 5 + ["wait 30"]
    assert await guess(box, "ada", Origin(address="2001:db8:0:1::1")) == "wrong"


async def token_of(box: Sandbox, origin: Origin = KITCHEN) -> Secret:
    signed_in: SignedIn = await sign_in(box, origin=origin)
    assert signed_in.device_token is not None
    return signed_in.device_token


async def test_a_known_device_passes_while_everybody_else_waits(box: Sandbox) -> None:
    await register(box)
    device = await token_of(box)
    await besiege(box)
    await guesses(box, 6)
    for _ in range(20):
        await box.revenge.auth.login("ada", PASSWORD, KITCHEN, device_token=device)


async def test_a_known_device_comes_first_where_hashes_are_short(box: Sandbox) -> None:
    await register(box)
    device = await token_of(box)
    box.hasher.crowded = True
    with pytest.raises(HasherBusy):
        await sign_in(box, origin=KITCHEN)
    await box.revenge.auth.login("ada", PASSWORD, KITCHEN, device_token=device)


async def test_a_known_device_has_an_allowance_of_its_own_and_is_a_stranger_after_it(box: Sandbox) -> None:
    await register(box)
    device = await token_of(box)
    answers = [await guess(box, device=device) for _ in range(16)]
    assert answers == ["wrong"] * 15 + ["wait 30"]
    box.clock.advance(seconds=10)
    assert [await guess(box, device=device) for _ in range(2)] == ["wrong", "wait 20"]


@pytest.mark.parametrize("whose", ["eve", "nobody"])
async def test_a_token_of_somebody_elses_device_is_worth_nothing(box: Sandbox, whose: str) -> None:
    await register(box)
    device = await token_of(box)
    await register(box, "eve")
    assert [await guess(box, whose, device=device) for _ in range(6)] == ["wrong"] * 5 + ["wait 30"]


async def test_a_queue_that_is_full_costs_nothing(box: Sandbox) -> None:
    await register(box)
    box.hasher.busy = True
    for _ in range(20):
        with pytest.raises(HasherBusy):
            await sign_in(box, origin=KITCHEN)
    box.hasher.busy = False
    assert await guesses(box, 6) == ["wrong"] * 5 + ["wait 30"]


async def test_a_queue_that_is_full_gives_no_guesses_to_those_who_fill_it(box: Sandbox) -> None:
    await register(box)
    await besiege(box)
    strangers = [Origin(address=f"203.0.113.{number}") for number in range(100)]
    box.hasher.busy = True
    refused = await asyncio.gather(*(sign_in(box, origin=one) for one in strangers), return_exceptions=True)
    assert [type(one) for one in refused] == [HasherBusy] * 100
    box.hasher.busy = False
    assert "wrong" not in [await guess(box, origin=one) for one in from_everywhere(60)]


async def test_what_many_try_at_once_is_counted_one_by_one(box: Sandbox) -> None:
    await register(box)
    answers = await asyncio.gather(*(guess(box) for _ in range(50)))
    assert sorted(answers).count("wrong") == 5


@pytest.mark.asvs("16.5.3")
async def test_where_nobody_can_count_nobody_may_guess(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    await register(box)
    monkeypatch.setattr(MemoryGuesses, "lock", AsyncMock(side_effect=DatabaseUnavailable))
    box.hasher.busy = True  # whoever hashed would hear of it
    with pytest.raises(DatabaseUnavailable):
        await sign_in(box)


# The audit log


@pytest.mark.asvs("16.3.3")
async def test_refusals_are_told_at_once_and_then_once_a_minute(box: Sandbox) -> None:
    user = await register(box)
    await guesses(box, 5)
    told = len(entries(box, Action.USER_LOGIN))
    for _ in range(100):
        await guess(box)
        box.clock.advance(seconds=1.2)
        box.rows.guesses.update(
            (key, replace(count, used=5, at=box.clock.now())) for key, count in box.rows.guesses.items()
        )
    refused = entries(box, Action.USER_LOGIN, Outcome.FAILURE)[told:]
    assert [entry.reason for entry in refused] == ["too many attempts"] * 2
    assert [entry.changes["refused"].after for entry in refused] == [1, 50]
    assert {(entry.resource_id, entry.address) for entry in refused} == {(user.id, KITCHEN.address)}


async def test_refusals_that_ended_within_a_minute_are_told_by_the_cleaning_up(box: Sandbox) -> None:
    user = await register(box)
    await guesses(box, 25)
    box.clock.advance(minutes=2)
    told = len(entries(box, Action.USER_LOGIN))
    await box.revenge.auth.clean_up(CleanUp(), Attempt())
    await box.revenge.auth.clean_up(CleanUp(), Attempt())
    (entry,) = entries(box, Action.USER_LOGIN)[told:]
    assert (entry.changes["refused"].after, entry.resource_id, entry.address) == (19, user.id, KITCHEN.address)


async def test_refusals_of_names_that_nobody_has_are_told_by_the_cleaning_up_too(box: Sandbox) -> None:
    await guesses(box, 8, "nobody")
    box.clock.advance(minutes=2)
    told = len(entries(box, Action.USER_LOGIN))
    await box.revenge.auth.clean_up(CleanUp(), Attempt())
    (entry,) = entries(box, Action.USER_LOGIN)[told:]
    assert (entry.changes["refused"].after, entry.resource_id, entry.address) == (2, None, KITCHEN.address)


async def test_refusals_of_names_that_nobody_has_leave_no_rows_of_their_own(box: Sandbox) -> None:
    for number in range(200):
        await guess(box, f"nobody-{number}")
    assert len(box.rows.guesses) == 2 * 30 + 1
    refused = [entry for entry in entries(box, Action.USER_LOGIN) if entry.reason == "too many attempts"]
    assert [(entry.resource_id, entry.address) for entry in refused] == [(None, KITCHEN.address)]


# Administrators


async def test_an_administrator_sees_what_is_used_up_now(box: Sandbox) -> None:
    root, user = await admin(box), await register(box)
    await guesses(box, 2)
    box.clock.advance(seconds=15)
    counts = await box.revenge.guessing.used(root)
    assert {count.key: round(count.used, 2) for count in counts} == {
        f"pair:{user.id} 192.0.2.7": 1.5,
        "address:192.0.2.7": 0.5,
        f"account:{user.id}": 1.25,
    }
    box.clock.advance(seconds=60)
    assert await box.revenge.guessing.used(root) == ()


@pytest.mark.parametrize("subject", ["account", "192.0.2.7"])
async def test_an_administrator_lets_somebody_try_again(box: Sandbox, subject: str) -> None:
    root, user = await admin(box), await register(box)
    await guesses(box, 6)
    assert await box.revenge.guessing.clear(root, str(user.id) if subject == "account" else subject) == 2
    await sign_in(box, origin=KITCHEN)
    (entry,) = entries(box, Action.LIMIT_CLEAR)
    assert (entry.actor_id, entry.resource_type) == (root.user_id, "limit")


@pytest.mark.parametrize("subject", ["2001:db8::7", "2001:db8::/64", "2001:db8::"])
async def test_an_ipv6_network_is_cleared_by_any_of_its_addresses(box: Sandbox, subject: str) -> None:
    await guesses(box, 2, "nobody", SOFA)
    assert await box.revenge.guessing.clear(Actor.host(), subject) == 2


async def test_nobody_else_sees_or_clears_limits(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    for somebody, refusal in ((actor, Forbidden), (Actor.anonymous(), Unauthenticated)):
        with pytest.raises(refusal):
            await box.revenge.guessing.used(somebody)
        with pytest.raises(refusal):
            await box.revenge.guessing.clear(somebody, "192.0.2.7")


async def test_counts_are_forgotten_after_a_day(box: Sandbox) -> None:
    await register(box)
    await guesses(box, 2)
    box.clock.advance(hours=23)
    await box.revenge.auth.clean_up(CleanUp(), Attempt())
    assert len(box.rows.guesses) == 3
    box.clock.advance(hours=1, seconds=1)
    await box.revenge.auth.clean_up(CleanUp(), Attempt())
    assert box.rows.guesses == {}
