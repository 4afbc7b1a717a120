"""What may be remembered."""

from collections.abc import Iterator
from typing import Any

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

from revenge_core.secrets import Secret


def refuse_secrets(form: type[Any]) -> None:
    """Check that no secret can be in a record of this form, and no bytes, which is how digests are kept.

    Raises:
        TypeError: it can. Caches are read by more eyes than the database is, and copied to more places (ASVS 14.2.4).
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
