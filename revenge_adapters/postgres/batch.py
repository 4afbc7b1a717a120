"""Reads of many rows by their ids."""

from collections.abc import Iterable
from uuid import UUID

from revenge_adapters.batch import Batch

__all__ = ["Batch", "uuid_array"]


def uuid_array(ids: Iterable[UUID]) -> str:
    """`ids` for `%(ids)s::text::uuid[]`: psycopg needs 40 µs to make an array of a list, PostgreSQL 1 to read this."""
    return f"{{{','.join(map(str, ids))}}}"
