"""Records of the wire. `rename`, `tag` and encodings live here and in the records of the routes, nowhere else."""

from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, dataclass_transform, get_args, get_origin

import msgspec
from msgspec import UNSET, UnsetType

from revenge_core.secrets import Secret

T = TypeVar("T")

Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339; in UTC and so with `Z`, since that is what core hands out (decisions W8)."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Wire(msgspec.Struct, frozen=True):
    """What a request or a response is made of. Unknown fields of requests are ignored (decisions W11).

    As with core's `Entity`, a subclass says `kw_only=True` itself. A secret is typed `Secret`: it hides itself in every
    repr, and only encoding an answer reveals it.
    """


def _revealed(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    message = f"{type(value).__name__} cannot be sent"
    raise NotImplementedError(message)


def secrets_hidden(kind: type, value: object) -> object:
    """The `dec_hook` of msgspec: text that is read into a `Secret`.

    Raises:
        msgspec.ValidationError: it is not text.
    """
    if kind is not Secret:
        raise NotImplementedError
    return Secret(msgspec.convert(value, str))


_encoder = msgspec.json.Encoder(enc_hook=_revealed)
encode = _encoder.encode


def present(value: T | None) -> T | UnsetType:
    """For answers: what is None is left out."""
    return UNSET if value is None else value


def given(value: T | UnsetType) -> T | None:
    """For requests: what was left out is None."""
    return None if value is UNSET else value


def bare(annotation: Any) -> Any:  # noqa: ANN401 (a type of any form)
    """The type without its limits, and without null or being left out beside it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return bare(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        kinds = [kind for kind in get_args(annotation) if kind not in {NoneType, UnsetType}]
        return bare(kinds[0]) if len(kinds) == 1 else annotation
    return annotation


def item_of(annotation: Any) -> Any | None:  # noqa: ANN401 (the same)
    """The type of a list's items; None for what is no list."""
    plain = bare(annotation)
    return get_args(plain)[0] if get_origin(plain) in {list, tuple} else None
