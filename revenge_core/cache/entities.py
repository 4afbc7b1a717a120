"""What is remembered, for how long, and what never is."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from msgspec.inspect import (
    BytesType,
    CollectionType,
    CustomType,
    DictType,
    Field,
    StructType,
    TupleType,
    UnionType,
    VarTupleType,
    type_info,
)

from revenge_core.entity import Entity
from revenge_core.feed import Change
from revenge_core.secrets import Secret

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


def refuse_secrets(form: type[Any]) -> None:
    """Check that no secret can be in a record of this form, and no bytes, which is how digests are kept.

    Raises:
        TypeError: it can. Caches are read by more eyes than the database is, and copied to more places.
    """
    for found in _parts(type_info(form), set()):
        if isinstance(found, BytesType) or (isinstance(found, CustomType) and found.cls is Secret):
            raise TypeError(f"{form.__name__} has a secret or a digest in it, which no cache may hold")


def _parts(found: Any, seen: set[type]) -> Iterator[Any]:  # noqa: ANN401 -- msgspec's descriptions share no typed base
    """This description of a type, and those of all that it is made of."""
    yield found
    inner: tuple[Any, ...] = ()
    if isinstance(found, StructType):
        if found.cls in seen:
            return
        seen.add(found.cls)
        inner = tuple(_type_of(field) for field in found.fields)
    elif isinstance(found, UnionType):
        inner = found.types
    elif isinstance(found, DictType):
        inner = (found.key_type, found.value_type)
    elif isinstance(found, TupleType):
        inner = found.item_types
    elif isinstance(found, CollectionType | VarTupleType):
        inner = (found.item_type,)
    for part in inner:
        yield from _parts(part, seen)


def _type_of(field: Field) -> Any:  # noqa: ANN401 -- as above
    return field.type
