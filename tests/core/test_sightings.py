"""Activity of sessions, and the devices that they run on (decisions I6)."""

import contextlib
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters import Sandbox
from revenge_adapters.memory.activity import MemoryActivityReader
from revenge_adapters.memory.sessions import MemorySessionReader
from revenge_adapters.memory.uow import MemoryTx, MemoryUnitOfWork
from revenge_core.activity.entities import Action
from revenge_core.activity.service import Activity
from revenge_core.actor import Origin
from revenge_core.errors import DatabaseUnavailable
from revenge_core.sessions.entities import ClientType, SessionRules
from revenge_core.sessions.service import Sessions
from tests.core.people import KITCHEN, PASSWORD, SOFA, act, entries, join, register, sign_in

MINUTE = timedelta(minutes=1)


async def test_defect_30_last_activity_moves_with_use(box: Sandbox) -> None:
    here = await join(box)
    box.clock.advance(minutes=5)
    await act(box, here, SOFA)
    assert await box.revenge.sessions.write_sightings() == 1
    session = box.rows.sessions[here.session.id]
    assert session.last_activity_at == here.session.created_at + 5 * MINUTE
    assert session.idle_expires_at == here.session.idle_expires_at + 5 * MINUTE
    assert session.expires_at == here.session.expires_at
    assert session.address == SOFA.address


async def test_activity_is_written_at_most_once_a_minute(box: Sandbox) -> None:
    here = await join(box)
    written: list[int] = []
    for _ in range(5):
        box.clock.advance(seconds=30)
        await act(box, here)
        written.append(await box.revenge.sessions.write_sightings())
    assert written == [0, 1, 0, 1, 0]


async def test_within_the_minute_nothing_is_written_even_though_nothing_was_yet(box: Sandbox) -> None:
    here = await join(box)
    box.clock.advance(seconds=60)
    for _ in range(3):
        await act(box, here)
        box.clock.advance(seconds=10)
    assert await box.revenge.sessions.write_sightings() == 1
    assert box.rows.sessions[here.session.id].last_activity_at == here.session.created_at + MINUTE


async def test_an_unknown_address_keeps_the_known_one(box: Sandbox) -> None:
    await register(box)
    here = await sign_in(box, origin=KITCHEN)
    box.clock.advance(minutes=5)
    await act(box, here)
    await box.revenge.sessions.write_sightings()
    assert box.rows.sessions[here.session.id].address == KITCHEN.address


async def test_who_comes_back_in_time_again_and_again_stays_signed_in(box: Sandbox) -> None:
    here = await join(box)
    token = here.tokens.refresh_token
    for _ in range(3):
        box.clock.advance(days=29)
        pair = await box.revenge.auth.refresh(token)
        token = pair.refresh_token
        box.clock.advance(minutes=10)
        await box.revenge.auth.authenticate(pair.access_token.reveal())
        await box.revenge.sessions.write_sightings()
    session = box.rows.sessions[here.session.id]
    assert session.last_activity_at == box.clock.now()
    assert session.idle_expires_at == session.expires_at


async def test_a_session_that_ended_meanwhile_stays_as_it_is(box: Sandbox) -> None:
    here = await join(box)
    box.clock.advance(minutes=5)
    actor = await act(box, here)
    await box.revenge.auth.logout(actor)
    over = box.rows.sessions[here.session.id]
    await box.revenge.sessions.write_sightings()
    assert box.rows.sessions[here.session.id] == over


class Unreliable(MemoryUnitOfWork):
    """A database that can be away."""

    away = False

    @override
    @contextlib.asynccontextmanager
    async def begin(self, *, durable: bool = True) -> AsyncGenerator[MemoryTx]:
        if self.away:
            raise DatabaseUnavailable
        async with super().begin(durable=durable) as tx:
            yield tx


async def test_what_could_not_be_written_is_written_later(box: Sandbox) -> None:
    here = await join(box)
    uow = Unreliable(box.tables)
    activity = Activity(uow, MemoryActivityReader(box.tables), box.clock, box.ids)
    reader, devices = MemorySessionReader(box.tables), box.revenge.devices
    sessions = Sessions(uow, reader, devices, activity, box.clock, box.ids, SessionRules())
    box.clock.advance(minutes=5)
    sessions.saw(here.session, SOFA, box.clock.now())
    uow.away = True
    with pytest.raises(DatabaseUnavailable):
        await sessions.write_sightings()
    uow.away = False
    assert await sessions.write_sightings() == 1
    assert await sessions.write_sightings() == 0
    assert box.rows.sessions[here.session.id].address == SOFA.address


async def test_a_device_is_known_by_its_kind_name_and_platform(box: Sandbox) -> None:
    await register(box)
    for name in ("phone", "phone", "tablet"):
        box.clock.advance(minutes=1)
        await box.revenge.auth.login("ada", PASSWORD, SOFA, device_name=name)
    await box.revenge.auth.login("ada", PASSWORD, replace(SOFA, user_agent="Film Club/1.0 (Android)"))
    devices = list(box.rows.devices.values())
    assert [(device.name, device.platform, device.client_type) for device in devices] == [
        ("phone", "iOS", ClientType.APP),
        ("tablet", "iOS", ClientType.APP),
        (None, "Android", ClientType.APP),
    ]
    assert devices[0].last_seen_at - devices[0].created_at == MINUTE
    assert devices[0].last_address == SOFA.address


async def test_a_new_device_leaves_an_audit_entry_and_a_known_one_does_not(box: Sandbox) -> None:
    user = await register(box)
    for _ in range(2):
        await box.revenge.auth.login("ada", PASSWORD, SOFA, device_name="phone")
    (entry,) = entries(box, Action.SESSION_NEW_DEVICE)
    assert (entry.resource_type, entry.resource_key, entry.on_behalf_of) == ("device", "phone", user.id)
    assert entry.address == SOFA.address


async def test_the_same_device_of_another_user_is_another_device(box: Sandbox) -> None:
    for name in ("ada", "eve"):
        await register(box, name)
        await box.revenge.auth.login(name, PASSWORD, SOFA, device_name="phone")
    assert len(box.rows.devices) == 2
    assert len(entries(box, Action.SESSION_NEW_DEVICE)) == 2


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        ("", None),
        (" \t\n", None),
        (" Living room ", "Living room"),
        ("a\x00b\x1b[31mc\ud800", "ab[31mc"),
        ("é" * 101, "é" * 100),
    ],
)
async def test_of_a_device_name_is_kept_what_can_be_shown(box: Sandbox, given: str | None, kept: str | None) -> None:
    await register(box)
    signed_in = await box.revenge.auth.login("ada", PASSWORD, device_name=given)
    assert signed_in.session.device_name == kept
    assert [device.name for device in box.rows.devices.values()] == [kept]


@pytest.mark.parametrize(
    ("agent", "platform"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)", "iOS"),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X)", "iPadOS"),
        ("Mozilla/5.0 (Linux; Android 14)", "Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0)", "macOS"),
        ("Mozilla/5.0 (Windows NT 10.0)", "Windows"),
        ("Mozilla/5.0 (X11; CrOS x86_64)", "ChromeOS"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Linux"),
        ("curl/8.0", None),
        (None, None),
    ],
)
async def test_the_platform_is_what_the_client_claims(box: Sandbox, agent: str | None, platform: str | None) -> None:
    await register(box)
    await sign_in(box, origin=Origin(user_agent=agent))
    assert [device.platform for device in box.rows.devices.values()] == [platform]
