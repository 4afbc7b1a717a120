"""The base of every record that core hands out."""

from typing import dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Entity(msgspec.Struct, frozen=True):
    """A frozen record.

    A subclass says `class User(Entity, kw_only=True)`: msgspec does not inherit `kw_only`, and the decorator only
    tells type checkers. Building one does not validate it, only decoding does; rules therefore live in a feature's
    `policy.py`.
    """
