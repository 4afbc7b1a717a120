import asyncio
import dataclasses
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters import Sandbox
from revenge_adapters.memory.passwords import QuickHasher
from revenge_core.activity.entities import Action, Outcome
from revenge_core.auth.entities import AuthRules
from revenge_core.auth.errors import CredentialsInvalid, HasherBusy
from revenge_core.auth.service import Passwords
from revenge_core.feed import Change
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import ClientType
from revenge_core.users.entities import User
from tests.core.people import KITCHEN, PASSWORD, SOFA, act, entries, join, new_user, register, sign_in


async def refusal(box: Sandbox, login: str, password: Secret) -> CredentialsInvalid:
    with pytest.raises(CredentialsInvalid) as refused:
        await box.revenge.auth.login(login, password, KITCHEN)
    return refused.value


def change(box: Sandbox, user: User, **changes: object) -> None:
    """Change an account behind the services' back."""
    box.rows.users[user.id] = replace(box.rows.users[user.id], **changes)


async def test_a_sign_in_answers_with_everything_a_client_needs(box: Sandbox) -> None:
    user = await register(box)
    signed_in = await sign_in(box, origin=KITCHEN)
    assert signed_in.user == replace(user, last_login_at=box.clock.now())
    assert signed_in.roles == {"user"}
    assert signed_in.tokens.expires_in == 900
    session = signed_in.session
    assert (session.user_id, session.methods, session.level) == (user.id, ("pwd",), 1)
    assert (session.address, session.user_agent) == (KITCHEN.address, KITCHEN.user_agent)
    assert box.rows.users[user.id] == signed_in.user
    assert (await act(box, signed_in)).session_id == session.id


@pytest.mark.parametrize("login", ["ada", "ADA", "ada@example.org", "Ada@Example.ORG", "\uff41\uff44\uff41"])
async def test_defect_39_any_spelling_of_the_name_or_the_address_will_do(box: Sandbox, login: str) -> None:
    await register(box)
    assert (await sign_in(box, login)).user.username == "ada"


async def test_a_user_name_cannot_be_somebody_elses_address(box: Sandbox) -> None:
    # Defect 19: a user name that is an address would shadow the sign-in of its owner.
    await register(box, "ada")
    assert (await sign_in(box, "ada@example.org")).user.username == "ada"


@pytest.mark.asvs("6.3.8")
async def test_unknown_wrong_and_disabled_get_the_same_answer(box: Sandbox) -> None:
    user = await register(box)
    answers = [
        await refusal(box, "nobody", PASSWORD),
        await refusal(box, "ada" + "\u0301" * 1000, PASSWORD),
        await refusal(box, "ada", Secret("wrong password")),
        await refusal(box, "ada", Secret("")),
        await refusal(box, "ada", Secret("x" * 2000)),
    ]
    change(box, user, is_active=False)
    answers.append(await refusal(box, "ada", PASSWORD))
    change(box, user, deleted_at=box.clock.now())
    answers.append(await refusal(box, "ada", PASSWORD))
    assert len({(type(answer), answer.detail, answer.retry_after) for answer in answers}) == 1


@pytest.mark.asvs("16.2.5", "16.3.1")
async def test_a_failed_attempt_is_audited_without_what_was_typed(box: Sandbox) -> None:
    user = await register(box)
    await refusal(box, "my-secret-typed-as-name", Secret("a bad guess"))
    await refusal(box, "ada", Secret("a bad guess"))
    change(box, user, is_active=False)
    await refusal(box, "ada", PASSWORD)
    failures = entries(box, Action.USER_LOGIN, Outcome.FAILURE)
    assert [entry.reason for entry in failures] == ["unknown user", "wrong password", "disabled"]
    assert [entry.resource_id for entry in failures] == [None, user.id, user.id]
    assert {entry.address for entry in failures} == {KITCHEN.address}
    assert "my-secret-typed-as-name" not in repr(box.rows)
    assert "a bad guess" not in repr(box.rows)


async def test_a_failed_attempt_changes_nothing_but_the_log_and_the_counts(box: Sandbox) -> None:
    await register(box)
    before, changes = box.rows.copy(), [*box.changes]
    await refusal(box, "ada", Secret("wrong password"))
    log_and_counts: dict[str, Any] = {"activity": {}, "activity_unsealed": {}, "guesses": {}}
    assert dataclasses.replace(box.rows, **log_and_counts) == dataclasses.replace(before, **log_and_counts)
    assert box.changes == changes


@pytest.mark.asvs("16.2.1", "16.3.1")
async def test_a_sign_in_is_audited_and_announced(box: Sandbox) -> None:
    await register(box)
    signed_in = await sign_in(box, origin=SOFA)
    (entry,) = entries(box, Action.USER_LOGIN, Outcome.SUCCESS)
    assert (entry.actor_id, entry.session_id) == (signed_in.user.id, signed_in.session.id)
    assert (entry.address, entry.request_id) == (SOFA.address, SOFA.request_id)
    assert box.changes == [Change.of_user(signed_in.user.id)]


class Counting(QuickHasher):
    """Counts how often each hash was checked."""

    def __init__(self) -> None:
        super().__init__()
        self.checked: list[Secret] = []

    @override
    async def verify(self, password_hash: Secret, password: Secret, *, known: bool = False) -> bool:
        self.checked.append(password_hash)
        return await super().verify(password_hash, password)


@pytest.mark.asvs("6.3.8")
async def test_defect_12_every_refusal_costs_exactly_one_check(box: Sandbox) -> None:
    hasher = Counting()
    passwords = Passwords(hasher, AuthRules())
    stored = await hasher.hash(PASSWORD)
    assert not await passwords.matches(None, PASSWORD)
    assert not await passwords.matches(stored, Secret("wrong password"))
    assert not await passwords.matches(stored, Secret(""))
    assert not await passwords.matches(stored, Secret("x" * 2000))
    assert await passwords.matches(stored, PASSWORD)
    assert hasher.checked == [hasher.decoy, stored, hasher.decoy, hasher.decoy, stored]


async def test_an_old_hash_is_renewed_at_the_next_sign_in(box: Sandbox) -> None:
    user = await register(box)
    old = replace(box.rows.credentials[user.id], password_hash=await QuickHasher(rounds=0).hash(PASSWORD))
    box.rows.credentials[user.id] = old
    await sign_in(box)
    renewed = box.rows.credentials[user.id]
    assert renewed.password_hash != old.password_hash
    assert not box.hasher.needs_rehash(renewed.password_hash)
    assert renewed.changed_at == old.changed_at
    await sign_in(box)
    assert box.rows.credentials[user.id] == renewed


async def test_a_hash_is_renewed_another_time_where_too_many_sign_in(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await register(box)
    old = replace(box.rows.credentials[user.id], password_hash=await QuickHasher(rounds=0).hash(PASSWORD))
    box.rows.credentials[user.id] = old
    monkeypatch.setattr(box.hasher, "hash", AsyncMock(side_effect=HasherBusy))
    await sign_in(box)
    assert box.rows.credentials[user.id] == old


async def test_a_wrong_password_renews_no_hash(box: Sandbox) -> None:
    user = await register(box)
    old = replace(box.rows.credentials[user.id], password_hash=await QuickHasher(rounds=0).hash(PASSWORD))
    box.rows.credentials[user.id] = old
    await refusal(box, "ada", Secret("wrong password"))
    assert box.rows.credentials[user.id] == old


async def test_defect_24_a_full_queue_is_no_wrong_password(box: Sandbox) -> None:
    await register(box)
    box.hasher.busy = True
    for login in ("ada", "nobody"):
        with pytest.raises(HasherBusy):
            await sign_in(box, login)
    assert entries(box, Action.USER_LOGIN) == []


@pytest.mark.parametrize("changes", [{"is_active": False}, {"epoch": 1}], ids=["disabled", "password changed"])
async def test_an_account_that_changes_while_the_password_is_checked_is_judged_again(
    box: Sandbox, changes: dict[str, object]
) -> None:
    user = await register(box)
    signing_in = asyncio.create_task(sign_in(box))
    await asyncio.sleep(0)
    change(box, user, **changes)
    with pytest.raises(CredentialsInvalid):
        await signing_in
    assert box.rows.sessions == {}
    assert entries(box, Action.USER_LOGIN)[-1].reason == "changed meanwhile"


async def test_passwords_are_the_same_however_the_keyboard_composes_them(box: Sandbox) -> None:
    await box.revenge.accounts.register(new_user(), Secret("cafe\u0301 au lait"))
    await box.revenge.auth.login("ada", Secret("caf\u00e9 au lait"))


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64)", ClientType.BROWSER),
        ("Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0)", ClientType.TV),
        ("Film Club/1.0 (iPhone)", ClientType.APP),
        (None, ClientType.APP),
    ],
)
async def test_the_kind_of_client_is_guessed_from_what_it_calls_itself(
    box: Sandbox, agent: str | None, kind: ClientType
) -> None:
    await register(box)
    session = (await sign_in(box, origin=replace(KITCHEN, user_agent=agent))).session
    assert session.client_type is kind


async def test_a_client_may_say_what_it_is(box: Sandbox) -> None:
    await register(box)
    signed_in = await box.revenge.auth.login(
        "ada", PASSWORD, KITCHEN, device_name="Living room", client_type=ClientType.TV
    )
    assert (signed_in.session.client_type, signed_in.session.device_name) == (ClientType.TV, "Living room")


@pytest.mark.asvs("7.2.2", "7.2.4")
async def test_tokens_are_of_full_entropy_and_never_repeat(box: Sandbox) -> None:
    await register(box)
    tokens = [(await sign_in(box)).tokens for _ in range(5)]
    assert len({token.refresh_token.reveal() for token in tokens}) == 5
    assert {len(bytes.fromhex(token.refresh_token.reveal())) for token in tokens} == {32}
    assert len({token.access_token.reveal() for token in tokens}) == 5


async def test_a_session_is_as_long_as_the_rules_for_its_client_say(box: Sandbox) -> None:
    session = (await join(box)).session
    assert session.idle_expires_at - session.created_at == timedelta(days=30)
    assert session.expires_at - session.created_at == timedelta(days=90)
