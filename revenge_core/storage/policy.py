"""Rules for the keys of files."""

import re
from typing import Final

from revenge_core.storage.errors import FileKeyInvalid

KEY_MAX: Final = 200
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*(\.[a-z0-9]{1,8})?\Z")


def checked_key(key: str) -> str:
    """`key`, if it is one: segments of small letters, digits, `-` and `_`, and a short ending.

    Raises:
        FileKeyInvalid: it is none, and could perhaps lead out of the storage (ASVS 5.3.2).
    """
    if len(key) > KEY_MAX or not _KEY.match(key):
        raise FileKeyInvalid
    return key
