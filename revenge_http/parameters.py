"""Path and query parameters: typed, strict, and wrong in every place at once (rulings R8)."""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any, Final, Generic, TypeVar, get_args
from urllib.parse import parse_qsl

import msgspec

from revenge_core.errors import FieldProblem
from revenge_http.asgi import Scope
from revenge_http.decoding import nuls, problems_of
from revenge_http.errors import RequestInvalid
from revenge_http.wire import bare, item_of

T = TypeVar("T", bound=msgspec.Struct)

MAX_QUERY_FIELDS: Final = 100
VERBATIM: Final = msgspec.Meta(extra={"verbatim": True})
"""Marks a list whose items may hold commas: it is given by repeating the parameter only."""

_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,18})\Z")
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}


class _Form(Enum):
    """How a parameter is written."""

    ONE = auto()
    REPEATED = auto()
    LIST = auto()
    """Repeated, or separated by commas, or both."""


class ParameterDecoder(Generic[T]):
    """Reads the parameters of one operation, whose names and types are those of a record."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        fields = msgspec.structs.fields(kind)
        self._forms = {field.encode_name: _form_of(field.type) for field in fields}
        self._leaves = {field.encode_name: bare(item_of(field.type) or field.type) for field in fields}

    def decode(self, scope: Scope) -> T:
        """The record. Query parameters that it does not know are ignored.

        Raises:
            RequestInvalid: some are missing, of the wrong type, or repeated where there is one of them only.
        """
        texts = dict[str, list[str]]()
        for name, value in (*scope["path_params"].items(), *_query(scope)):
            if name in self._forms:
                texts.setdefault(name, []).append(value)
        found = {name: self._value(name, given) for name, given in texts.items()}
        if problems := [*self._repeated(texts), *nuls(found)]:
            raise RequestInvalid(problems=problems)
        try:
            return msgspec.convert(found, self._kind)
        except msgspec.ValidationError:
            raise RequestInvalid(problems=list(problems_of(found, self._kind, ""))) from None

    def _repeated(self, texts: dict[str, list[str]]) -> Iterator[FieldProblem]:
        for name, given in texts.items():
            if len(given) > 1 and self._forms[name] is _Form.ONE:
                yield FieldProblem(pointer=f"/{name}", detail="must be given once")

    def _value(self, name: str, given: list[str]) -> object:
        """What was given, as the types of JSON; what is not of the parameter's type stays text, and will be told."""
        form, leaf = self._forms[name], self._leaves[name]
        if form is _Form.ONE:
            return _read(given[0], leaf)
        items = given if form is _Form.REPEATED else [item for text in given for item in text.split(",")]
        return [_read(item, leaf) for item in items]


def is_list(annotation: Any) -> bool:  # noqa: ANN401 (a type, as `inspect` finds it)
    """Whether a parameter of this type takes several values."""
    return _form_of(annotation) is not _Form.ONE


def is_verbatim(annotation: Any) -> bool:  # noqa: ANN401 (the same)
    """Whether commas belong to its values."""
    return _form_of(annotation) is _Form.REPEATED


def _form_of(annotation: Any) -> _Form:  # noqa: ANN401 (the same)
    if item_of(annotation) is None:
        return _Form.ONE
    return _Form.REPEATED if VERBATIM in get_args(annotation) else _Form.LIST


def _query(scope: Scope) -> list[tuple[str, str]]:
    try:
        return parse_qsl(scope["query_string"].decode("latin-1"), True, max_num_fields=MAX_QUERY_FIELDS)  # noqa: FBT003 (keep_blank_values)
    except ValueError:
        raise RequestInvalid("There are too many query parameters") from None


def _read(text: str, leaf: object) -> object:
    if leaf is int and _INTEGER.match(text):
        return int(text)
    if leaf is bool:
        return _BOOLEANS.get(text.lower(), text)
    return text
