"""Arrays as PostgreSQL reads them from text: psycopg needs 40 µs to make one of a list, the server 1 to read this."""

from collections.abc import Iterable
from datetime import datetime


def text_array(values: Iterable[str]) -> str:
    """`values` for `%(values)s::text::text[]`."""
    return "{" + ",".join(f'"{_escaped(value)}"' for value in values) + "}"


def int_array(values: Iterable[int]) -> str:
    """`values` for `%(values)s::text::bigint[]`, or of smaller ones."""
    return "{" + ",".join(map(str, values)) + "}"


def number_array(values: Iterable[float]) -> str:
    """`values` for `%(values)s::text::double precision[]`, to the last digit, or of whole ones."""
    return "{" + ",".join(map(repr, values)) + "}"


def time_array(values: Iterable[datetime | None]) -> str:
    """`values` for `%(values)s::text::timestamptz[]`."""
    return "{" + ",".join("NULL" if value is None else f'"{value.isoformat()}"' for value in values) + "}"


def bytea_array(values: Iterable[bytes]) -> str:
    """`values` for `%(values)s::text::bytea[]`."""
    return "{" + ",".join(f'"\\\\x{value.hex()}"' for value in values) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
