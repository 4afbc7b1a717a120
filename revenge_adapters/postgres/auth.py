"""What signing in keeps in PostgreSQL: credentials, principals, signing keys."""

from collections.abc import Collection
from datetime import datetime

from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.batch import Batch, uuid_array
from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.auth.entities import Account, Credential, Principal, SigningKey
from revenge_core.auth.ports import (
    AccountReader,
    CredentialStore,
    PrincipalReader,
    SigningKeyStore,
)
from revenge_core.errors import Invalid
from revenge_core.ids import SessionId, UserId


class Sql(SqlFile, file="auth.sql"):
    """The statements of signing in."""

    put_credential: Query[None]
    by_login: Query[Account]
    of_user: Query[Account]
    principals: Query[Principal]
    lock_signing_keys: Query[None]
    signing_keys: Query[SigningKey]
    add_signing_key: Query[None]
    forget_retired_signing_keys: Query[None]


class PostgresCredentials(CredentialStore):
    """Credentials inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def put(self, credential: Credential) -> None:
        await self._transaction.run(
            Sql.put_credential,
            user_id=credential.user_id,
            password_hash=credential.password_hash.reveal(),
            changed_at=credential.changed_at,
        )


class PostgresAccountReader(AccountReader):
    """Accounts with their credentials, outside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def by_login(self, login_key: str) -> Account | None:
        try:
            return await self._database.one(Sql.by_login, login_key=login_key)
        except Invalid:  # text that cannot be stored is nobody's name
            return None

    @override
    async def of_user(self, user_id: UserId) -> Account | None:
        return await self._database.one(Sql.of_user, user_id=user_id)


class PostgresPrincipalReader(PrincipalReader):
    """Who is behind a session, always asked for, in one statement for all sessions asked for at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batch = Batch[SessionId, Principal](self._principals, lambda principal: principal.session.id)

    @override
    async def principal(self, session_id: SessionId) -> Principal | None:
        return await self._batch.one(session_id)

    async def _principals(self, ids: Collection[SessionId]) -> tuple[Principal, ...]:
        return await self._database.all(Sql.principals, session_ids=uuid_array(ids))


class PostgresSigningKeys(SigningKeyStore):
    """Signing keys inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def lock_all(self) -> tuple[SigningKey, ...]:
        await self._transaction.run(Sql.lock_signing_keys)
        return await self._transaction.all(Sql.signing_keys)

    @override
    async def add(self, key: SigningKey) -> None:
        await self._transaction.run(Sql.add_signing_key, **asdict(key))

    @override
    async def forget_retired(self, before: datetime) -> int:
        return await self._transaction.run(Sql.forget_retired_signing_keys, before=before)
