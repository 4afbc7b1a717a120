"""Credentials, signing keys, accounts and principals in memory."""

from datetime import datetime

from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.memory.held_roles import group_ids, role_names
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_adapters.memory.users import living_user
from revenge_core.auth.entities import Account, Credential, Principal, SigningKey
from revenge_core.auth.ports import (
    AccountReader,
    CredentialStore,
    PrincipalReader,
    SigningKeyStore,
)
from revenge_core.ids import SessionId, UserId


class MemoryCredentials(CredentialStore):
    """Credentials inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def put(self, credential: Credential) -> None:
        self._rows.credentials[credential.user_id] = credential


class MemorySigningKeys(SigningKeyStore):
    """Signing keys inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def lock_all(self) -> tuple[SigningKey, ...]:
        return tuple(sorted(self._rows.signing_keys.values(), key=lambda key: (key.created_at, key.kid)))

    @override
    async def add(self, key: SigningKey) -> None:
        keys = self._rows.signing_keys
        signing = [other for other in keys.values() if other.retired_at is None]
        keys.update((other.kid, replace(other, retired_at=key.created_at)) for other in signing)
        keys[key.kid] = key

    @override
    async def forget_retired(self, before: datetime) -> int:
        keys = self._rows.signing_keys
        old = [key.kid for key in keys.values() if key.retired_at is not None and key.retired_at < before]
        for kid in old:
            del keys[kid]
        return len(old)


class MemoryAccountReader(AccountReader):
    """Accounts with their credentials, outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def by_login(self, login_key: str) -> Account | None:
        users = self._tables.rows.users.values()
        by_name = (user.id for user in users if user.username_key == login_key)
        by_address = (user.id for user in users if user.email_key == login_key)
        for user_id in (*by_name, *by_address):
            user, credential = self._tables.rows.users[user_id], self._tables.rows.credentials.get(user_id)
            if credential is not None and (user.deleted_at is None or user.may_return):
                return Account(user=user, credential=credential)
        return None

    @override
    async def of_user(self, user_id: UserId) -> Account | None:
        user = living_user(self._tables.rows, user_id)
        credential = self._tables.rows.credentials.get(user_id)
        return None if user is None or credential is None else Account(user=user, credential=credential)


class MemoryPrincipalReader(PrincipalReader):
    """Who is behind a session, outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def principal(self, session_id: SessionId) -> Principal | None:
        rows = self._tables.rows
        session = rows.sessions.get(session_id)
        if session is None:
            return None
        user = rows.users[session.user_id]
        return Principal(
            session=session,
            user_epoch=user.epoch,
            user_active=user.is_active and user.deleted_at is None,
            roles=role_names(rows, user.id),
            groups=group_ids(rows, user.id),
        )
