"""Many tasks on two servers want the same thing: one gets it, whoever it is, and nothing is left half done."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, Final, TypeVar

from revenge_adapters.postgres.db import Database
from revenge_core.actor import Origin
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import SessionRules, Sighting
from revenge_core.sessions.errors import RefreshTokenInvalid
from revenge_core.users.entities import NewUser
from revenge_core.users.errors import EmailTaken, TokenInvalid, UsernameTaken
from tests.contracts.postgres_world import postgres_uow

T = TypeVar("T")

RACERS: Final = 50
PASSWORD: Final = Secret("correct horse battery staple")


async def race(
    servers: tuple[Revenge, Revenge], attempt: Callable[[Revenge, int], Coroutine[Any, Any, T]]
) -> Counter[object]:
    """What came of attempts that all begin at once: how often each answer, and each kind of error."""
    start = asyncio.Event()

    async def run(number: int) -> object:
        await start.wait()
        try:
            return await attempt(servers[number % 2], number)
        except Exception as error:  # noqa: BLE001 -- counted, and judged by the test
            return type(error)

    tasks = [asyncio.create_task(run(number)) for number in range(RACERS)]
    start.set()
    return Counter(await asyncio.gather(*tasks))


async def test_all_who_bring_a_refresh_token_at_once_get_the_same_child(
    servers: tuple[Revenge, Revenge], ask: Callable[[str], Awaitable[Any]]
) -> None:
    await servers[0].accounts.register(NewUser(username="anna", email="anna@example.org"), PASSWORD)
    token = (await servers[0].auth.login("anna", PASSWORD)).tokens.refresh_token

    async def refresh(server: Revenge, _: int) -> str:
        return (await server.auth.refresh(token)).refresh_token.reveal()

    outcomes = await race(servers, refresh)
    assert list(outcomes.values()) == [RACERS], outcomes
    assert isinstance(next(iter(outcomes)), str)
    assert await ask("SELECT count(*) FROM revenge.refresh_tokens") == 2
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'session.refresh'") == RACERS
    assert await ask("SELECT count(*) FROM revenge.sessions WHERE ended_at IS NULL") == 1


async def test_of_those_who_bring_parent_and_child_at_once_the_child_lives_or_the_session_ends(
    servers: tuple[Revenge, Revenge], ask: Callable[[str], Awaitable[Any]]
) -> None:
    await servers[0].accounts.register(NewUser(username="anna", email="anna@example.org"), PASSWORD)
    parent = (await servers[0].auth.login("anna", PASSWORD)).tokens.refresh_token
    child = (await servers[0].auth.refresh(parent)).refresh_token
    other = (await servers[0].auth.login("anna", PASSWORD)).tokens.refresh_token

    async def refresh(server: Revenge, number: int) -> str:
        return (await server.auth.refresh(parent if number % 4 < 2 else child)).refresh_token.reveal()

    outcomes = await race(servers, refresh)
    grandchildren = {answer for answer in outcomes if isinstance(answer, str)} - {child.reveal()}
    assert len(grandchildren) <= 1
    assert outcomes.keys() - grandchildren - {child.reveal()} <= {RefreshTokenInvalid}
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'session.reuse_detected'") == 1
    await servers[1].auth.refresh(other)  # the theft ended that session and no other


async def test_a_bootstrap_token_makes_one_admin(
    servers: tuple[Revenge, Revenge], ask: Callable[[str], Awaitable[Any]]
) -> None:
    token = await servers[0].accounts.issue_bootstrap_token()
    assert token is not None

    async def bootstrap(server: Revenge, number: int) -> bool:
        await server.accounts.bootstrap(
            token, NewUser(username=f"admin-{number}", email=f"{number}@example.org"), PASSWORD
        )
        return True

    assert await race(servers, bootstrap) == {True: 1, TokenInvalid: RACERS - 1}
    assert await ask("SELECT count(*) FROM revenge.users") == 1
    assert await ask("SELECT count(*) FROM revenge.user_roles WHERE role = 'admin'") == 1
    assert (
        await ask("SELECT count(*) FROM revenge.activity WHERE action = 'user.bootstrap' AND outcome = 'success'") == 1
    )
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'user.bootstrap'") == RACERS


async def test_servers_that_start_at_once_leave_one_bootstrap_token_that_works(
    servers: tuple[Revenge, Revenge],
) -> None:
    async def issue(server: Revenge, _: int) -> str:
        token = await server.accounts.issue_bootstrap_token()
        assert token is not None
        return token.reveal()

    issued = await race(servers, issue)
    assert len(issued) == RACERS

    async def works(token: str) -> bool:
        try:
            await servers[0].accounts.bootstrap(
                Secret(token), NewUser(username="admin", email="admin@example.org"), PASSWORD
            )
        except TokenInvalid:
            return False
        return True

    assert sum([await works(str(token)) for token in issued]) == 1


async def test_a_user_name_in_any_letters_goes_to_one(
    servers: tuple[Revenge, Revenge], ask: Callable[[str], Awaitable[Any]]
) -> None:
    async def register(server: Revenge, number: int) -> bool:
        username = "".join(letter.upper() if number >> place & 1 else letter for place, letter in enumerate("annabel"))
        await server.accounts.register(NewUser(username=username, email=f"{number}@example.org"), PASSWORD)
        return True

    assert await race(servers, register) == {True: 1, UsernameTaken: RACERS - 1}
    assert await ask("SELECT count(*) FROM revenge.users") == 1
    assert await ask("SELECT count(*) FROM revenge.credentials") == 1
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'user.register'") == 1


async def test_an_address_goes_to_one(servers: tuple[Revenge, Revenge]) -> None:
    async def register(server: Revenge, number: int) -> bool:
        await server.accounts.register(NewUser(username=f"anna-{number}", email="Anna@example.org"), PASSWORD)
        return True

    assert await race(servers, register) == {True: 1, EmailTaken: RACERS - 1}


async def test_the_limit_of_sessions_holds(
    servers: tuple[Revenge, Revenge], ask: Callable[[str], Awaitable[Any]]
) -> None:
    await servers[0].accounts.register(NewUser(username="anna", email="anna@example.org"), PASSWORD)

    async def login(server: Revenge, number: int) -> bool:
        await server.auth.login("anna", PASSWORD, Origin(address=f"192.0.2.{number}"))
        return True

    assert await race(servers, login) == {True: RACERS}
    limit = SessionRules().max_per_user
    assert await ask("SELECT count(*) FROM revenge.sessions WHERE ended_at IS NULL") == limit
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'session.evict'") == RACERS - limit
    assert await ask("SELECT count(*) FROM revenge.session_devices") == 1


async def test_servers_that_start_at_once_share_one_signing_key(
    servers: tuple[Revenge, Revenge], ask: Callable[[str], Awaitable[Any]]
) -> None:
    async def load(server: Revenge, _: int) -> bool:
        await server.auth.load_signing_keys()
        return True

    assert await race(servers, load) == {True: RACERS}
    assert await ask("SELECT count(*) FROM revenge.signing_keys") == 1
    assert await ask("SELECT count(*) FROM revenge.activity WHERE action = 'signing_key.create'") == 1


async def test_sessions_that_log_each_other_out_at_once_do_not_wait_for_each_other(
    servers: tuple[Revenge, Revenge],
) -> None:
    await servers[0].accounts.register(NewUser(username="anna", email="anna@example.org"), PASSWORD)
    first, second = [await servers[0].auth.login("anna", PASSWORD) for _ in range(2)]
    actors = [await servers[0].auth.authenticate(each.tokens.access_token.reveal()) for each in (first, second)]
    tokens = [second.tokens.refresh_token, first.tokens.refresh_token]

    async def logout(server: Revenge, number: int) -> bool:
        await server.auth.logout(actors[number % 2], tokens[number % 2])
        return True

    assert await race(servers, logout) == {True: RACERS}


async def test_changing_a_password_and_noting_activity_never_wait_for_each_other(
    servers: tuple[Revenge, Revenge], database: Database
) -> None:
    uow = postgres_uow(database)
    await servers[0].accounts.register(NewUser(username="anna", email="anna@example.org"), PASSWORD)
    for turn in range(5):
        old, new = (Secret(f"battery staple number {number}") if number else PASSWORD for number in (turn, turn + 1))
        signed_in = [await servers[0].auth.login("anna", old) for _ in range(8)]
        actor = await servers[0].auth.authenticate(signed_in[-1].tokens.access_token.reveal())
        at = signed_in[-1].session.created_at + timedelta(minutes=2)
        sightings = [Sighting(session_id=each.session.id, at=at, address=None) for each in signed_in]

        async def one_of_them(server: Revenge, number: int) -> bool:
            if number == RACERS // 2:
                await server.auth.change_password(actor, old, new)  # noqa: B023 -- raced within this round
            else:
                async with uow.begin() as tx:
                    await tx.sessions.mark_seen(sightings)  # noqa: B023 -- as above
            return True

        assert await race(servers, one_of_them) == {True: RACERS}
