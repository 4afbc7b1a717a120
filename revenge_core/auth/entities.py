"""Credentials, tokens and what a sign-in hands out."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from revenge_core.entity import Entity
from revenge_core.ids import GroupId, SessionId, UserId
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import Session
from revenge_core.users.entities import User


class Credential(Entity, kw_only=True):
    """What proves that somebody is this user. Never part of an answer."""

    user_id: UserId
    password_hash: Secret
    """A PHC string: algorithm, parameters, salt and hash (decisions I2)."""
    changed_at: datetime


class Account(Entity, kw_only=True):
    """A user together with the credential to check."""

    user: User
    credential: Credential


class AccessClaims(Entity, kw_only=True):
    """What a verified access token says (RFC 9068): `sub`, `sid`, `exp`."""

    user_id: UserId
    session_id: SessionId
    expires_at: float
    """Seconds since 1970 (UTC)."""


class TokenPair(Entity, kw_only=True):
    """What a client keeps. `expires_in` is the access token's life, in seconds."""

    access_token: Secret
    refresh_token: Secret
    expires_in: int
    session_id: SessionId
    session_expires_in: int
    """Seconds until the session ends however much it is used: no refresh token is good for longer."""


class SignedIn(Entity, kw_only=True):
    """The answer to a successful sign-in."""

    user: User
    roles: frozenset[str]
    session: Session
    tokens: TokenPair
    device_token: Secret | None = None
    """To be sent with the next sign-in, which comes from a known device then (R18); None if a good one was sent."""
    restored: bool = False
    """Whether this sign-in called off the account's deletion (decisions I10)."""


class Principal(Entity, kw_only=True):
    """A session with all that decides whether it is alive and what it may do, read in one go (decisions I4)."""

    session: Session
    user_epoch: int
    user_active: bool
    """Whether the user lives and is not disabled."""
    roles: frozenset[str]
    """Held directly, or through a group."""
    groups: frozenset[GroupId] = frozenset()


class SigningKey(Entity, kw_only=True):
    """A key for access tokens, as stored: `wrapped` opens only with the server's master secret (rulings R21)."""

    kid: str
    wrapped: bytes
    secret_check: str
    """Which master secret wrapped it: a short derived value that reveals nothing of it."""
    created_at: datetime
    retired_at: datetime | None = None
    """When a newer key took over; it verifies for one more access-token life."""


class Allowance(Entity, kw_only=True):
    """So many guesses at once; they come back one by one, one in each `regain`."""

    burst: int
    regain: timedelta


class GuessRules(Entity, kw_only=True):
    """How often passwords may be guessed (decisions I7, rulings R19). Right ones count for nothing."""

    per_pair: Allowance = Allowance(burst=5, regain=timedelta(seconds=30))
    """One account from one address. It is never exhausted by others, so nobody can keep an owner out."""
    per_address: Allowance = Allowance(burst=30, regain=timedelta(seconds=10))
    """All accounts from one address."""
    per_account: Allowance = Allowance(burst=50, regain=timedelta(seconds=20))
    """One account from everywhere. Beyond it each address has one try in each `per_pair.regain` all the same."""
    per_device: Allowance = Allowance(burst=10, regain=timedelta(seconds=10))
    """One account from a device that it knows: nothing else counts for that one."""


class GuessCount(Entity, kw_only=True):
    """How much of an allowance is used up. `used` shrinks with time: it is as it was at `at`."""

    key: str
    """`account:…`, `address:…`, `pair:…` or `device:…`; names that no account has are in it as a keyed digest."""
    used: float
    at: datetime
    refused: int = 0
    """Tries that were refused since `told_at`."""
    told_at: datetime | None = None
    """When the audit log was told last: one entry in a minute, however many tries there are."""


class Guess(Entity, kw_only=True):
    """One guess that was counted, to be given back where it was none."""

    taken: Mapping[str, float]
    """Under which keys it was counted, and how much of each allowance it took: less than 1 of one that was used up."""


class PasswordReset(Entity, kw_only=True):
    """A link that an administrator gives to somebody who cannot get mail; good once."""

    link: Secret
    expires_at: datetime


class Proof(Entity, kw_only=True):
    """Who somebody is was proven once more: a new access token, and until when that counts as recent."""

    access_token: Secret
    expires_in: int
    proven_until: datetime


class AuthRules(Entity, kw_only=True):
    """What the host decided about signing in (decisions I2, I3)."""

    server_name: str = "Revenge"
    password_min_length: int = 8
    access_token_lifetime: timedelta = timedelta(minutes=15)
    reset_lifetime: timedelta = timedelta(hours=1)
    proof_lifetime: timedelta = timedelta(minutes=10)
    """How long a sign-in or a reauthentication counts as recent (decisions W12)."""
    guesses: GuessRules = GuessRules()
