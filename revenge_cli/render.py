"""Showing records: aligned for people, tab-separated for `cut`, or JSON for programs. Results go to standard output."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, cast

import click

COLOURS: Final = {
    "pass": "green",
    "warn": "yellow",
    "fail": "red",
    "completed": "green",
    "running": "blue",
    "retryable": "yellow",
    "discarded": "red",
    "disabled": "yellow",
    "deleted": "red",
}
_OBEYED: Final = frozenset({"Cc", "Cf", "Cs"})
"""Categories of characters that move the cursor, turn the text around, or cannot be written at all."""


class Shape(Enum):
    """How results are written."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"


def show_rows(shape: Shape, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Write a list of records. JSON is an array of objects, with every key they have."""
    if shape is Shape.JSON:
        _write_json([dict(row) for row in rows])
        return
    if shape is Shape.PLAIN:
        for row in rows:
            click.echo("\t".join(text_of(row.get(column)) for column in columns))
        return
    for line in table(columns, rows):
        click.echo(line)


def table(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Aligned lines under a heading."""
    cells = [[text_of(row.get(column)) for column in columns] for row in rows]
    widths = [max(map(width_of, column)) for column in zip(columns, *cells, strict=True)]
    return [
        _aligned([click.style(column.upper(), bold=True) for column in columns], widths),
        *(
            _aligned([click.style(cell, fg=COLOURS[cell]) if cell in COLOURS else cell for cell in line], widths)
            for line in cells
        ),
    ]


def show_record(shape: Shape, record: Mapping[str, object]) -> None:
    """Write one record: an object in JSON, else one line for each field."""
    if shape is Shape.JSON:
        _write_json(dict(record))
        return
    width = 0 if shape is Shape.PLAIN else max(map(len, record)) + 1
    separator = "\t" if shape is Shape.PLAIN else " "
    for name, value in record.items():
        click.echo(f"{name:{width}}{separator}{text_of(value)}")


def text_of(value: object) -> str:
    """A value on one line, without anything that a terminal would obey (ASVS 16.4.1)."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case list() | tuple():
            return ", ".join(map(text_of, cast(Sequence[object], value)))
        case _:
            return harmless(str(value))


def harmless(text: str) -> str:
    """The text with control characters spelled out."""
    return "".join(
        character if unicodedata.category(character) not in _OBEYED else ascii(character)[1:-1] for character in text
    )


def json_text(value: object) -> str:
    """JSON for people and programs: two spaces, Unicode as it is, but nothing that a terminal would obey."""
    return _escaped(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def json_line(value: object) -> str:
    """JSON on one line."""
    return _escaped(json.dumps(value, ensure_ascii=False, default=_plain))


def _escaped(text: str) -> str:
    """JSON that means the same, with what `harmless` spells out written as JSON's own escapes."""
    return "\n".join(line if line.isprintable() else "".join(map(_escape, line)) for line in text.split("\n"))


def _escape(character: str) -> str:
    return json.dumps(character)[1:-1] if unicodedata.category(character) in _OBEYED else character


def _write_json(value: object) -> None:
    click.echo(json_text(value))


def _plain(value: object) -> Any:  # noqa: ANN401 (what JSON can hold)
    import msgspec

    return msgspec.to_builtins(value, enc_hook=str)


def width_of(text: str) -> int:
    """Columns in a terminal; wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - width_of(click.unstyle(cell))) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()
