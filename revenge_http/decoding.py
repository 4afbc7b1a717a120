"""From bytes to typed values, telling everything that is wrong at once (rulings R8).

msgspec stops at the first mistake. So what it refuses is looked at again, slowly, field by field and item by item.
"""

import asyncio
import re
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast

import msgspec

from revenge_core.errors import FieldProblem
from revenge_http.asgi import Receive, Scope, values_of
from revenge_http.errors import BodyMalformed, BodyTooSlow, MediaTypeUnsupported, RequestInvalid
from revenge_http.wire import bare, item_of, secrets_hidden

T = TypeVar("T", bound=msgspec.Struct)

NUL: Final = "must not hold the character U+0000"
_ESCAPED_NUL: Final = b"\\u0000"
MAX_PROBLEMS: Final = 100
"""As many are told of one request: a short body can hold a hundred thousand, each in a deep place."""
MAX_ITEMS: Final = 1000
"""So many of a list are looked at."""
MAX_POINTER: Final = 200
MAX_DETAIL: Final = 200
_PLACE: Final = " - at `$"
_WORDS: Final = {
    "`array`": "an array",
    "`bool`": "true or false",
    "`float`": "a number",
    "`int`": "an integer",
    "`null`": "null",
    "`object`": "an object",
    "`str`": "a string",
}


class BodyDecoder(Generic[T]):
    """Decodes JSON bodies of one type."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind, dec_hook=secrets_hidden)

    def decode(self, raw: bytes) -> T:
        """The body as a record.

        Raises:
            BodyMalformed: it is not JSON, or nested too deeply.
            RequestInvalid: fields are missing, of the wrong type, or hold U+0000, which no database column takes.
        """
        try:
            return self._checked(raw)
        except RecursionError:
            raise BodyMalformed("The body is nested too deeply") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            where = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            raise BodyMalformed(f"The body is not valid JSON: {where}") from None

    def _checked(self, raw: bytes) -> T:
        if _ESCAPED_NUL in raw and (problems := list(nuls(msgspec.json.decode(raw)))):
            raise RequestInvalid(problems=problems)
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as first:
            problems = list(problems_of(msgspec.json.decode(raw), self._kind, ""))
            raise RequestInvalid(problems=problems or [_problem(first, "")]) from None


async def read_body(receive: Receive, seconds: float) -> bytes:
    """The whole body; its length was limited further out.

    Raises:
        BodyTooSlow: it was not complete after so many seconds.
        BodyMalformed: the client hung up in the middle.
    """
    chunks: list[bytes] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BodyMalformed("The connection ended before the body did")
                chunks.append(message.get("body", b""))
                if not message.get("more_body"):
                    return b"".join(chunks)
    except TimeoutError:
        raise BodyTooSlow from None


def check_media_type(scope: Scope) -> None:
    """JSON in UTF-8, not compressed.

    Raises:
        MediaTypeUnsupported: the body is said to be something else, or nothing is said.
    """
    types = values_of(scope, b"content-type")
    if len(types) != 1 or not _JSON.match(types[0]) or any(map(_is_compressed, values_of(scope, b"content-encoding"))):
        raise MediaTypeUnsupported


_JSON: Final = re.compile(rb"""(?i)application/json[ \t]*(;[ \t]*charset="?utf-?8"?[ \t]*)?\Z""")


def _is_compressed(coding: bytes) -> bool:
    return coding.strip().lower() not in {b"", b"identity"}


def problems_of(value: object, annotation: Any, pointer: str) -> list[FieldProblem]:  # noqa: ANN401 (a type of any form)
    """Everything that keeps `value` from being of the type; nothing if it is."""
    try:
        msgspec.convert(value, annotation, dec_hook=secrets_hidden)
    except msgspec.ValidationError as error:
        kind = bare(annotation)
        inner = list(islice(_inside(value, kind, item_of(annotation), pointer), MAX_PROBLEMS))
        return inner or [_one_of(kind, pointer) if _is_enum(kind) else _problem(error, pointer)]
    return []


def _inside(value: object, kind: Any, item: Any, pointer: str) -> Iterator[FieldProblem]:  # noqa: ANN401 (the same)
    """What is wrong with the fields of a record, or the items of a list."""
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = cast(dict[str, object], value)
        for field in msgspec.structs.fields(kind):
            here = f"{pointer}/{field.encode_name}"
            if field.encode_name in fields:
                yield from problems_of(fields[field.encode_name], field.type, here)
            elif field.required:
                yield FieldProblem(pointer=here, detail="is required")
    elif isinstance(value, list) and item is not None:
        for index, one in enumerate(cast(list[object], value)[:MAX_ITEMS]):
            yield from problems_of(one, item, f"{pointer}/{index}")


def _is_enum(kind: Any) -> bool:  # noqa: ANN401 (the same)
    return isinstance(kind, type) and issubclass(kind, Enum)


def _one_of(kind: type[Enum], pointer: str) -> FieldProblem:
    return FieldProblem(pointer=pointer, detail=f"must be one of {', '.join(sorted(one.value for one in kind))}")


def _problem(error: msgspec.ValidationError, pointer: str) -> FieldProblem:
    """The sentence of msgspec, which may end in a path like `$.a[0]`, in words that do not need Python.

    It can repeat what was sent, which may be long, and look like a path itself: it is looked at once, from its end.
    """
    sentence, found, path = str(error).rpartition(_PLACE)
    if not found or not path.endswith("`"):
        sentence, path = str(error), "`"
    if len(sentence) > MAX_DETAIL:
        sentence = sentence[:MAX_DETAIL] + "…"
    for technical, plain in _WORDS.items():
        sentence = sentence.replace(technical, plain)
    steps = re.sub(r"\[(\d+|\.\.\.)\]", r"/\1", path[:-1]).replace(".", "/")
    return FieldProblem(pointer=pointer + steps, detail=sentence[:1].lower() + sentence[1:])


_Path: TypeAlias = "tuple[_Path, str | int] | None"
_HOLDERS: Final = (dict, list)
"""Not `dict | list`, which takes four times as long to ask about."""


def nuls(value: object) -> Iterator[FieldProblem]:
    """The first texts in `value`, which came out of JSON, that hold U+0000. A text alone is no record: not looked at.

    No recursion, no pointer in vain, nothing kept of numbers and truth values: a body can hold half a million of them.
    """
    levels: list[tuple[Iterator[tuple[str | int, object]], _Path]] = [(_items(value), None)]
    left = MAX_PROBLEMS
    while levels and left:
        items, path = levels[-1]
        for step, item in items:
            if isinstance(item, str):
                if "\x00" in item:
                    left -= 1
                    yield FieldProblem(pointer=_pointer((path, step)), detail=NUL)
                    if not left:
                        break
            elif item and isinstance(item, _HOLDERS):
                levels.append((_items(cast(object, item)), (path, step)))
                break
        else:
            levels.pop()


def _items(value: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(value, dict):
        return iter(cast(dict[str | int, object], value).items())
    return enumerate(cast(list[object], value)) if isinstance(value, list) else iter(())


def _pointer(path: _Path) -> str:
    """The place, or where that takes too many words, what it lies in."""
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(f"/{_escaped(str(step))}")
    length, pointer = 0, ""
    for step in reversed(steps):
        length += len(step)
        if length > MAX_POINTER:
            break
        pointer += step
    return pointer


def _escaped(key: str) -> str:
    """RFC 6901, section 3."""
    return key.replace("~", "~0").replace("/", "~1")
