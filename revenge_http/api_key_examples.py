"""Examples of what `/apikeys` takes and tells, for the documentation."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from msgspec.structs import asdict

from revenge_core.apikeys.entities import KeyScope
from revenge_core.secrets import Secret
from revenge_http.api_key_records import (
    SHOWN_ONCE,
    APIKeyInfo,
    APIKeyListResponse,
    APIKeyProposal,
    APIKeyUse,
    APIKeyUses,
    CreateAPIKeyRequest,
    CreateAPIKeyResponse,
    RotateAPIKeyRequest,
    UpdateAPIKeyRequest,
)
from revenge_http.wire import Wire

_THEN: Final = datetime(2026, 2, 14, 10, tzinfo=UTC)
_LATER: Final = datetime(2027, 2, 14, 10, tzinfo=UTC)
_USED: Final = datetime(2026, 2, 15, 7, 30, tzinfo=UTC)

_key: Final = APIKeyInfo(
    id=UUID("019c5b1e-5e00-7000-8000-00000000000b"),
    user_id=UUID("019c5b1e-5e00-7000-8000-000000000001"),
    name="Backups",
    description="Runs every night on the file server",
    key_prefix="rv_5f1c2",
    scopes=[KeyScope.READ],
    permissions=["libraries:scan"],
    allowed_addresses=["192.0.2.0/24"],
    rate_limit=120,
    recording=False,
    is_active=True,
    expires_at=_LATER,
    last_used_at=_USED,
    last_used_address="192.0.2.7",
    created_at=_THEN,
    updated_at=_THEN,
)

API_KEY_EXAMPLES: Final[tuple[Wire, ...]] = (
    _key,
    APIKeyListResponse(keys=[_key], total=1),
    APIKeyUses(
        recording=True,
        uses=[APIKeyUse(right="libraries:scan", uses=7, first_used_at=_THEN, last_used_at=_USED)],
        proposal=APIKeyProposal(scopes=[], permissions=["libraries:scan"]),
    ),
    CreateAPIKeyRequest(
        name="Backups",
        description="Runs every night on the file server",
        scopes=(KeyScope.READ,),
        permissions=("libraries:scan",),
        allowed_addresses=("192.0.2.0/24",),
        rate_limit=120,
        expires_at=_LATER,
    ),
    CreateAPIKeyResponse(**asdict(_key), api_key=Secret("rv_5f1c2…64 hexadecimal digits"), message=SHOWN_ONCE),
    RotateAPIKeyRequest(overlap_seconds=3600),
    UpdateAPIKeyRequest(name="Backups, file server", permissions=()),
)
