"""Keys as programs present them: what they are good for at this moment, where they are taken from, what is noted."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters import Sandbox
from revenge_adapters.memory.api_keys import MemoryKeyPrincipalReader
from revenge_adapters.memory.uow import MemoryTx, MemoryUnitOfWork
from revenge_core.accounts.entities import AccountChanges
from revenge_core.activity.entities import Action, Outcome
from revenge_core.actor import Actor, ActorKind, Origin
from revenge_core.apikeys.entities import KeyChanges, KeyPrincipal, KeyScope
from revenge_core.apikeys.errors import KeyAddressRefused, KeyInvalid
from revenge_core.apikeys.policy import new_secret
from revenge_core.apikeys.service import KeyUsage, PresentedKeys
from revenge_core.apikeys.service.presented import PLACES_MAX, REFUSED_MAX, STRANGERS_MAX
from revenge_core.apikeys.service.usage import CAPACITY
from revenge_core.errors import DatabaseUnavailable, Forbidden, KeyScopeLacking
from revenge_core.ids import KeyId
from revenge_core.permissions import Permission
from revenge_core.secrets import Secret
from revenge_core.testing.builders import an_id
from tests.core.keys import ADMIN, READ, WRITE, come, make, works
from tests.core.people import KITCHEN, SOFA, act, admin, entries, join

MINUTE = timedelta(minutes=1)


class CountingReader(MemoryKeyPrincipalReader):
    """Counts who gets as far as the database."""

    asked = 0

    @override
    async def principal(self, digest: bytes) -> KeyPrincipal | None:
        self.asked += 1
        return await super().principal(digest)


def watched(box: Sandbox) -> tuple[PresentedKeys, CountingReader]:
    """Another process on the same tables, and its way to the database."""
    reader, uow = CountingReader(box.tables), MemoryUnitOfWork(box.tables)
    usage = KeyUsage(uow, box.clock)
    return PresentedKeys(uow, reader, usage, box.revenge.rbac, box.revenge.activity, box.clock), reader


# Rights ---------------------------------------------------------------------------------------------------------------


async def test_a_key_acts_as_its_owner_with_no_more_than_its_scope(box: Sandbox) -> None:
    here = await join(box)
    made = await make(box, await act(box, here))
    program = await come(box, made.secret, KITCHEN)
    assert (program.kind, program.user_id, program.session_id) == (ActorKind.API_KEY, here.user.id, None)
    assert (program.roles, program.origin) == (frozenset({"user"}), KITCHEN)
    assert program.permissions < (await act(box, here)).permissions
    program.require(Permission.MOVIES_LIST)
    assert program.require_user() == here.user.id
    with pytest.raises(Forbidden):
        program.require(Permission.REQUESTS_CREATE)
    with pytest.raises(KeyScopeLacking):
        program.require_user(writes=True)


@pytest.mark.asvs("10.3.2")
async def test_defect_a_read_key_of_an_administrator_reads(box: Sandbox) -> None:
    """platform.md 3.4, S1: scopes were never enforced."""
    root = await admin(box)
    reading, writing, ruling = [
        await come(box, (await make(box, root, name, scopes=scopes)).secret)
        for name, scopes in (("r", READ), ("w", WRITE), ("a", ADMIN))
    ]
    assert reading.permissions < writing.permissions < ruling.permissions == root.permissions
    for program in (reading, writing):
        for permission in (Permission.USERS_DELETE, Permission.USERS_LIST, Permission.AUDIT_READ):
            with pytest.raises(Forbidden):
                program.require(permission)


async def test_a_fine_scope_gives_one_permission_without_its_bundle(box: Sandbox) -> None:
    root = await admin(box)
    made = await make(box, root, permissions=frozenset({"libraries:scan"}))
    program = await come(box, made.secret)
    assert program.permissions == {Permission.LIBRARIES_SCAN}
    with pytest.raises(KeyScopeLacking):
        program.require_user()
    own = await make(box, root, "own", permissions=frozenset({"own:read", "own:write"}))
    assert (await come(box, own.secret)).require_user(writes=True) == root.user_id


@pytest.mark.asvs("8.3.2")
async def test_what_an_owner_may_no_more_their_keys_may_no_more(box: Sandbox) -> None:
    root, here = await admin(box), await join(box)
    await box.revenge.administration.change(root, here.user.id, AccountChanges(roles=frozenset({"moderator"})))
    made = await make(box, await act(box, here), scopes=WRITE)
    (await come(box, made.secret)).require(Permission.LIBRARIES_SCAN)
    await box.revenge.administration.change(root, here.user.id, AccountChanges(roles=frozenset({"user"})))
    program = await come(box, made.secret)
    with pytest.raises(Forbidden):
        program.require(Permission.LIBRARIES_SCAN)
    await box.revenge.administration.change(root, here.user.id, AccountChanges(roles=frozenset()))
    assert (await come(box, made.secret)).permissions == frozenset()


async def test_a_key_may_name_what_its_owner_does_not_have_yet(box: Sandbox) -> None:
    root, here = await admin(box), await join(box)
    made = await make(box, await act(box, here), scopes=ADMIN)
    assert (await come(box, made.secret)).permissions == (await act(box, here)).permissions
    await box.revenge.administration.change(root, here.user.id, AccountChanges(roles=frozenset({"admin"})))
    (await come(box, made.secret)).require(Permission.USERS_LIST)


async def test_what_narrows_a_key_comes_along(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    library = frozenset({an_id()})
    made = await make(box, actor, libraries=library, rate_limit=7)
    program = await come(box, made.secret)
    assert program.key is not None
    assert (program.key.id, program.key.libraries, program.key.rate_limit) == (made.key.id, library, 7)
    assert program.key.recorder is None


# Refusals -------------------------------------------------------------------------------------------------------------


async def test_whatever_is_wrong_with_a_key_the_answer_is_one(box: Sandbox) -> None:
    here = await join(box)
    actor, root = await act(box, here), await admin(box)
    revoked, expired = await make(box, actor, "a"), await make(box, actor, "b", expires_at=box.clock.now() + MINUTE)
    eve = await act(box, await join(box, "eve"))
    disabled = await make(box, eve)
    await box.revenge.api_keys.revoke(actor, revoked.key.id)
    await box.revenge.administration.disable(root, eve.require_user())
    box.clock.advance(minutes=1)
    answers: set[tuple[type, str]] = set()
    for secret in (revoked.secret, expired.secret, disabled.secret, new_secret(), Secret("rv_"), Secret("")):
        with pytest.raises(KeyInvalid) as refused:
            await come(box, secret)
        answers.add((type(refused.value), refused.value.detail))
    assert len(answers) == 1


@pytest.mark.asvs("7.4.2")
async def test_defect_20_keys_of_who_is_disabled_or_gone_stop_at_once(box: Sandbox) -> None:
    root = await admin(box)
    for leave in (box.revenge.administration.disable, box.revenge.administration.delete):
        here = await join(box, f"ada-{leave.__name__}")
        made = await make(box, await act(box, here))
        assert await works(box, made.secret) == [True]
        await leave(root, here.user.id)
        assert await works(box, made.secret) == [False]
    zoe = await join(box, "zoe")
    made = await make(box, await act(box, zoe))
    await box.revenge.accounts.delete_me(await act(box, zoe))
    assert await works(box, made.secret) == [False]


async def test_keys_of_who_is_enabled_again_work_again(box: Sandbox) -> None:
    root, here = await admin(box), await join(box)
    made = await make(box, await act(box, here))
    await box.revenge.administration.disable(root, here.user.id)
    await box.revenge.administration.enable(root, here.user.id)
    assert await works(box, made.secret) == [True]


async def test_what_cannot_be_a_key_never_reaches_the_database(box: Sandbox) -> None:
    keys, reader = watched(box)
    for text in (
        "",
        "rv_",
        "rv_" + "A" * 64,
        "rv_" + "0" * 63,
        "rv_" * 1_000_000,
        "\udc80",
        "eyJhbGciOiJFUzI1NiJ9.e30.x",
    ):
        with pytest.raises(KeyInvalid):
            await keys.authenticate(Secret(text), KITCHEN)
    assert reader.asked == 0


async def test_who_repeats_a_key_that_is_nobodys_reaches_the_database_once_in_five_seconds(box: Sandbox) -> None:
    keys, reader = watched(box)
    stranger = new_secret()
    for asked, seconds in ((1, 0), (1, 4), (2, 1), (2, 4)):
        box.clock.advance(seconds=seconds)
        for _ in range(3):
            with pytest.raises(KeyInvalid):
                await keys.authenticate(stranger, KITCHEN)
        assert reader.asked == asked


async def test_no_more_strangers_are_remembered_than_there_are_places(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert STRANGERS_MAX <= 10_000
    monkeypatch.setattr("revenge_core.apikeys.service.presented.STRANGERS_MAX", 3)
    keys, reader = watched(box)
    strangers = [new_secret() for _ in range(4)]
    for stranger in (*strangers, strangers[3], strangers[1], strangers[0]):
        with pytest.raises(KeyInvalid):
            await keys.authenticate(stranger, KITCHEN)
    assert reader.asked == 5
    assert len(keys._strangers) == 3


async def test_defect_a_key_that_expires_or_is_revoked_is_over_for_every_process(box: Sandbox) -> None:
    """platform.md 3.3, S1: a revoked key, and one that expired meanwhile, worked on for five minutes elsewhere."""
    actor = await act(box, await join(box))
    here, _ = watched(box)
    there, _ = watched(box)
    expiring = await make(box, actor, "a", expires_at=box.clock.now() + MINUTE)
    revoked = await make(box, actor, "b")
    for process in (here, there):
        for made in (expiring, revoked):
            await process.authenticate(made.secret, KITCHEN)
    await box.revenge.api_keys.revoke(actor, revoked.key.id)
    box.clock.advance(minutes=1)
    for process in (here, there):
        for made in (expiring, revoked):
            with pytest.raises(KeyInvalid):
                await process.authenticate(made.secret, KITCHEN)


# Addresses ------------------------------------------------------------------------------------------------------------


@pytest.mark.asvs("8.2.4")
async def test_a_bound_key_is_taken_from_its_networks_only(box: Sandbox) -> None:
    made = await make(box, await act(box, await join(box)), addresses=("192.0.2.0/24", "2001:db8::/32"))
    for address in ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"):
        assert (await come(box, made.secret, Origin(address=address))).user_id == made.key.user_id
    for elsewhere in ("198.51.100.7", "::ffff:198.51.100.7", "2001:db9::7", None, "unix:"):
        with pytest.raises(KeyAddressRefused):
            await come(box, made.secret, Origin(address=elsewhere))


async def test_a_refused_address_is_audited_once_a_minute_and_place(box: Sandbox) -> None:
    made = await make(box, await act(box, await join(box)), addresses=("198.51.100.0/24",))

    async def refused_from(*addresses: str | None) -> int:
        for address in addresses:
            with pytest.raises(KeyAddressRefused):
                await come(box, made.secret, Origin(address=address))
        return len(entries(box, Action.APIKEY_REFUSE))

    assert await refused_from("192.0.2.7", "192.0.2.7", "2001:db8::1", "2001:db8::2") == 2
    box.clock.advance(seconds=59)
    assert await refused_from("192.0.2.7", "2001:db8::3", None) == 3
    box.clock.advance(seconds=1)
    assert await refused_from("192.0.2.7", "192.0.2.7") == 4
    entry = entries(box, Action.APIKEY_REFUSE)[0]
    assert (entry.outcome, entry.actor_kind, entry.actor_id) == (
        Outcome.FAILURE,
        ActorKind.API_KEY,
        made.key.user_id,
    )
    assert (entry.resource_id, entry.key_id, entry.address) == (made.key.id, made.key.id, "192.0.2.7")
    assert (await box.revenge.api_keys.get(Actor.host(), made.key.id)).last_used_at is None


async def test_refusals_from_everywhere_do_not_fill_the_log(box: Sandbox) -> None:
    made = await make(box, await act(box, await join(box)), addresses=("198.51.100.0/24",))
    for number in range(3 * PLACES_MAX):
        with pytest.raises(KeyAddressRefused):
            await come(box, made.secret, Origin(address=f"192.0.2.{number}"))
    assert len(entries(box, Action.APIKEY_REFUSE)) == PLACES_MAX


async def test_no_more_refused_keys_are_remembered_than_there_are_places(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REFUSED_MAX <= 10_000
    monkeypatch.setattr("revenge_core.apikeys.service.presented.REFUSED_MAX", 2)
    actor, (keys, _) = await act(box, await join(box)), watched(box)
    a, b, c = [await make(box, actor, name, addresses=("198.51.100.0/24",)) for name in "abc"]
    for made in (a, b, a, c, a, c, b):
        with pytest.raises(KeyAddressRefused):
            await keys.authenticate(made.secret, KITCHEN)
    assert len(keys._told) == 2
    told = [entry.key_id for entry in entries(box, Action.APIKEY_REFUSE)]
    assert told == [a.key.id, b.key.id, c.key.id, b.key.id]  # the one that was refused longest ago made room


async def test_a_dead_key_is_dead_wherever_it_comes_from(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    made = await make(box, actor, addresses=("198.51.100.0/24",))
    await box.revenge.api_keys.revoke(actor, made.key.id)
    with pytest.raises(KeyInvalid):
        await come(box, made.secret, KITCHEN)


# Use ------------------------------------------------------------------------------------------------------------------


async def test_last_use_is_written_at_most_once_a_minute(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    made = await make(box, actor)
    written: list[int] = []
    for seconds, origin in ((0, KITCHEN), (30, SOFA), (29, SOFA), (1, SOFA), (0, KITCHEN)):
        box.clock.advance(seconds=seconds)
        await come(box, made.secret, origin)
        written.append(await box.revenge.api_keys.write_sightings())
    assert written == [1, 0, 0, 1, 0]
    key = await box.revenge.api_keys.get(actor, made.key.id)
    assert (key.last_used_at, key.last_used_address) == (box.clock.now(), SOFA.address)
    assert (key.version, key.updated_at) == (0, made.key.updated_at)


class AwayUnitOfWork(MemoryUnitOfWork):
    """A database that can be away."""

    is_away = False

    @override
    @asynccontextmanager
    async def begin(self, *, durable: bool = True) -> AsyncGenerator[MemoryTx]:
        async with super().begin(durable=durable) as tx:
            yield tx
            if self.is_away:
                raise DatabaseUnavailable


async def test_what_could_not_be_written_is_written_the_next_time(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    made = await make(box, actor)
    uow = AwayUnitOfWork(box.tables)
    usage = KeyUsage(uow, box.clock)
    usage.saw(made.key, "192.0.2.7", box.clock.now())
    usage.used(made.key.id, ["own:read"])
    uow.is_away = True
    with pytest.raises(DatabaseUnavailable):
        await usage.write()
    usage.used(made.key.id, ["own:read"])
    uow.is_away = False
    assert await usage.write() == 2
    assert await usage.write() == 0
    proposal = await box.revenge.api_keys.proposal(actor, made.key.id)
    assert [(use.right, use.uses) for use in proposal.uses] == [("own:read", 2)]
    assert proposal.key.last_used_address == "192.0.2.7"


async def test_recorded_rights_are_bounded(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CAPACITY <= 100_000
    monkeypatch.setattr("revenge_core.apikeys.service.usage.CAPACITY", 2)
    usage = KeyUsage(MemoryUnitOfWork(box.tables), box.clock)
    usage.used(KeyId(an_id()), ["a", "b", "c", "a"])
    assert await usage.write() == 2


# Recording ------------------------------------------------------------------------------------------------------------


async def test_a_recording_key_is_found_out_about(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    made = await make(box, actor, scopes=WRITE, recording=True)
    program = await come(box, made.secret)
    program.require(Permission.MOVIES_LIST)
    box.clock.advance(seconds=1)
    program.require(Permission.MOVIES_LIST)
    program.require_user(writes=True)
    assert not program.may(Permission.USERS_LIST)
    proposal = await box.revenge.api_keys.proposal(actor, made.key.id)
    assert (proposal.scopes, proposal.permissions) == (frozenset(), frozenset({"movies:list", "own:write"}))
    (movies, own) = proposal.uses
    assert (movies.right, movies.uses) == ("movies:list", 2)
    assert movies.last_used_at - movies.first_used_at == timedelta(seconds=1)
    assert (own.right, own.uses) == ("own:write", 1)


async def test_a_proposal_can_be_taken_as_it_is(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    made = await make(box, actor, scopes=frozenset({KeyScope.WRITE}), recording=True)
    (await come(box, made.secret)).require(Permission.MOVIES_LIST)
    proposal = await box.revenge.api_keys.proposal(actor, made.key.id)
    narrowed = KeyChanges(scopes=proposal.scopes, permissions=proposal.permissions, recording=False)
    await box.revenge.api_keys.change(actor, made.key.id, narrowed)
    program = await come(box, made.secret)
    program.require(Permission.MOVIES_LIST)
    assert program.permissions == {Permission.MOVIES_LIST}
    assert (await box.revenge.api_keys.proposal(actor, made.key.id)).permissions == proposal.permissions


async def test_recording_begins_anew_when_it_is_turned_on_again(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    made = await make(box, actor, recording=True)
    keys = box.revenge.api_keys
    (await come(box, made.secret)).require(Permission.MOVIES_LIST)
    await keys.change(actor, made.key.id, KeyChanges(recording=False))
    (await come(box, made.secret)).require(Permission.MOVIES_GET)
    await keys.write_sightings()
    await keys.change(actor, made.key.id, KeyChanges(recording=True))
    (await come(box, made.secret)).require_user()
    assert (await keys.proposal(actor, made.key.id)).permissions == {"own:read"}


async def test_who_is_refused_leaves_nothing_in_the_record(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    made = await make(box, actor, recording=True)
    program = await come(box, made.secret)
    with pytest.raises(Forbidden):
        program.require(Permission.USERS_LIST)
    with pytest.raises(KeyScopeLacking):
        program.require_user(writes=True)
    assert not program.covers(frozenset({Permission.MOVIES_LIST, Permission.USERS_LIST}))
    assert (await box.revenge.api_keys.proposal(actor, made.key.id)).uses == ()


async def test_keys_do_not_narrow_each_other(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    strong, weak = await make(box, actor, "a", scopes=WRITE), await make(box, actor, "b")
    assert (await come(box, weak.secret)).permissions < (await come(box, strong.secret)).permissions
    assert replace(await come(box, weak.secret), origin=KITCHEN) == await come(box, weak.secret, KITCHEN)
