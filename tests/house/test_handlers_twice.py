"""A handler may run twice (decisions P4): on the same job it comes to the same, also after it stopped half-way."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import timedelta
from typing import Final

import msgspec
import pytest

from revenge_adapters import Sandbox, sandbox
from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.memory.tables import Rows
from revenge_adapters.wiring.handlers import register
from revenge_core.accounts.entities import NewInvitation
from revenge_core.accounts.jobs import BuildExport, EraseFiles, Purge
from revenge_core.activity.entities import Action
from revenge_core.activity.jobs import DropOld, EraseTraces, MakeMonths, SealEntries, ShipCheckpoints
from revenge_core.actor import Actor
from revenge_core.apikeys.entities import KeyScope, NewKey
from revenge_core.apikeys.jobs import KeyMaintenance
from revenge_core.auth.errors import CredentialsInvalid, TooManyAttempts
from revenge_core.auth.jobs import CleanUp, SendReset
from revenge_core.background import Job
from revenge_core.idempotency.entities import Outcome
from revenge_core.idempotency.jobs import ForgetAttempts
from revenge_core.jobs import Handlers, JobLost
from revenge_core.jobs.policy import encoded
from revenge_core.mail.entities import Email
from revenge_core.mail.jobs import SendEmail
from revenge_core.secrets import Secret
from revenge_core.sessions.jobs import SessionMaintenance
from revenge_core.testing.attempt import Attempt
from revenge_core.testing.builders import a_claimed_job, a_png, an_entry, an_id
from revenge_core.testing.contracts.storage import put
from revenge_core.users.entities import NewUser
from revenge_core.users.jobs import SweepAvatars
from tests.house.job_kinds import registered

PASSWORD: Final = Secret("a quiet evening")
QUEUE: Final = {table.name for table in fields(Rows) if table.name.startswith("job") or table.name == "paused_queues"}
LOG: Final = {"activity", "activity_seals", "activity_unsealed"}


async def months_to_come(_box: Sandbox) -> Job:
    return MakeMonths()


async def a_link_that_nobody_used_and_guesses(box: Sandbox) -> Job:
    """Some of the guesses are old, some were refused without being told yet."""
    listed = await box.revenge.accounts.register(NewUser(username="ada", email="ada@example.org"), PASSWORD)
    await box.revenge.recovery.reset_link(Actor.host(), listed.user.id)
    for login, days in (("nobody", 2), ("ada", 0)):
        for _ in range(8):
            with contextlib.suppress(CredentialsInvalid, TooManyAttempts):
                await box.revenge.auth.login(login, Secret("a bad guess"))
        box.clock.advance(days=days, minutes=2)
    return CleanUp()


async def requests_of_long_ago(box: Sandbox) -> Job:
    async def work() -> Outcome:
        return Outcome(status=201, body=b"{}", location=None)

    for key in ("old", "older"):
        attempt = box.revenge.idempotency.attempt(Actor.anonymous(), "register", key, b"{}")
        await box.revenge.idempotency.once(attempt, work)
    box.clock.advance(hours=25)
    return ForgetAttempts()


async def a_message(box: Sandbox) -> Job:
    email = Email(to="ada@example.org", subject="A quiet evening", text=Secret("is coming.\n"))
    return SendEmail(message_id="<1@revenge.example>", date=box.clock.now(), email=email)


async def a_forgotten_password(box: Sandbox) -> Job:
    await box.revenge.accounts.register(NewUser(username="ada", email="ada@example.org"), PASSWORD)
    return SendReset(email=Secret("ada@example.org"), address="192.0.2.7", asked_at=box.clock.now())


async def people_who_came_and_went(box: Sandbox) -> Job:
    """Somebody came more than 400 days ago, some a month ago, one is here; each left on one device of two."""
    auth = box.revenge.auth
    for name, days in {"eve": 370, "ada": 0, "max": 31, "zoe": 0}.items():
        await box.revenge.accounts.register(NewUser(username=name, email=f"{name}@example.org"), PASSWORD)
        for device in ("phone", "tablet"):
            here = await auth.login(name, PASSWORD, device_name=device)
            pair = await auth.refresh(here.tokens.refresh_token)
            await auth.refresh(pair.refresh_token)
            if device == "tablet":
                await auth.logout(await auth.authenticate(pair.access_token.reveal()))
        box.clock.advance(days=days)
    box.clock.advance(minutes=1)
    return SessionMaintenance()


async def an_export_asked_for(box: Sandbox) -> Job:
    """Somebody who did a few things wants to see all of it."""
    await box.revenge.accounts.register(NewUser(username="ada", email="ada@example.org"), PASSWORD)
    here = await box.revenge.auth.login("ada", PASSWORD)
    actor = await box.revenge.auth.authenticate(here.tokens.access_token.reveal())
    return BuildExport(export_id=(await box.revenge.exports.ask(actor)).id)


async def people_who_left(box: Sandbox) -> Job:
    """Two left a month ago with their files, one yesterday; nobody took the token, and an invitation is long over."""
    await box.revenge.accounts.issue_bootstrap_token()
    await box.revenge.invitations.create(Actor.host(), NewInvitation())
    for name, days in {"eve": 7, "ada": 31, "max": 1}.items():
        await box.revenge.accounts.register(NewUser(username=name, email=f"{name}@example.org"), PASSWORD)
        here = await box.revenge.auth.login(name, PASSWORD)
        actor = await box.revenge.auth.authenticate(here.tokens.access_token.reveal())
        await box.revenge.avatars.upload(actor, a_png())
        await box.revenge.accounts.delete_me(actor)
        box.clock.advance(days=days)
    return Purge()


async def files_that_nobody_needs(box: Sandbox) -> Job:
    """One of two files that are there, and one that is gone already."""
    await box.revenge.accounts.register(NewUser(username="ada", email="ada@example.org"), PASSWORD)
    here = await box.revenge.auth.login("ada", PASSWORD)
    actor = await box.revenge.auth.authenticate(here.tokens.access_token.reveal())
    avatar = await box.revenge.avatars.upload(actor, a_png())
    return EraseFiles(keys=("avatars/gone.png", avatar.key))


async def a_picture_and_one_left_over(box: Sandbox) -> Job:
    """One is shown; two were kept by processes that died, one of them just now."""
    await box.revenge.accounts.register(NewUser(username="ada", email="ada@example.org"), PASSWORD)
    here = await box.revenge.auth.login("ada", PASSWORD)
    await box.revenge.avatars.upload(await box.revenge.auth.authenticate(here.tokens.access_token.reveal()), a_png())
    await put(box.storage, "avatars/old.webp", b"old")
    box.clock.advance(days=2)
    await put(box.storage, "avatars/new.webp", b"new")
    return SweepAvatars()


async def somebody_who_was_erased(box: Sandbox) -> Job:
    """Nothing is left of them but what the log tells."""
    user_id = an_id()
    purge = an_entry(action=Action.USER_PURGE, resource_type="user", resource_id=user_id)
    for entry in [purge, *(an_entry(actor_id=user_id, address="192.0.2.7") for _ in range(3))]:
        box.rows.activity[entry.id] = entry
    return EraseTraces(user_id=user_id)


async def entries_of_long_ago(box: Sandbox) -> Job:
    """Three months of them, sealed, and some of today."""
    await box.revenge.accounts.issue_bootstrap_token()
    for _ in range(3):
        await box.revenge.accounts.issue_bootstrap_token()
        box.clock.advance(days=32)
    await handling(box, SealEntries())(Attempt())
    box.clock.advance(days=400)
    return DropOld()


async def entries_that_wait(box: Sandbox) -> Job:
    """Some are sealed already, and vouched for."""
    await box.revenge.accounts.issue_bootstrap_token()
    await handling(box, SealEntries())(Attempt())
    for _ in range(3):
        await box.revenge.accounts.issue_bootstrap_token()
    return SealEntries()


async def checkpoints_that_wait(box: Sandbox) -> Job:
    """Two, and somebody who takes them."""
    box.elsewhere.on = True
    for _ in range(2):
        await box.revenge.accounts.issue_bootstrap_token()
        await handling(box, SealEntries())(Attempt())
    return ShipCheckpoints()


async def keys_that_end(box: Sandbox) -> Job:
    """Two expire in some days, two were revoked long ago, one is good for a year."""
    await box.revenge.accounts.register(NewUser(username="ada", email="ada@example.org"), PASSWORD)
    here = await box.revenge.auth.login("ada", PASSWORD)
    actor = await box.revenge.auth.authenticate(here.tokens.access_token.reveal())
    made = {
        name: await box.revenge.api_keys.create(
            actor,
            NewKey(name=name, scopes=frozenset({KeyScope.READ}), expires_at=box.clock.now() + timedelta(days=days)),
        )
        for name, days in {"phone": 95, "tv": 96, "kodi": 365, "old": 365, "older": 365}.items()
    }
    for name in ("older", "old"):
        await box.revenge.api_keys.revoke(actor, made[name].key.id)
    box.clock.advance(days=91)
    return KeyMaintenance()


SCENES: Final[dict[str, Callable[[Sandbox], Awaitable[Job]]]] = {
    "accounts_erase_files": files_that_nobody_needs,
    "accounts_export": an_export_asked_for,
    "accounts_purge": people_who_left,
    "activity_erase": somebody_who_was_erased,
    "activity_months": months_to_come,
    "activity_retention": entries_of_long_ago,
    "activity_seal": entries_that_wait,
    "activity_ship": checkpoints_that_wait,
    "api_key_maintenance": keys_that_end,
    "auth_cleanup": a_link_that_nobody_used_and_guesses,
    "auth_send_reset": a_forgotten_password,
    "idempotency_cleanup": requests_of_long_ago,
    "send_email": a_message,
    "session_maintenance": people_who_came_and_went,
    "users_avatars_sweep": a_picture_and_one_left_over,
}
"""For each kind a world in which there is something to do, and the job."""

every_kind = pytest.mark.parametrize("kind", sorted(SCENES))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done in batches is done in many."""
    monkeypatch.setattr("revenge_core.accounts.service.accounts.BATCH", 1)
    monkeypatch.setattr("revenge_core.accounts.service.leaving.BATCH", 1)
    monkeypatch.setattr("revenge_core.activity.service.audit.BATCH", 1)
    monkeypatch.setattr("revenge_core.activity.service.audit.SHIPPED_AT_ONCE", 1)
    monkeypatch.setattr("revenge_core.apikeys.service.upkeep.BATCH", 1)
    monkeypatch.setattr("revenge_core.sessions.service.sessions.BATCH", 1)
    monkeypatch.setattr("revenge_core.auth.service.auth.BATCH", 1)
    monkeypatch.setattr("revenge_core.idempotency.service.BATCH", 1)


@pytest.fixture(autouse=True)
def tokens_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn by chance is the same each time, so that it can be compared."""
    monkeypatch.setattr("revenge_core.auth.service.recovery.new_token", lambda: Secret("a token"))


def handling(box: Sandbox, job: Job) -> Callable[[Attempt], Awaitable[None]]:
    """Does the job, as it comes out of the queue."""
    sealer, kind = MemorySealer(), job.spec.kind
    handlers = Handlers(sealer)
    register(box.revenge, handlers)
    args = encoded(job, lambda secret: sealer.seal(secret, f"job {kind}"))
    claimed = a_claimed_job(kind=kind, args=msgspec.Raw(args))
    return lambda attempt: handlers.run(claimed, attempt)


def seen(box: Sandbox, *, without: set[str] = QUEUE) -> dict[str, object]:
    """All that can be seen of the world, but the queue itself. Who gets a message twice, under one id, sees one."""
    tables = {table.name: getattr(box.rows, table.name) for table in fields(Rows) if table.name not in without}
    return {
        **{name: table.copy() for name, table in tables.items()},
        "feed": list(box.changes),
        "files": {key: content for key, (_, content) in box.storage.files.items()},
        "mail": {message.id: message for message in box.mail.sent},
    }


def test_every_kind_is_tried_here() -> None:
    assert SCENES.keys() == registered().kinds.keys()


@every_kind
async def test_what_was_done_is_not_done_again(kind: str) -> None:
    box = sandbox()
    job = await SCENES[kind](box)
    before = seen(box)
    handle = handling(box, job)
    await handle(Attempt())
    after = seen(box)
    assert after != before, "there was nothing to do: the scene proves nothing"
    await handle(Attempt())
    assert seen(box) == after


@every_kind
async def test_whoever_stopped_half_way_is_finished_by_the_next(kind: str) -> None:
    box = sandbox()
    job = await SCENES[kind](box)
    handle = handling(box, job)
    before, announced = box.rows.copy(), list(box.changes)
    whole = Attempt()
    await handle(whole)
    after = seen(box, without=QUEUE | LOG)
    for reports in range(len(whole.reports) + 1):
        box.tables.rows, box.tables.changes[:] = before.copy(), announced
        with contextlib.suppress(JobLost):
            await handle(Attempt(lost_after=reports))
        await handle(Attempt())
        assert seen(box, without=QUEUE | LOG) == after
