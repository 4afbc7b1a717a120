"""Identifiers that are the same in every run."""

from itertools import count
from typing import Final
from uuid import UUID

from typing_extensions import override

from revenge_core.ids import Ids

_VERSION_AND_VARIANT: Final = 7 << 76 | 0b10 << 62
_FIRST_MILLISECOND: Final = 0x019B_0000_0000


class CountingIds(Ids):
    """Shaped like UUIDv7 and sorted in order of making; the last digits count, so that a failure is readable."""

    def __init__(self) -> None:
        self._numbers = count(1)

    @override
    def new(self) -> UUID:
        number = next(self._numbers)
        return UUID(int=(_FIRST_MILLISECOND + number) << 80 | _VERSION_AND_VARIANT | number)
