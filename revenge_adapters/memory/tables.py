"""What the doubles remember: plain dictionaries of frozen records."""

from dataclasses import dataclass, field, fields
from typing import Self

from revenge_adapters.memory.turns import Turns
from revenge_core.activity.entities import Entry
from revenge_core.auth.entities import BootstrapToken, Credential, SigningKey
from revenge_core.feed import Change
from revenge_core.ids import EntryId, SessionId, UserId
from revenge_core.rbac.entities import Role, RoleGrant
from revenge_core.rbac.policy import BUILT_IN_ROLES
from revenge_core.sessions.entities import Device, RefreshToken, Session
from revenge_core.users.entities import User


@dataclass(slots=True)
class Rows:
    """One state of everything. The records in it never change, so a copy of the dictionaries is a snapshot."""

    users: dict[UserId, User] = field(default_factory=dict[UserId, User])
    credentials: dict[UserId, Credential] = field(default_factory=dict[UserId, Credential])
    bootstrap_tokens: dict[bytes, BootstrapToken] = field(default_factory=dict[bytes, BootstrapToken])
    signing_keys: dict[str, SigningKey] = field(default_factory=dict[str, SigningKey])
    sessions: dict[SessionId, Session] = field(default_factory=dict[SessionId, Session])
    devices: dict[tuple[UserId, str], Device] = field(default_factory=dict[tuple[UserId, str], Device])
    refresh_tokens: dict[bytes, RefreshToken] = field(default_factory=dict[bytes, RefreshToken])
    roles: dict[str, Role] = field(default_factory=lambda: {role.name: role for role in BUILT_IN_ROLES})
    grants: dict[tuple[UserId, str], RoleGrant] = field(default_factory=dict[tuple[UserId, str], RoleGrant])
    activity: dict[EntryId, Entry] = field(default_factory=dict[EntryId, Entry])

    def copy(self) -> Self:
        """A state of its own, equal to this one."""
        return type(self)(*(getattr(self, table.name).copy() for table in fields(self)))


class MemoryTables:
    """The database of the doubles. Every store and reader of one world shares one of these.

    `rows` is what was committed, `changes` what was announced with it, in order: tests look at both.
    """

    def __init__(self) -> None:
        self.rows = Rows()
        self.changes: list[Change] = []
        self.turns = Turns()
