"""Credentials, tokens and what a sign-in hands out."""

from datetime import datetime, timedelta

from revenge_core.entity import Entity
from revenge_core.ids import SessionId, UserId
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


class SignedIn(Entity, kw_only=True):
    """The answer to a successful sign-in."""

    user: User
    roles: frozenset[str]
    session: Session
    tokens: TokenPair


class Principal(Entity, kw_only=True):
    """A session with all that decides whether it is alive and what it may do, read in one go (decisions I4)."""

    session: Session
    user_epoch: int
    user_active: bool
    """Whether the user lives and is not disabled."""
    roles: frozenset[str]


class BootstrapToken(Entity, kw_only=True):
    """The right to make the first admin, once (decisions I1)."""

    token_hash: bytes
    created_at: datetime
    expires_at: datetime


class SigningKey(Entity, kw_only=True):
    """A key for access tokens, as stored: `wrapped` opens only with the server's master secret (rulings R21)."""

    kid: str
    wrapped: bytes
    secret_check: str
    """Which master secret wrapped it: a short derived value that reveals nothing of it."""
    created_at: datetime
    retired_at: datetime | None = None
    """When a newer key took over; it verifies for one more access-token life."""


class AuthRules(Entity, kw_only=True):
    """What the host decided about signing in (decisions I2, I3)."""

    server_name: str = "Revenge"
    password_min_length: int = 8
    access_token_lifetime: timedelta = timedelta(minutes=15)
    bootstrap_token_lifetime: timedelta = timedelta(hours=24)
