import asyncio
import time

import pytest

from revenge_adapters import Sandbox
from revenge_core.accounts.errors import AccountInvalid
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import ActorKind
from revenge_core.auth.errors import HasherBusy
from revenge_core.rbac.entities import GrantSource
from revenge_core.secrets import Secret
from revenge_core.users.entities import Listed, NewUser
from revenge_core.users.errors import EmailTaken, UsernameTaken
from tests.core.people import KITCHEN, PASSWORD, entries, new_user, register


async def test_an_account_is_made_as_it_was_asked_for(box: Sandbox) -> None:
    new = NewUser(username="Ada", email="Ada@Example.org", display_name="Ada L.")
    user = (await box.revenge.accounts.register(new, PASSWORD)).user
    assert (user.username, user.email, user.display_name) == ("Ada", "Ada@Example.org", "Ada L.")
    assert (user.username_key, user.email_key) == ("ada", "ada@example.org")
    assert user.created_at == user.updated_at == box.clock.now()
    assert (user.is_active, user.email_verified, user.epoch, user.last_login_at) == (True, False, 0, None)
    assert box.rows.users == {user.id: user}


async def test_an_empty_display_name_is_none(box: Sandbox) -> None:
    new = NewUser(username="ada", email="a@b.c", display_name="")
    user = (await box.revenge.accounts.register(new, PASSWORD)).user
    assert user.display_name is None


async def test_defect_10_a_new_account_holds_the_role_of_a_member(box: Sandbox) -> None:
    user = await register(box)
    (grant,) = box.rows.grants.values()
    assert (grant.user_id, grant.role, grant.source) == (user.id, "user", GrantSource.REGISTRATION)


async def test_defect_26_the_password_is_kept_as_a_hash_apart_from_the_account(box: Sandbox) -> None:
    user = await register(box)
    assert PASSWORD.reveal() not in repr(box.rows)
    assert PASSWORD.reveal() not in box.rows.credentials[user.id].password_hash.reveal()


async def test_a_registration_is_audited_with_where_it_came_from(box: Sandbox) -> None:
    user = (await box.revenge.accounts.register(new_user(), PASSWORD, KITCHEN)).user
    (entry,) = entries(box, Action.USER_REGISTER)
    assert (entry.actor_kind, entry.actor_id) == (ActorKind.ANONYMOUS, None)
    assert (entry.resource_type, entry.resource_id, entry.resource_key) == ("user", user.id, "ada")
    assert entry.changes == {"username": FieldChange(after="ada"), "email": FieldChange(after="ada@example.org")}
    assert (entry.address, entry.user_agent, entry.request_id) == (
        KITCHEN.address,
        KITCHEN.user_agent,
        KITCHEN.request_id,
    )


async def test_defect_39_names_and_addresses_differ_by_more_than_letter_case(box: Sandbox) -> None:
    await register(box, "ada")
    with pytest.raises(UsernameTaken):
        await box.revenge.accounts.register(NewUser(username="ADA", email="new@example.org"), PASSWORD)
    with pytest.raises(EmailTaken):
        await box.revenge.accounts.register(NewUser(username="new", email="ADA@EXAMPLE.ORG"), PASSWORD)


async def test_a_refused_registration_leaves_nothing_behind(box: Sandbox) -> None:
    await register(box)
    before = box.rows
    with pytest.raises(EmailTaken):
        await box.revenge.accounts.register(NewUser(username="new", email="ada@example.org"), PASSWORD)
    assert box.rows == before


async def test_every_problem_is_named_at_once(box: Sandbox) -> None:
    with pytest.raises(AccountInvalid) as refused:
        await box.revenge.accounts.register(NewUser(username="a!", email="nowhere", display_name="\n"), Secret("short"))
    named = [problem.pointer for problem in refused.value.problems]
    assert named == ["/username", "/username", "/email", "/display_name", "/password"]
    assert box.rows.users == {}


@pytest.mark.parametrize("username", ["abc", "a" * 30, "A-b_9", "---"])
async def test_a_good_user_name_is_taken_as_it_is(box: Sandbox, username: str) -> None:
    assert (await register(box, username)).username == username


@pytest.mark.parametrize("username", ["", "ab", "a" * 31, "a b", "ada\n", "ädä", "ada@home", "a.b.c", "\ud800aaa"])
async def test_a_user_name_that_breaks_a_rule_is_refused(box: Sandbox, username: str) -> None:
    with pytest.raises(AccountInvalid) as refused:
        await box.revenge.accounts.register(NewUser(username=username, email="ada@example.org"), PASSWORD)
    assert {problem.pointer for problem in refused.value.problems} == {"/username"}


@pytest.mark.parametrize(
    "email",
    ["", "ada", "@", "ada@", "@example.org", "a@b@c", "a b@c.d", "ada@exam\tple.org", "a\x00@b.c", "a" * 251 + "@b.c"],
)
async def test_an_address_that_is_none_is_refused(box: Sandbox, email: str) -> None:
    with pytest.raises(AccountInvalid) as refused:
        await box.revenge.accounts.register(NewUser(username="ada", email=email), PASSWORD)
    assert {problem.pointer for problem in refused.value.problems} == {"/email"}


async def test_a_field_that_is_much_too_long_is_refused_without_looking_at_all_of_it(box: Sandbox) -> None:
    long = NewUser(username="a" * 50_000_000, email="a" * 50_000_000 + "@b.c", display_name="a" * 50_000_000)
    started = time.process_time()
    with pytest.raises(AccountInvalid) as refused:
        await box.revenge.accounts.register(long, PASSWORD)
    assert time.process_time() - started < 5  # character by character it takes a quarter of a minute
    assert [problem.pointer for problem in refused.value.problems] == ["/username", "/email", "/display_name"]


@pytest.mark.parametrize("display_name", ["x" * 101, "a\x00b", "a\nb", "\ud800"])
async def test_a_display_name_that_breaks_a_rule_is_refused(box: Sandbox, display_name: str) -> None:
    with pytest.raises(AccountInvalid) as refused:
        await box.revenge.accounts.register(
            NewUser(username="ada", email="ada@example.org", display_name=display_name), PASSWORD
        )
    assert {problem.pointer for problem in refused.value.problems} == {"/display_name"}


async def test_of_many_who_want_a_name_at_once_one_gets_it(box: Sandbox) -> None:
    outcomes = await asyncio.gather(
        *(
            box.revenge.accounts.register(NewUser(username="ada", email=f"{number}@example.org"), PASSWORD)
            for number in range(20)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Listed) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, UsernameTaken) for outcome in outcomes) == 19
    assert len(box.rows.users) == len(box.rows.credentials) == len(box.rows.grants) == 1


async def test_defect_24_too_many_at_once_are_told_so_and_when_to_come_back(box: Sandbox) -> None:
    box.hasher.busy = True
    with pytest.raises(HasherBusy) as refused:
        await register(box)
    assert refused.value.retry_after == 1
    assert box.rows.users == {}
