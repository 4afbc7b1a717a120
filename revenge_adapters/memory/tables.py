"""What the doubles remember: plain dictionaries of frozen records."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Self

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.memory.job_rows import StoredJob, StoredSchedule
from revenge_adapters.memory.key_rows import StoredKey
from revenge_adapters.memory.turns import Turns
from revenge_core.accounts.entities import BootstrapToken, Export, Invitation
from revenge_core.activity.entities import Checkpoint, Entry, Retention, Seal, Unsealed
from revenge_core.apikeys.entities import KeyRight
from revenge_core.auth.entities import Credential, GuessCount, SigningKey
from revenge_core.clock import Clock
from revenge_core.feed import Change
from revenge_core.idempotency.entities import Recorded
from revenge_core.ids import EntryId, GroupId, InvitationId, KeyId, SessionId, UserId
from revenge_core.jobs.entities import JobItem, WorkerInfo
from revenge_core.rbac.entities import GrantSource, Group, Membership, Role, RoleGrant
from revenge_core.rbac.policy import BUILT_IN_ROLES
from revenge_core.sessions.entities import Device, DeviceToken, RefreshToken, Session
from revenge_core.users.entities import Avatar, OneTimeToken, Preferences, User


@dataclass(slots=True)
class Rows:
    """One state of everything. The records in it never change, so a copy of the tables is a snapshot."""

    users: dict[UserId, User] = field(default_factory=dict[UserId, User])
    credentials: dict[UserId, Credential] = field(default_factory=dict[UserId, Credential])
    bootstrap_tokens: dict[bytes, BootstrapToken] = field(default_factory=dict[bytes, BootstrapToken])
    one_time_tokens: dict[bytes, OneTimeToken] = field(default_factory=dict[bytes, OneTimeToken])
    invitations: dict[InvitationId, Invitation] = field(default_factory=dict[InvitationId, Invitation])
    exports: dict[UserId, Export] = field(default_factory=dict[UserId, Export])
    preferences: dict[UserId, Preferences] = field(default_factory=dict[UserId, Preferences])
    avatars: dict[UserId, Avatar] = field(default_factory=dict[UserId, Avatar])
    avatar_versions: dict[UserId, int] = field(default_factory=dict[UserId, int])
    """The latest number of each user, also where the picture is gone."""
    signing_keys: dict[str, SigningKey] = field(default_factory=dict[str, SigningKey])
    sessions: dict[SessionId, Session] = field(default_factory=dict[SessionId, Session])
    devices: dict[tuple[UserId, str], Device] = field(default_factory=dict[tuple[UserId, str], Device])
    device_tokens: dict[bytes, DeviceToken] = field(default_factory=dict[bytes, DeviceToken])
    guesses: dict[str, GuessCount] = field(default_factory=dict[str, GuessCount])
    refresh_tokens: dict[bytes, RefreshToken] = field(default_factory=dict[bytes, RefreshToken])
    roles: dict[str, Role] = field(default_factory=lambda: {role.name: role for role in BUILT_IN_ROLES})
    policy_sources: dict[tuple[str, str], GrantSource] = field(default_factory=dict[tuple[str, str], GrantSource])
    """Role and permission → who put it there; those that came with Revenge are not here."""
    grants: dict[tuple[UserId, str, GrantSource], RoleGrant] = field(
        default_factory=dict[tuple[UserId, str, GrantSource], RoleGrant]
    )
    groups: dict[GroupId, Group] = field(default_factory=dict[GroupId, Group])
    members: dict[tuple[GroupId, UserId, GrantSource], Membership] = field(
        default_factory=dict[tuple[GroupId, UserId, GrantSource], Membership]
    )
    api_keys: dict[KeyId, StoredKey] = field(default_factory=dict[KeyId, StoredKey])
    api_key_uses: dict[tuple[KeyId, str], KeyRight] = field(default_factory=dict[tuple[KeyId, str], KeyRight])
    attempts: dict[tuple[str, str, bytes], Recorded] = field(default_factory=dict[tuple[str, str, bytes], Recorded])
    activity: dict[EntryId, Entry] = field(default_factory=dict[EntryId, Entry])
    activity_unsealed: dict[EntryId, Unsealed] = field(default_factory=dict[EntryId, Unsealed])
    activity_seals: dict[int, Seal] = field(default_factory=dict[int, Seal])
    activity_checkpoints: dict[int, Checkpoint] = field(default_factory=dict[int, Checkpoint])
    activity_shipped: dict[int, datetime] = field(default_factory=dict[int, datetime])
    """When each checkpoint was taken elsewhere."""
    activity_retentions: dict[int, Retention] = field(default_factory=dict[int, Retention])
    activity_months: set[str] = field(default_factory=set[str])
    """Those that were prepared, such as 2026-03."""
    jobs: dict[int, StoredJob] = field(default_factory=dict[int, StoredJob])
    job_items: dict[tuple[int, str], JobItem] = field(default_factory=dict[tuple[int, str], JobItem])
    paused_queues: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """Since when each is paused."""
    job_schedules: dict[str, StoredSchedule] = field(default_factory=dict[str, StoredSchedule])
    job_workers: dict[str, WorkerInfo] = field(default_factory=dict[str, WorkerInfo])
    """`seen_at` is when the lease was renewed last; `running` is not kept here."""
    job_leader: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """Until when the worker leads; one entry at most."""

    def copy(self) -> Self:
        """A state of its own, equal to this one."""
        return type(self)(*(getattr(self, table.name).copy() for table in fields(self)))


class MemoryTables:
    """The database of the doubles. Every store and reader of one world shares one of these.

    `rows` is what was committed, `changes` what was announced with it, in order: tests look at both. `clock` is the
    database's own time, which the job queue goes by.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.rows = Rows()
        self.changes: list[Change] = []
        self.clock = clock or ManualClock()
        self.turns = Turns()
        self.job_ids = itertools.count(1)
        """As a sequence of a database: numbers are drawn for good, also by transactions that fail."""
        self.leases_since: datetime | None = None
        """When the first worker came, or was looked for, after leases were lost."""

    @asynccontextmanager
    async def draft(self) -> AsyncGenerator[Rows]:
        """A copy of the rows that takes their place on a clean exit. One at a time: whoever waits sees the result."""
        # A database always lets others run first. A double that never did would hide races between transactions.
        await asyncio.sleep(0)
        async with self.turns.turn():
            draft = self.rows.copy()
            yield draft
            self.rows = draft
