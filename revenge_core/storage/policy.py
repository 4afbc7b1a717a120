"""Rules for the keys of files."""

import re
from collections.abc import Mapping
from typing import Final

from revenge_core.storage.errors import FileKeyInvalid

KEY_MAX: Final = 200
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*(\.[a-z0-9]{1,8})?\Z")

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "json": "application/json",
    "webp": "image/webp",
    "zip": "application/zip",
}
"""What each ending stands for. A folder keeps no types beside its files, so the key has to tell."""
OTHER: Final = "application/octet-stream"


def media_type_of(key: str) -> str:
    """What is under this key; never anything that a browser would run."""
    return MEDIA_TYPES.get(key.rpartition(".")[2], OTHER)


def check_media_type(key: str, media_type: str) -> None:
    """See that `key` tells the truth.

    Raises:
        ValueError: its ending stands for another type.
    """
    if media_type != media_type_of(key):
        raise ValueError(f"{key} cannot hold {media_type}: its ending stands for {media_type_of(key)}")


def is_key(key: str) -> bool:
    """Whether something could be kept under it."""
    return len(key) <= KEY_MAX and _KEY.match(key) is not None


def checked_key(key: str) -> str:
    """`key`, if it is one: segments of small letters, digits, `-` and `_`, and a short ending.

    Raises:
        FileKeyInvalid: it is none, and could perhaps lead out of the storage (ASVS 5.3.2).
    """
    if not is_key(key):
        raise FileKeyInvalid
    return key
