import asyncio

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.accounts.errors import AccountInvalid
from revenge_core.accounts.jobs import Purge
from revenge_core.activity.entities import Action
from revenge_core.actor import Actor
from revenge_core.errors import Unauthenticated
from revenge_core.permissions import ALL_PERMISSIONS
from revenge_core.rbac.entities import GrantSource
from revenge_core.secrets import Secret, digest, new_token
from revenge_core.testing.attempt import Attempt
from revenge_core.users.entities import User
from revenge_core.users.errors import TokenInvalid, UsernameTaken
from tests.core.people import KITCHEN, PASSWORD, act, entries, join, last_entry, new_user, register, sign_in


async def issue(box: Sandbox) -> Secret:
    token = await box.revenge.accounts.issue_bootstrap_token()
    assert token is not None
    return token


async def test_defect_10_the_first_admin_is_made_with_the_printed_token(box: Sandbox) -> None:
    user = await box.revenge.accounts.bootstrap(await issue(box), new_user("root"), PASSWORD, KITCHEN)
    (grant,) = box.rows.grants.values()
    assert (grant.user_id, grant.role, grant.source) == (user.id, "admin", GrantSource.BOOTSTRAP)
    actor = await act(box, await sign_in(box, "root"))
    assert actor.permissions == ALL_PERMISSIONS


async def test_the_bootstrap_is_audited(box: Sandbox) -> None:
    user = await box.revenge.accounts.bootstrap(await issue(box), new_user("root"), PASSWORD, KITCHEN)
    (entry,) = entries(box, Action.USER_BOOTSTRAP)
    assert (entry.resource_id, entry.address) == (user.id, KITCHEN.address)
    assert len(entries(box, Action.BOOTSTRAP_TOKEN_ISSUE)) == 1


async def test_only_a_digest_of_the_token_is_kept(box: Sandbox) -> None:
    token = await issue(box)
    assert set(box.rows.bootstrap_tokens) == {digest(token)}
    assert token.reveal() not in repr(box.rows)


async def test_the_token_works_once(box: Sandbox) -> None:
    token = await issue(box)
    await box.revenge.accounts.bootstrap(token, new_user("root"), PASSWORD)
    with pytest.raises(TokenInvalid):
        await box.revenge.accounts.bootstrap(token, new_user("toor"), PASSWORD)


@pytest.mark.parametrize("guess", [Secret(""), Secret("0" * 64), Secret("\ud800"), new_token()])
async def test_a_guessed_token_does_not_work(box: Sandbox, guess: Secret) -> None:
    await issue(box)
    with pytest.raises(TokenInvalid):
        await box.revenge.accounts.bootstrap(guess, new_user("root"), PASSWORD)


async def test_a_token_that_is_too_old_is_forgotten(box: Sandbox) -> None:
    await issue(box)
    for hours, left in ((23, 1), (1, 0)):
        box.clock.advance(hours=hours)
        attempt = Attempt()
        await box.revenge.accounts.purge(Purge(), attempt)
        assert attempt.is_completed
        assert len(box.rows.bootstrap_tokens) == left


async def test_the_token_is_good_for_a_day(box: Sandbox) -> None:
    token = await issue(box)
    box.clock.advance(hours=23, minutes=59, seconds=59)
    with pytest.raises(AccountInvalid):  # the token passes, the password does not
        await box.revenge.accounts.bootstrap(token, new_user("root"), Secret("short"))
    box.clock.advance(seconds=1)
    with pytest.raises(TokenInvalid):
        await box.revenge.accounts.bootstrap(token, new_user("root"), PASSWORD)


async def test_a_token_that_grows_too_old_while_the_password_is_hashed_does_not_work(box: Sandbox) -> None:
    token = await issue(box)
    box.clock.advance(hours=23, minutes=59, seconds=59)
    bootstrapping = asyncio.create_task(box.revenge.accounts.bootstrap(token, new_user("root"), PASSWORD))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    box.clock.advance(seconds=1)
    with pytest.raises(TokenInvalid):
        await bootstrapping
    assert box.rows.users == {}


async def test_a_new_token_voids_the_old_one(box: Sandbox) -> None:
    old, new = await issue(box), await issue(box)
    with pytest.raises(TokenInvalid):
        await box.revenge.accounts.bootstrap(old, new_user("root"), PASSWORD)
    await box.revenge.accounts.bootstrap(new, new_user("root"), PASSWORD)


async def test_a_bad_request_does_not_cost_the_token(box: Sandbox) -> None:
    await register(box, "ada")
    token = await issue(box)
    with pytest.raises(AccountInvalid):
        await box.revenge.accounts.bootstrap(token, new_user("root"), Secret("short"))
    with pytest.raises(UsernameTaken):
        await box.revenge.accounts.bootstrap(token, new_user("ada"), PASSWORD)
    await box.revenge.accounts.bootstrap(token, new_user("root"), PASSWORD)


@pytest.mark.asvs("6.5.1")
async def test_of_many_who_use_the_token_at_once_one_becomes_admin(box: Sandbox) -> None:
    token = await issue(box)
    outcomes = await asyncio.gather(
        *(box.revenge.accounts.bootstrap(token, new_user(f"root-{number}"), PASSWORD) for number in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, TokenInvalid) for outcome in outcomes) == 19
    assert len(box.rows.users) == len(box.rows.grants) == 1


async def test_a_server_with_an_admin_gives_out_no_token(box: Sandbox) -> None:
    await box.revenge.accounts.create_admin(Actor.host(), new_user("root"), PASSWORD)
    assert await box.revenge.accounts.issue_bootstrap_token() is None
    assert entries(box, Action.BOOTSTRAP_TOKEN_ISSUE) == []


async def test_a_token_that_was_given_out_beside_the_first_admin_makes_no_second_one(box: Sandbox) -> None:
    token = await issue(box)
    printed = dict(box.rows.bootstrap_tokens)
    await box.revenge.accounts.create_admin(Actor.host(), new_user("root"), PASSWORD)
    box.rows.bootstrap_tokens.update(printed)  # as by another server, which looked for an admin a moment earlier
    with pytest.raises(TokenInvalid):
        await box.revenge.accounts.bootstrap(token, new_user("toor"), PASSWORD)
    assert [user.username for user in box.rows.users.values()] == ["root"]
    assert box.rows.bootstrap_tokens == {}
    assert (last_entry(box).action, last_entry(box).outcome) == (Action.USER_BOOTSTRAP, "failure")


async def test_a_server_whose_only_admin_is_disabled_gives_out_a_token_again(box: Sandbox) -> None:
    root = await box.revenge.accounts.create_admin(Actor.host(), new_user("root"), PASSWORD)
    box.rows.users[root.id] = replace(root, is_active=False)
    assert await box.revenge.accounts.issue_bootstrap_token() is not None


@pytest.mark.asvs("6.3.2")
async def test_a_fresh_server_has_no_account(box: Sandbox) -> None:
    assert (box.rows.users, box.rows.credentials) == ({}, {})


async def test_the_shell_of_the_server_makes_admins_and_voids_the_token(box: Sandbox) -> None:
    token = await issue(box)
    root = await box.revenge.accounts.create_admin(Actor.host(KITCHEN), new_user("root"), PASSWORD)
    (grant,) = box.rows.grants.values()
    assert (grant.user_id, grant.role, grant.source) == (root.id, "admin", GrantSource.MANUAL)
    entry = last_entry(box)
    assert (entry.action, entry.actor_kind, entry.resource_id) == (Action.USER_CREATE, "host", root.id)
    with pytest.raises(TokenInvalid):
        await box.revenge.accounts.bootstrap(token, new_user("toor"), PASSWORD)


async def test_nobody_else_makes_admins_that_way(box: Sandbox) -> None:
    root = await act(box, await join(box, "root"))
    for actor in (Actor.anonymous(), root):
        with pytest.raises(Unauthenticated):
            await box.revenge.accounts.create_admin(actor, new_user("evil"), PASSWORD)


async def test_the_shell_keeps_the_rules_for_passwords(box: Sandbox) -> None:
    with pytest.raises(AccountInvalid):
        await box.revenge.accounts.create_admin(Actor.host(), new_user("root"), Secret("password"))
