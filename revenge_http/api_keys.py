"""`/apikeys`: keys that programs present instead of signing in (decisions A4). None of them manages keys."""

from uuid import UUID

from revenge_core.apikeys.entities import ApiKey
from revenge_core.apikeys.errors import (
    KeyIsOver,
    KeyNameTaken,
    KeyNotFound,
    KeySpecInvalid,
    KeyWidened,
    TooManyKeys,
)
from revenge_core.errors import ReauthRequired
from revenge_core.ids import KeyId, UserId
from revenge_core.permissions import Permission
from revenge_core.rbac.errors import RoleTooPowerful
from revenge_http.access import needs, signed_in
from revenge_http.answers import Made, Tagged
from revenge_http.api_key_records import (
    APIKeyInfo,
    APIKeyListResponse,
    APIKeyUses,
    CreateAPIKeyRequest,
    CreateAPIKeyResponse,
    RotateAPIKeyRequest,
    UpdateAPIKeyRequest,
)
from revenge_http.operations import Call, operation
from revenge_http.repeats import Repeats

_KEYS = "/api/v1/apikeys"
_KEY = f"{_KEYS}/{{keyId}}"

_own = signed_in(keys=False)
_not_there = (KeyNotFound,)


@operation("GET", _KEYS, "listAPIKeys", _own)
async def list_keys(call: Call) -> APIKeyListResponse:
    """One's own keys that are good for something, the newest first."""
    return _listed(await call.revenge.api_keys.list(call.actor))


@operation(
    "POST",
    _KEYS,
    "createAPIKey",
    _own,
    status=201,
    raises=(KeySpecInvalid, KeyNameTaken, TooManyKeys, ReauthRequired),
    repeats=Repeats.LOCATION,
)
async def create_key(call: Call, body: CreateAPIKeyRequest) -> Made[CreateAPIKeyResponse]:
    """Make a key; it is told this once."""
    made = await call.revenge.api_keys.create(call.actor, body.new_key())
    return Made(CreateAPIKeyResponse.of_made(made), f"{_KEYS}/{made.key.id}", version=made.key.version)


@operation("GET", _KEY, "getAPIKey", _own, raises=_not_there)
async def get_key(call: Call, key_id: UUID) -> Tagged[APIKeyInfo]:
    """One key, good for something or not."""
    return _tagged(call, await call.revenge.api_keys.get(call.actor, KeyId(key_id)))


@operation(
    "PATCH",
    _KEY,
    "updateAPIKey",
    _own,
    raises=(KeyNotFound, KeyIsOver, KeySpecInvalid, KeyWidened, KeyNameTaken),
)
async def update_key(call: Call, key_id: UUID, body: UpdateAPIKeyRequest) -> Tagged[APIKeyInfo]:
    """Rename or narrow a key; what is left out stays."""
    changes, version = body.changes(), call.version
    return _tagged(call, await call.revenge.api_keys.change(call.actor, KeyId(key_id), changes, version=version))


@operation("DELETE", _KEY, "revokeAPIKey", _own, raises=_not_there)
async def revoke_key(call: Call, key_id: UUID) -> None:
    """End a key for good; nothing happens where it is over already."""
    await call.revenge.api_keys.revoke(call.actor, KeyId(key_id))


@operation(
    "POST",
    f"{_KEY}/rotate",
    "rotateAPIKey",
    _own,
    status=201,
    raises=(KeyNotFound, KeyIsOver, KeySpecInvalid, ReauthRequired),
    repeats=Repeats.LOCATION,
)
async def rotate_key(call: Call, key_id: UUID, body: RotateAPIKeyRequest | None) -> Made[CreateAPIKeyResponse]:
    """Get another key in the place of this one, which works on for a while."""
    overlap = None if body is None else body.overlap
    made = await call.revenge.api_keys.rotate(call.actor, KeyId(key_id), overlap)
    return Made(CreateAPIKeyResponse.of_made(made), f"{_KEYS}/{made.key.id}", version=made.key.version)


@operation("GET", f"{_KEY}/uses", "getAPIKeyUses", _own, raises=_not_there)
async def get_uses(call: Call, key_id: UUID) -> APIKeyUses:
    """What a recording key was seen to need, and the least that would do."""
    return APIKeyUses.of(await call.revenge.api_keys.proposal(call.actor, KeyId(key_id)))


@operation(
    "GET", "/api/v1/admin/users/{userId}/apikeys", "adminListAPIKeys", needs(Permission.APIKEYS_LIST, keys=False)
)
async def list_keys_of(call: Call, user_id: UUID) -> APIKeyListResponse:
    """Somebody's keys that are good for something, the newest first."""
    return _listed(await call.revenge.api_keys.list(call.actor, UserId(user_id)))


@operation(
    "DELETE",
    "/api/v1/admin/apikeys/{keyId}",
    "adminRevokeAPIKey",
    needs(Permission.APIKEYS_REVOKE, keys=False),
    raises=(KeyNotFound, RoleTooPowerful),
)
async def revoke_key_of(call: Call, key_id: UUID) -> None:
    """End somebody's key for good; nothing happens where it is over already."""
    await call.revenge.api_keys.revoke(call.actor, KeyId(key_id))


def _listed(keys: tuple[ApiKey, ...]) -> APIKeyListResponse:
    return APIKeyListResponse(keys=[APIKeyInfo.of(one, is_active=True) for one in keys], total=len(keys))


def _tagged(call: Call, key: ApiKey) -> Tagged[APIKeyInfo]:
    return Tagged(APIKeyInfo.of(key, is_active=call.revenge.api_keys.is_live(key)), key.version)


operations = (
    list_keys,
    create_key,
    get_key,
    update_key,
    revoke_key,
    rotate_key,
    get_uses,
    list_keys_of,
    revoke_key_of,
)
