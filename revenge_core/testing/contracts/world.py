"""What the suites of stores and readers run on: one set of adapters that belong together."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import pytest

from revenge_core.accounts.ports import ExportReader, InvitationReader, PersonalData
from revenge_core.activity.ports import ActivityReader, SealReader
from revenge_core.apikeys.ports import KeyPrincipalReader, KeyReader
from revenge_core.auth.ports import AccountReader, GuessReader, PrincipalReader
from revenge_core.feed import Change
from revenge_core.ids import SessionId, UserId
from revenge_core.jobs.ports import JobReader, JobStore, JobUpkeep, WakeUps
from revenge_core.rbac.ports import GroupReader, RoleDirectory, RoleReader
from revenge_core.secrets import Sealer
from revenge_core.sessions.entities import RefreshFamily, RefreshToken, Session
from revenge_core.sessions.ports import DeviceReader, SessionReader
from revenge_core.testing.builders import a_device, a_grant, a_refresh_token, a_session, a_user
from revenge_core.tx import EveryTx
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import User
from revenge_core.users.ports import PreferenceReader, UserDirectory, UserReader

T = TypeVar("T")

RACERS = 8
"""How many tasks try the same thing at once."""


class Contract:
    """Base of the suites: asynchronous tests run without further configuration."""

    pytestmark = pytest.mark.anyio


async def _at_once() -> None:
    """Nothing to wait for: readers without a cache."""


@dataclass(frozen=True, kw_only=True)
class World:
    """Adapters over the same, empty store."""

    uow: UnitOfWork[EveryTx]
    users: UserReader
    sessions: SessionReader
    devices: DeviceReader
    guesses: GuessReader
    groups: GroupReader
    roles: RoleReader
    role_directory: RoleDirectory
    activity: ActivityReader
    seals: SealReader
    accounts: AccountReader
    principals: PrincipalReader
    api_keys: KeyReader
    key_principals: KeyPrincipalReader
    user_directory: UserDirectory
    invitations: InvitationReader
    preferences: PreferenceReader
    exports: ExportReader
    personal_data: PersonalData
    announced: Callable[[], Awaitable[Sequence[Change]]]
    """Every change that was announced so far, in order."""
    job_store: JobStore
    job_upkeep: JobUpkeep
    job_reader: JobReader
    wake_ups: WakeUps
    """Listens already, where adapters need to be started."""
    sealer: Sealer
    """With which `uow` seals the secrets of jobs."""
    now: Callable[[], Awaitable[datetime]]
    """The present, as the job queue's store sees it."""
    pass_time: Callable[[float], Awaitable[None]]
    """Lets so many seconds pass for the job queue: leases, due times and retention run on, and so does the time since
    leases were lost. A store whose clock cannot be set shifts all its times into the past instead."""
    lose_leases: Callable[[], Awaitable[None]]
    """Does to workers' leases, and to the leader's, what a crash of the store does."""
    settle: Callable[[], Awaitable[None]] = _at_once
    """Waits until readers have heard of all that was announced. Readers with a cache need it."""

    async def add_user(self, *roles: str, **changes: object) -> User:
        """A new account, committed, that holds `roles`."""
        user = a_user(**changes)
        async with self.uow.begin() as tx:
            await tx.users.add(user)
            for role in roles:
                await tx.roles.grant(a_grant(user.id, role))
        return user

    async def add_session(self, user: User, **changes: object) -> Session:
        """A session of the user on a device of its own, committed."""
        async with self.uow.begin() as tx:
            return await add_session(tx, user, **changes)

    async def add_refresh_token(self, session: Session, **changes: object) -> RefreshToken:
        """A refresh token of the session, committed."""
        token = a_refresh_token(session.id, **changes)
        async with self.uow.begin() as tx:
            await tx.refresh_tokens.add(token)
        return token

    async def update_user(self, user: User) -> None:
        """Replace the account and tell readers."""
        async with self.uow.begin() as tx:
            await tx.users.update(user)
            tx.feed.publish(Change.of_user(user.id))
        await self.settle()

    async def user(self, user_id: UserId) -> User | None:
        """The account as a transaction sees it."""
        async with self.uow.begin() as tx:
            return await tx.users.lock(user_id)

    async def session(self, session_id: SessionId) -> Session | None:
        """The session as a transaction sees it."""
        async with self.uow.begin() as tx:
            return await tx.sessions.by_id(session_id)

    async def family(self, token_hash: bytes) -> RefreshFamily | None:
        """The refresh token with its family as a transaction sees it."""
        async with self.uow.begin() as tx:
            return await tx.refresh_tokens.lock_family(token_hash)


async def add_session(tx: EveryTx, user: User, **changes: object) -> Session:
    """A session of the user on a device of its own, inside `tx`."""
    device = (await tx.sessions.put_device(a_device(user.id))).device
    session = a_session(device, **changes)
    await tx.sessions.add(session)
    return session


async def race(attempt: Callable[[], Coroutine[object, object, T]]) -> list[T | BaseException]:
    """What came of `RACERS` attempts at the same time: answers, and what was raised."""
    return await asyncio.gather(*(attempt() for _ in range(RACERS)), return_exceptions=True)


async def let_others_run() -> None:
    """Long enough for a task that does not wait to get where it should have waited."""
    await asyncio.sleep(0.05)
