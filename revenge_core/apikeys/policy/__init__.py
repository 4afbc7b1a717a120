"""Rules of API keys, without any I/O: what a key looks like, what it is good for, and what "less" means."""

from datetime import timedelta
from typing import Final

from revenge_core.apikeys.policy.addresses import ADDRESS_MAX, canonical, is_taken_from, place_of
from revenge_core.apikeys.policy.fields import (
    ADDRESSES_MAX,
    DESCRIPTION_MAX,
    LIBRARIES_MAX,
    LIFETIME_MAX,
    NAME_MAX,
    OVERLAP_MAX,
    RATE_MAX,
    empty_problems,
    expiry_of,
    field_problems,
    name_key,
    new_problems,
    overlap_problems,
)
from revenge_core.apikeys.policy.form import PREFIX, has_form, new_secret, prefix_of
from revenge_core.apikeys.policy.rights import (
    BUNDLES,
    KNOWN_RIGHTS,
    Grant,
    effective,
    grant_of,
    is_narrower,
    needs_proof,
    rights_of,
    widened,
)
from revenge_core.apikeys.policy.scopes import SMALLEST_SCOPE

SEEN_INTERVAL: Final = timedelta(minutes=1)
"""When and where from a key was last used is written at most this often (decisions A4)."""
KEPT: Final = timedelta(days=90)
"""How long it can still be seen that there was a key, after it was revoked or expired."""

__all__ = [
    "ADDRESSES_MAX",
    "ADDRESS_MAX",
    "BUNDLES",
    "DESCRIPTION_MAX",
    "KEPT",
    "KNOWN_RIGHTS",
    "LIBRARIES_MAX",
    "LIFETIME_MAX",
    "NAME_MAX",
    "OVERLAP_MAX",
    "PREFIX",
    "RATE_MAX",
    "SEEN_INTERVAL",
    "SMALLEST_SCOPE",
    "Grant",
    "canonical",
    "effective",
    "empty_problems",
    "expiry_of",
    "field_problems",
    "grant_of",
    "has_form",
    "is_narrower",
    "is_taken_from",
    "name_key",
    "needs_proof",
    "new_problems",
    "new_secret",
    "overlap_problems",
    "place_of",
    "prefix_of",
    "rights_of",
    "widened",
]
