"""What a key looks like."""

import re
from typing import Final

from revenge_core.secrets import Secret, new_token

PREFIX: Final = "rv_"
SHOWN: Final = 8
"""So many characters of a key are kept in the clear."""

_FORM: Final = re.compile(r"rv_[0-9a-f]{64}\Z")
_LENGTH: Final = len(PREFIX) + 64


def new_secret() -> Secret:
    """A key that nobody had before: `rv_` and 256 random bits in hexadecimal."""
    return Secret(PREFIX + new_token().reveal())


def prefix_of(secret: Secret) -> str:
    """The part of it by which its owner knows it again."""
    return secret.reveal()[:SHOWN]


def has_form(presented: Secret) -> bool:
    """Whether it could be a key at all; nothing else is worth a look into the database."""
    text = presented.reveal()
    return len(text) == _LENGTH and _FORM.match(text) is not None
