"""What is remembered, and for how long."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from revenge_core.cache.policy import refuse_secrets
from revenge_core.entity import Entity
from revenge_core.feed import Change

K = TypeVar("K")
V = TypeVar("V")

LIFETIME_SECONDS: Final = 60.0
"""What only time changes (last activity, last login) is at most this old."""


class Mark(Entity, kw_only=True):
    """A position in the revocation feed that means the same to every process."""

    lineage: str
    """Which history of which database this is. Another one follows a restore, a failover and a restart of it."""
    number: int
    """Everything up to this change was known."""


class Found(Entity, Generic[V], kw_only=True):
    """What there is under a key; None if nothing."""

    value: V | None
    seconds: float
    """How long that stays true if no change of it is announced; counted from when it was asked for."""


@dataclass(frozen=True, kw_only=True)
class Recipe(Generic[K, V]):
    """How values of one kind are had, and what makes them untrue.

    Raises (when it is made):
        TypeError: `form` has a secret or a digest in it.
    """

    name: str
    """What it is called in metrics, and part of names in a shared cache."""
    form: type[V]
    load: Callable[[K], Awaitable[V | None]]
    depends_on: Callable[[K, V | None], tuple[Change, ...]]
    """Which changes make this value, or its absence, untrue."""
    good_for: Callable[[V], float] = lambda _: LIFETIME_SECONDS
    """In how many seconds time does."""
    lifetime: float = LIFETIME_SECONDS
    """No value is remembered for more seconds than that."""
    absent_for: float = 0.0
    """How many seconds an absence is remembered; never, unless a change in `depends_on` announces that it ended."""

    def __post_init__(self) -> None:
        refuse_secrets(self.form)

    def found(self, value: V | None) -> Found[V]:
        """What was read just now."""
        seconds = self.absent_for if value is None else self.good_for(value)
        return Found(value=value, seconds=min(seconds, self.lifetime))
