"""Access tokens as JWTs (RFC 9068), HS256 pinned, keys wrapped by the master secret (decisions I3, rulings R21)."""

import base64
import binascii
import hashlib
import os
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from typing_extensions import override

from revenge_adapters.master_secret import derived_key
from revenge_core.auth.entities import AccessClaims, AuthRules, SigningKey
from revenge_core.auth.errors import AccessTokenInvalid, MasterSecretMismatch
from revenge_core.auth.ports import AccessTokens
from revenge_core.ids import SessionId, UserId
from revenge_core.secrets import Secret

ALGORITHM: Final = "HS256"
TYPE: Final = "at+jwt"
AUDIENCE: Final = "revenge"
REMEMBERED_TOKENS: Final = 10_000
MAX_TOKEN_LENGTH: Final = 4096
_NONCE_BYTES: Final = 12


class _Header(msgspec.Struct):
    kid: str
    alg: str
    typ: str


class _Payload(msgspec.Struct):
    iss: str
    aud: str
    sub: UUID
    sid: UUID
    exp: float


class JoserfcAccessTokens(AccessTokens):
    """Signs and checks access tokens.

    A token that was verified once is remembered by its digest until it expires, so the next look costs a hash and a
    dictionary; loading other keys forgets all of them.
    """

    def __init__(self, master_secret: Secret, rules: AuthRules, *, issuer: str) -> None:
        self._wrapper = AESGCM(derived_key(master_secret, b"revenge signing-key wrap v1", 32))
        self._secret_check = derived_key(master_secret, b"revenge master-secret check v1", 8).hex()
        self._lifetime = rules.access_token_lifetime
        self._issuer = issuer
        self._registry = jws.JWSRegistry(algorithms=[ALGORITHM])
        self._keys: dict[str, OctKey] = {}
        self._signing_kid = ""
        self._verified: dict[bytes, tuple[AccessClaims, datetime]] = {}

    @override
    def issue(self, user_id: UserId, session_id: SessionId, *, token_id: str, now: datetime) -> Secret:
        issued = int(now.timestamp())
        claims: dict[str, str | int] = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": token_id,
            "iat": issued,
            "exp": issued + int(self._lifetime.total_seconds()),
        }
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self._signing_kid}
        return Secret(jwt.encode(header, claims, self._keys[self._signing_kid], registry=self._registry))

    @override
    def verify(self, token: str, *, now: datetime) -> AccessClaims:
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise AccessTokenInvalid
        remembered_as = hashlib.sha256(token.encode()).digest()
        verified = self._verified.get(remembered_as)
        if verified is None:
            claims = self._checked(token)
            verified = claims, _time_of(claims.expires_at)
            while len(self._verified) >= REMEMBERED_TOKENS:
                del self._verified[next(iter(self._verified))]
            self._verified[remembered_as] = verified
        if now >= verified[1]:
            self._verified.pop(remembered_as, None)
            raise AccessTokenInvalid
        return verified[0]

    @override
    def knows_key_of(self, token: str) -> bool:
        try:
            return _header(token).kid in self._keys
        except AccessTokenInvalid:
            return True  # nothing to fetch for what is no token

    @override
    def load(self, keys: tuple[SigningKey, ...]) -> None:
        opened = {key.kid: self._open(key) for key in keys}
        signing = [key for key in keys if key.retired_at is None]
        self._signing_kid = max(signing, key=lambda key: (key.created_at, key.kid)).kid
        self._keys = opened
        self._verified.clear()

    @override
    def new_key(self, kid: str, *, now: datetime) -> SigningKey:
        nonce = os.urandom(_NONCE_BYTES)
        wrapped = nonce + self._wrapper.encrypt(nonce, os.urandom(32), kid.encode())
        return SigningKey(kid=kid, wrapped=wrapped, secret_check=self._secret_check, created_at=now)

    def _open(self, key: SigningKey) -> OctKey:
        if key.secret_check != self._secret_check:
            raise MasterSecretMismatch
        nonce, sealed = key.wrapped[:_NONCE_BYTES], key.wrapped[_NONCE_BYTES:]
        try:
            return OctKey.import_key(self._wrapper.decrypt(nonce, sealed, key.kid.encode()))
        except InvalidTag:
            raise MasterSecretMismatch from None

    def _checked(self, token: str) -> AccessClaims:
        header = _header(token)
        key = self._keys.get(header.kid)
        if key is None or header.alg != ALGORITHM or header.typ != TYPE:
            raise AccessTokenInvalid
        try:
            payload = _payload(jws.deserialize_compact(token, key, registry=self._registry).payload)
        except (JoseError, ValueError):
            raise AccessTokenInvalid from None
        if payload.iss != self._issuer or payload.aud != AUDIENCE:
            raise AccessTokenInvalid
        return AccessClaims(user_id=UserId(payload.sub), session_id=SessionId(payload.sid), expires_at=payload.exp)


def _time_of(timestamp: float) -> datetime:
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (ValueError, OverflowError, OSError):
        raise AccessTokenInvalid from None


def _payload(raw: bytes | None) -> _Payload:
    return msgspec.json.decode(raw or b"", type=_Payload)


def _header(token: str) -> _Header:
    """The header of what may be a token, read without believing it."""
    first = token.partition(".")[0]
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)), type=_Header)
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise AccessTokenInvalid from None
