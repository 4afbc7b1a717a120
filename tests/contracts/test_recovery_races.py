"""Fifty on two servers use one link: one does, and what it was for happens once (identity.md, 13)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from revenge_adapters.postgres.db import Transaction
from revenge_adapters.postgres.exchange import Statement
from revenge_core.actor import Actor, ActorKind
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.users.entities import NewUser, User, UserChanges
from revenge_core.users.errors import EmailChangeTooSoon, EmailTaken, TokenInvalid
from revenge_core.users.service import addresses
from tests.contracts.test_races import PASSWORD, RACERS, race

Servers = tuple[Revenge, Revenge]
Ask = Callable[[str], Awaitable[Any]]


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> list[Secret]:
    """The tokens of links to addresses, oldest first: nobody reads the mail here."""
    made: list[Secret] = []

    def new_token() -> Secret:
        made.append(Secret(f"link {len(made)}"))
        return made[-1]

    monkeypatch.setattr("revenge_core.users.service.addresses.new_token", new_token)
    return made


async def somebody(server: Revenge, name: str = "anna") -> User:
    return (await server.accounts.register(NewUser(username=name, email=f"{name}@example.org"), PASSWORD)).user


def signed_in(user: User, server: Revenge) -> Actor:
    until = server.addresses._clock.now() + timedelta(hours=1)
    rights = frozenset({Permission.PROFILE_UPDATE})
    return Actor(kind=ActorKind.USER, user_id=user.id, permissions=rights, proven_until=until)


def reset_token(link: Secret) -> Secret:
    return Secret(link.reveal().partition("#token=")[2])


@pytest.mark.asvs("6.4.1")
async def test_defect_13_a_link_sets_one_password(servers: Servers, ask: Ask) -> None:
    user = await somebody(servers[0])
    await servers[0].auth.login("anna", PASSWORD)
    token = reset_token((await servers[0].recovery.reset_link(Actor.host(), user.id)).link)

    async def reset(server: Revenge, number: int) -> bool:
        await server.recovery.reset(token, Secret(f"a quiet evening, number {number}"))
        return True

    assert await race(servers, reset) == {True: 1, TokenInvalid: RACERS - 1}
    assert await ask("SELECT epoch FROM revenge.users") == 1
    assert await ask("SELECT count(*) FROM revenge.one_time_tokens") == 0
    assert await ask("SELECT count(*) FROM revenge.sessions WHERE ended_at IS NULL") == 0
    resets = "SELECT count(*) FROM revenge.activity WHERE action = 'user.password_reset' AND outcome = '{}'"
    assert await ask(resets.format("success")) == 1
    assert await ask(resets.format("failure")) == RACERS - 1


async def test_defect_13_a_link_verifies_an_address_once(servers: Servers, ask: Ask, links: list[Secret]) -> None:
    await somebody(servers[0])  # who is mailed the link at once
    (token,) = links

    async def verify(server: Revenge, _: int) -> UserId:
        return (await server.addresses.verify(token)).id

    outcomes = await race(servers, verify)
    assert sorted(outcomes.values()) == [1, RACERS - 1]
    assert outcomes[TokenInvalid] == RACERS - 1
    assert await ask("SELECT email_verified FROM revenge.users")
    assert await ask("SELECT version FROM revenge.users") == 1


async def test_defect_13_a_link_changes_an_address_once(servers: Servers, ask: Ask, links: list[Secret]) -> None:
    user = await somebody(servers[0])
    actor = signed_in(user, servers[0])
    await servers[0].users.update_me(actor, UserChanges(email="anna@example.net"))
    token, before = links[-1], await ask("SELECT count(*) FROM revenge.jobs")

    async def verify(server: Revenge, _: int) -> str:
        return (await server.addresses.verify(token)).email

    assert await race(servers, verify) == {"anna@example.net": 1, TokenInvalid: RACERS - 1}
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'user.email_change'") == 1
    assert await ask("SELECT count(*) FROM revenge.jobs") == before + 2, "both addresses are told, once each"


async def test_of_many_who_verify_the_same_address_one_gets_it_and_nobody_waits_for_it_any_more(
    servers: Servers, ask: Ask, links: list[Secret]
) -> None:
    tokens: list[Secret] = []
    for number in range(RACERS):
        actor = signed_in(await somebody(servers[0], f"anna-{number}"), servers[0])
        await servers[0].users.update_me(actor, UserChanges(email="anna@example.net"))
        tokens.append(links[-1])

    async def verify(server: Revenge, number: int) -> str:
        return (await server.addresses.verify(tokens[number])).email

    assert await race(servers, verify) == {"anna@example.net": 1, EmailTaken: RACERS - 1}
    assert await ask("SELECT count(*) FROM revenge.users WHERE pending_email IS NOT NULL") == 0
    assert await ask("SELECT count(*) FROM revenge.one_time_tokens WHERE purpose = 'email_change'") == 0


async def test_links_and_new_questions_at_once_leave_one_link_and_no_deadlock(
    servers: Servers, ask: Ask, links: list[Secret], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "RESEND_PAUSE", timedelta(0))
    actor = signed_in(await somebody(servers[0]), servers[0])

    async def either(server: Revenge, number: int) -> bool:
        if number % 2:
            await server.addresses.verify(links[-1])
        else:
            await server.users.update_me(actor, UserChanges(email=f"anna-{number}@example.net"))
        return True

    outcomes = await race(servers, either)
    assert outcomes.keys() <= {True, TokenInvalid}
    assert outcomes[True] >= RACERS // 2
    assert await ask("SELECT count(*) FROM revenge.one_time_tokens WHERE purpose = 'email_change'") <= 1


async def test_of_many_who_ask_for_other_addresses_at_once_one_is_mailed(servers: Servers, ask: Ask) -> None:
    actor = signed_in(await somebody(servers[0]), servers[0])

    async def change(server: Revenge, number: int) -> bool:
        await server.users.update_me(actor, UserChanges(email=f"anna-{number}@example.net"))
        return True

    assert await race(servers, change) == {True: 1, EmailChangeTooSoon: RACERS - 1}


@pytest.mark.asvs("6.3.8")
async def test_defect_12_a_forgotten_password_runs_the_same_statements_for_known_and_unknown_addresses(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    real = Transaction._send

    async def noted(self: Transaction, *statements: Statement) -> Any:  # noqa: ANN401 -- whatever the statements give
        ran.extend(query.name for query, _ in (*self._waiting, *statements))
        return await real(self, *statements)

    monkeypatch.setattr(Transaction, "_send", noted)
    await somebody(servers[0])
    runs: list[list[str]] = []
    for email in ("anna@example.org", "nobody@example.org"):
        ran.clear()
        await servers[0].recovery.forgot(email)
        runs.append(ran.copy())
    assert runs[0] == runs[1]
    assert len(runs[0]) >= 2
