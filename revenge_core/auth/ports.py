"""What signing in needs from outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from revenge_core.auth.entities import AccessClaims, Account, Credential, GuessCount, Principal, SigningKey
from revenge_core.ids import SessionId, UserId
from revenge_core.rbac.ports import RbacTx
from revenge_core.secrets import Secret
from revenge_core.sessions.ports import SessionsTx


class PasswordHasher(Protocol):
    """Turns passwords into hashes, slowly on purpose, without holding up anything else."""

    @property
    def decoy(self) -> Secret:
        """A hash of nobody's password, with the present parameters: checked for unknown users (ASVS 6.3.8)."""
        ...

    async def hash(self, password: Secret, *, known: bool = False) -> Secret:
        """A new PHC string for `password`, with a salt of its own.

        Those that are `known`, by their device or their session, come first, and have places in the queue that nobody
        else takes (rulings R19).

        Raises:
            HasherBusy: the queue is full.
        """
        ...

    async def verify(self, password_hash: Secret, password: Secret, *, known: bool = False) -> bool:
        """Whether the password is the one hashed, by the parameters that the hash names. False for a broken hash.

        `known` as for `hash`.

        Raises:
            HasherBusy: the queue is full.
        """
        ...

    def needs_rehash(self, password_hash: Secret) -> bool:
        """Whether the hash was made with other parameters than the present ones."""
        ...


class AccessTokens(Protocol):
    """Signs and checks access tokens."""

    def issue(self, user_id: UserId, session_id: SessionId, *, token_id: str, now: datetime) -> Secret:
        """A token for the session, good for `AuthRules.access_token_lifetime` from `now`."""
        ...

    def verify(self, token: str, *, now: datetime) -> AccessClaims:
        """What the token says, if this server signed it and it has not expired.

        Raises:
            AccessTokenInvalid: otherwise, whatever the reason; also for a key that is not loaded yet.
        """
        ...

    def knows_key_of(self, token: str) -> bool:
        """Whether the key that the token names is loaded. True for what is no token: no key would help it."""
        ...

    def load(self, keys: tuple[SigningKey, ...]) -> None:
        """Use these keys from now on; the newest that is not retired signs.

        Raises:
            MasterSecretMismatch: they were wrapped with another master secret.
        """
        ...

    def new_key(self, kid: str, *, now: datetime) -> SigningKey:
        """A fresh random key, wrapped; it is not used before it is loaded."""
        ...


class PrincipalReader(Protocol):
    """Who is behind a session, outside a transaction."""

    async def principal(self, session_id: SessionId) -> Principal | None:
        """The session with its user's state and roles, never older than the revocation feed allows; None if unknown."""
        ...


class AccountReader(Protocol):
    """Accounts with their credentials, outside a transaction; never cached."""

    async def by_login(self, login_key: str) -> Account | None:
        """The account whose user name, or else whose address, has this normalised form: living, or free to return.

        Any text may be asked for, also one that no store could hold: it finds nobody.
        """
        ...

    async def of_user(self, user_id: UserId) -> Account | None:
        """The living account with that id."""
        ...


class CredentialStore(Protocol):
    """Credentials inside a transaction, reached as `tx.credentials`."""

    async def put(self, credential: Credential) -> None:
        """Keep the user's credential, replacing the one before."""
        ...


class GuessStore(Protocol):
    """Counts of guesses inside a transaction, reached as `tx.guesses`. Nowhere else is counted (rulings R9)."""

    async def lock(self, keys: Sequence[str], at: datetime) -> dict[str, GuessCount]:
        """A count for each key, with nothing used for those that are new; nobody else changes them until this one ends.

        Whoever locks several never waits in a circle with others who do.
        """
        ...

    async def put(self, counts: Sequence[GuessCount]) -> None:
        """Keep these counts, which the caller locked."""
        ...

    async def give_back(self, earlier: Mapping[str, timedelta]) -> None:
        """Date these counts so much earlier than they are; those that were forgotten meanwhile stay forgotten.

        They are locked as by `lock`, but not before the transaction ends: so it holds them for a moment only.
        """
        ...

    async def lock_untold(self, *, told_before: datetime, limit: int) -> tuple[GuessCount, ...]:
        """Up to `limit` counts with refusals since they were last told of, before that time; nobody else changes them.

        Those that others hold are left out.
        """
        ...

    async def clear(self, subject: str) -> int:
        """Forget the counts whose key names `subject`, an account's id or an address; how many."""
        ...

    async def forget(self, *, before: datetime, limit: int) -> int:
        """Delete up to `limit` counts that were last changed before this time; how many."""
        ...


class GuessReader(Protocol):
    """Counts of guesses outside a transaction."""

    async def used(self, *, limit: int) -> tuple[GuessCount, ...]:
        """Counts of which something is used up as stored, latest first, then by key."""
        ...


class SigningKeyStore(Protocol):
    """Signing keys inside a transaction, reached as `tx.signing_keys`."""

    async def lock_all(self) -> tuple[SigningKey, ...]:
        """Every key, oldest first; no other transaction adds one until this one ends."""
        ...

    async def add(self, key: SigningKey) -> None:
        """Keep a new key; keys that still sign are retired at its `created_at`."""
        ...

    async def forget_retired(self, before: datetime) -> int:
        """Remove keys retired before this time; how many."""
        ...


class AuthTx(SessionsTx, RbacTx, Protocol):
    """What signing in does in one transaction."""

    @property
    def credentials(self) -> CredentialStore:
        """Credentials."""
        ...

    @property
    def guesses(self) -> GuessStore:
        """Counts of guesses."""
        ...

    @property
    def signing_keys(self) -> SigningKeyStore:
        """Signing keys."""
        ...
