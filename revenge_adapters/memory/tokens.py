"""Access tokens for tests: signed, but readable and with keys that lie open."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from typing_extensions import override

from revenge_core.auth.entities import AccessClaims, AuthRules, SigningKey
from revenge_core.auth.errors import AccessTokenInvalid, MasterSecretMismatch
from revenge_core.auth.ports import AccessTokens
from revenge_core.ids import SessionId, UserId
from revenge_core.secrets import Secret

_PREFIX: Final = "plain"


class _Said(msgspec.Struct, frozen=True):
    """What a token says."""

    user_id: UUID
    session_id: UUID
    token_id: str
    expires_at: float


class PlainAccessTokens(AccessTokens):
    """`plain.<key id>.<JSON in base64>.<HMAC>`: nobody can make one without a loaded key, everybody can read one."""

    def __init__(self, rules: AuthRules, *, master_secret: Secret | None = None) -> None:
        self._lifetime = rules.access_token_lifetime
        master = master_secret or Secret("the master secret of no server")
        self._secret_check = hashlib.sha256(master.reveal().encode()).hexdigest()[:16]
        self._keys: dict[str, SigningKey] = {}

    @override
    def issue(self, user_id: UserId, session_id: SessionId, *, token_id: str, now: datetime) -> Secret:
        expires_at = (now + self._lifetime).timestamp()
        said = _Said(user_id=user_id, session_id=session_id, token_id=token_id, expires_at=expires_at)
        key = max(
            (key for key in self._keys.values() if key.retired_at is None), key=lambda key: (key.created_at, key.kid)
        )
        body = f"{_PREFIX}.{key.kid}.{urlsafe_b64encode(msgspec.json.encode(said)).decode()}"
        return Secret(f"{body}.{_mac(key, body)}")

    @override
    def verify(self, token: str, *, now: datetime) -> AccessClaims:
        key = self._keys.get(_kid_of(token) or "")
        body, _, mac = token.rpartition(".")
        if key is None or not mac.isascii() or not hmac.compare_digest(mac, _mac(key, body)):
            raise AccessTokenInvalid
        said = msgspec.json.decode(urlsafe_b64decode(body.split(".")[2]), type=_Said)
        if now.timestamp() >= said.expires_at:
            raise AccessTokenInvalid
        return AccessClaims(
            user_id=UserId(said.user_id), session_id=SessionId(said.session_id), expires_at=said.expires_at
        )

    @override
    def knows_key_of(self, token: str) -> bool:
        kid = _kid_of(token)
        return kid is None or kid in self._keys

    @override
    def load(self, keys: tuple[SigningKey, ...]) -> None:
        if any(key.secret_check != self._secret_check for key in keys):
            raise MasterSecretMismatch
        self._keys = {key.kid: key for key in keys}

    @override
    def new_key(self, kid: str, *, now: datetime) -> SigningKey:
        return SigningKey(kid=kid, wrapped=secrets.token_bytes(32), secret_check=self._secret_check, created_at=now)


def _kid_of(token: str) -> str | None:
    match token.split("."):
        case [prefix, kid, _, _] if prefix == _PREFIX:
            return kid
        case _:
            return None


def _mac(key: SigningKey, body: str) -> str:
    return hmac.new(key.wrapped, body.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
