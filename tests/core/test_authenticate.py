import asyncio

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_adapters.memory.activity import MemoryActivityReader
from revenge_adapters.memory.tokens import PlainAccessTokens
from revenge_adapters.memory.uow import MemoryUnitOfWork
from revenge_core.activity.entities import Action
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor, ActorKind
from revenge_core.auth.entities import AuthRules
from revenge_core.auth.errors import AccessTokenInvalid, MasterSecretMismatch
from revenge_core.auth.service import SigningKeys
from revenge_core.errors import Unauthenticated
from revenge_core.feed import SIGNING_KEYS_CHANGED
from revenge_core.ids import SessionId, UserId
from revenge_core.rbac.entities import RoleGrant
from revenge_core.rbac.policy import BUILT_IN_ROLES, compile_index
from revenge_core.secrets import Secret
from revenge_core.sessions.errors import SessionEnded
from revenge_core.testing.builders import NOW, a_grant, an_id
from tests.core.people import KITCHEN, act, entries, join

RULES = AuthRules()


async def test_an_actor_carries_the_rights_of_this_moment(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here, KITCHEN)
    assert (actor.kind, actor.user_id, actor.session_id) == (ActorKind.USER, here.user.id, here.session.id)
    assert actor.origin == KITCHEN
    assert actor.roles == {"user"}
    assert actor.permissions == compile_index(BUILT_IN_ROLES).permissions_of(frozenset({"user"}))


@pytest.mark.asvs("8.3.2")
async def test_a_role_that_is_granted_or_taken_counts_at_once(box: Sandbox) -> None:
    here = await join(box)
    grant: RoleGrant = a_grant(here.user.id, "admin")
    box.rows.grants[here.user.id, "admin", grant.source] = grant
    assert (await act(box, here)).roles == {"user", "admin"}
    box.rows.grants.clear()
    assert (await act(box, here)).permissions == frozenset()


@pytest.mark.parametrize("garbage", ["", "x", "a.b.c", "plain.sandbox.e30=.00", "Bearer x", "\ud800"])
async def test_what_is_no_token_is_refused(box: Sandbox, garbage: str) -> None:
    await join(box)
    with pytest.raises(AccessTokenInvalid):
        await box.revenge.auth.authenticate(garbage)


@pytest.mark.asvs("9.2.1")
async def test_a_token_expires(box: Sandbox) -> None:
    here = await join(box)
    box.clock.advance(minutes=14, seconds=59)
    await act(box, here)
    box.clock.advance(seconds=1)
    with pytest.raises(AccessTokenInvalid):
        await act(box, here)


@pytest.mark.asvs("7.4.2")
@pytest.mark.parametrize("change", [{"is_active": False}, {"deleted_at": NOW}, {"epoch": 1}], ids=str)
async def test_defect_3_a_token_is_only_as_alive_as_its_user(box: Sandbox, change: dict[str, object]) -> None:
    here = await join(box)
    await act(box, here)
    box.rows.users[here.user.id] = replace(here.user, **change)
    with pytest.raises(SessionEnded):
        await act(box, here)


@pytest.mark.asvs("7.2.1")
async def test_a_token_of_a_session_that_never_was_is_refused(box: Sandbox) -> None:
    here = await join(box)
    del box.rows.sessions[here.session.id]
    with pytest.raises(SessionEnded):
        await act(box, here)


@pytest.mark.asvs("10.3.3")
async def test_a_token_whose_session_is_somebody_elses_is_refused(box: Sandbox) -> None:
    here = await join(box)
    box.rows.sessions[here.session.id] = replace(here.session, user_id=(await join(box, "eve")).user.id)
    with pytest.raises(SessionEnded):
        await act(box, here)


class Process:
    """One server process with signing keys of its own memory, on the database of the sandbox."""

    def __init__(self, box: Sandbox, master_secret: Secret | None = None) -> None:
        uow = MemoryUnitOfWork(box.tables)
        activity = Activity(uow, MemoryActivityReader(box.tables), box.clock, box.ids)
        self.tokens = PlainAccessTokens(RULES, master_secret=master_secret)
        self.keys = SigningKeys(uow, self.tokens, activity, box.clock, box.ids, RULES)
        self.box = box

    def issue(self) -> str:
        now = self.box.clock.now()
        return self.tokens.issue(UserId(an_id()), SessionId(an_id()), token_id="1", now=now).reveal()

    async def accepts(self, token: str) -> bool:
        try:
            await self.keys.verify(token, self.box.clock.now())
        except AccessTokenInvalid:
            return False
        return True


@pytest.fixture
def fresh() -> Sandbox:
    """A database without a key, as on the first start."""
    box = sandbox()
    box.rows.signing_keys.clear()
    return box


async def test_the_first_start_makes_a_key_and_later_ones_use_it(fresh: Sandbox) -> None:
    first, second = Process(fresh), Process(fresh)
    await first.keys.load()
    await second.keys.load()
    assert len(fresh.rows.signing_keys) == 1
    assert await second.accepts(first.issue())


async def test_the_service_loads_keys_too(fresh: Sandbox) -> None:
    await fresh.revenge.auth.load_signing_keys()
    assert len(fresh.rows.signing_keys) == 1
    await act(fresh, await join(fresh))


async def test_another_master_secret_is_noticed_at_start(fresh: Sandbox) -> None:
    await Process(fresh).keys.load()
    with pytest.raises(MasterSecretMismatch):
        await Process(fresh, Secret("another one")).keys.load()


@pytest.mark.asvs("11.1.1", "11.2.2")
async def test_a_new_key_signs_and_nobody_is_logged_out(box: Sandbox) -> None:
    here = await join(box)
    await box.revenge.auth.rotate_signing_key(Actor.host())
    await act(box, here)
    refreshed = await box.revenge.auth.refresh(here.tokens.refresh_token)
    await box.revenge.auth.authenticate(refreshed.access_token.reveal())
    assert len(box.rows.signing_keys) == 2
    assert len(entries(box, Action.SIGNING_KEY_ROTATE)) == 1
    assert SIGNING_KEYS_CHANGED in box.changes


async def test_a_retired_key_is_forgotten_when_no_token_of_it_can_live(box: Sandbox) -> None:
    await box.revenge.auth.rotate_signing_key(Actor.system())
    box.clock.advance(minutes=30, seconds=1)
    await box.revenge.auth.rotate_signing_key(Actor.system())
    assert "sandbox" not in box.rows.signing_keys
    assert len(box.rows.signing_keys) == 2


async def test_only_the_server_itself_rotates_keys(box: Sandbox) -> None:
    for actor in (Actor.anonymous(), await act(box, await join(box))):
        with pytest.raises(Unauthenticated):
            await box.revenge.auth.rotate_signing_key(actor)


async def test_a_key_that_another_process_made_is_fetched(fresh: Sandbox) -> None:
    ours, theirs = Process(fresh), Process(fresh)
    await ours.keys.load()
    await theirs.keys.load()
    fresh.clock.advance(seconds=2)
    await theirs.keys.rotate(Actor.host())
    assert await ours.accepts(theirs.issue())


async def test_of_many_who_come_with_a_new_key_at_once_none_is_refused(fresh: Sandbox) -> None:
    ours, theirs = Process(fresh), Process(fresh)
    await ours.keys.load()
    await theirs.keys.load()
    fresh.clock.advance(seconds=2)
    await theirs.keys.rotate(Actor.host())
    assert await asyncio.gather(*(ours.accepts(theirs.issue()) for _ in range(20))) == [True] * 20


async def test_keys_that_strangers_name_are_looked_for_at_most_once_a_second(fresh: Sandbox) -> None:
    ours, theirs = Process(fresh), Process(fresh)
    await ours.keys.load()
    await theirs.keys.load()
    fresh.clock.advance(seconds=2)
    assert not await ours.accepts("plain.no-such-key.e30=.00")  # looks, and finds nothing
    await theirs.keys.rotate(Actor.host())
    token = theirs.issue()
    assert not await ours.accepts(token)
    fresh.clock.advance(seconds=1)
    assert await ours.accepts(token)


async def test_what_names_no_key_makes_nobody_look(fresh: Sandbox) -> None:
    ours, theirs = Process(fresh), Process(fresh)
    await ours.keys.load()
    await theirs.keys.load()
    fresh.clock.advance(seconds=2)
    await theirs.keys.rotate(Actor.host())
    assert not await ours.accepts("garbage")
    assert await ours.accepts(theirs.issue())
