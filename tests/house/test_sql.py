"""PostgreSQL describes every statement, and what it says fits the record that rows become."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from types import UnionType
from typing import Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
import psycopg
import pytest
from psycopg.pq import ExecStatus

from revenge_adapters.postgres.recycled import RecycledPool
from revenge_adapters.postgres.sql import Query, SqlFile, SqlMismatchError, parse
from revenge_core.secrets import Secret
from tests.house.modules import classes

STATEMENTS: Final = [
    (f"{index.__module__.removeprefix('revenge_adapters.postgres.')}.{name}", query)
    for index in classes("revenge_adapters")
    if issubclass(index, SqlFile) and index is not SqlFile
    for name, query in index.statements.items()
]
PYTHON_TYPES: Final[dict[str, tuple[Any, ...]]] = {
    "bool": (bool,),
    "bytea": (bytes,),
    "float8": (float,),
    "int2": (int,),
    "int4": (int,),
    "int8": (int,),
    "_int8": (list, tuple),
    "interval": (timedelta,),
    "json": (tuple,),
    "jsonb": (dict,),
    "text": (str, Secret),
    "_text": (frozenset, list, tuple),
    "timestamptz": (datetime,),
    "uuid": (UUID,),
    "_uuid": (frozenset, list, tuple),
}
"""What psycopg and the decoder make of each type of PostgreSQL that is used."""
MAY_ASK_THE_TIME: Final = ("feed.poll", "jobs.")
"""Where the production clock learns the database's time, and the job queue, which goes by no other (rulings R26)."""

all_statements = pytest.mark.parametrize(("name", "query"), STATEMENTS, ids=[name for name, _ in STATEMENTS])


class Column(NamedTuple):
    name: str
    type_name: str
    table: int
    number: int
    """Where it comes from, if it is a table's column as it is; else 0."""


@pytest.fixture(scope="module")
def connection(revenge_postgres_pool: RecycledPool) -> Iterator[psycopg.Connection[Any]]:
    with (
        revenge_postgres_pool.lease() as database,
        psycopg.connect(database.owner_url, autocommit=True, options="-c search_path=") as opened,
    ):
        yield opened


def describe(connection: psycopg.Connection[Any], query: Query[Any]) -> list[Column]:
    """What PostgreSQL says about the rows of the statement; it is not run."""
    numbers: dict[str, int] = {}
    text = re.sub(r"%\((\w+)\)s", lambda m: f"${numbers.setdefault(m[1], len(numbers) + 1)}", query.text.decode())
    prepared = connection.pgconn.prepare(b"", text.replace("%%", "%").encode())
    assert prepared.status == ExecStatus.COMMAND_OK, prepared.error_message.decode()
    result = connection.pgconn.describe_prepared(b"")
    return [
        Column(
            name=(result.fname(number) or b"").decode(),
            type_name=type_name(connection, result.ftype(number)),
            table=result.ftable(number),
            number=result.ftablecol(number),
        )
        for number in range(result.nfields)
    ]


def type_name(connection: psycopg.Connection[Any], oid: int) -> str:
    known = connection.adapters.types[oid]
    return f"_{known.name}" if oid == known.array_oid else known.name


def hints(query: Query[Any], columns: list[Column]) -> dict[str, object]:
    """What each column is to become."""
    if is_record(query.row_type):
        return fields(query.row_type)
    return {column.name: query.row_type for column in columns}


def fields(record: type[msgspec.Struct]) -> dict[str, object]:
    """Every column that the record wants, with its type; those of records inside it too."""
    found: dict[str, object] = {}
    annotated = get_type_hints(record)
    for field in record.__struct_fields__:
        hint = annotated[field]
        found |= fields(hint) if is_record(hint) else {field: hint}
    return found


def is_record(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def alternatives(hint: object) -> set[object]:
    """The plain classes that a field accepts; NoneType where it may be None."""
    if get_origin(hint) in {Union, UnionType}:
        return {plain for part in get_args(hint) for plain in alternatives(part)}
    hint = getattr(hint, "__supertype__", hint)  # a NewType
    plain = get_origin(hint) or hint
    return {str} if isinstance(plain, type) and issubclass(plain, Enum) else {plain}


@all_statements
def test_postgresql_understands_the_statement_and_its_columns_are_the_records(
    connection: psycopg.Connection[Any], name: str, query: Query[Any]
) -> None:
    query.decoder(tuple(column.name for column in describe(connection, query)))


@all_statements
def test_columns_have_the_types_of_the_record(
    connection: psycopg.Connection[Any], name: str, query: Query[Any]
) -> None:
    columns = describe(connection, query)
    wanted = hints(query, columns)
    misfits = {
        column.name: column.type_name
        for column in columns
        if not alternatives(wanted[column.name]) & set(PYTHON_TYPES[column.type_name])
    }
    assert misfits == {}


@all_statements
def test_columns_that_may_be_null_go_to_fields_that_may_be_none(
    connection: psycopg.Connection[Any], name: str, query: Query[Any]
) -> None:
    columns = describe(connection, query)
    wanted = hints(query, columns)
    misfits: set[str] = set()
    for column in columns:
        origin = connection.execute(
            "SELECT NOT attnotnull FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
            " WHERE attrelid = %s::oid AND attnum = %s::int AND relkind <> 'v'",  # views do not say
            (column.table, column.number),
        ).fetchone()
        if origin is not None and origin[0] != (type(None) in alternatives(wanted[column.name])):
            misfits.add(column.name)
    assert misfits == set()


@all_statements
def test_time_is_a_parameter(name: str, query: Query[Any]) -> None:
    words = rb"\b(now\(|current_(date|time)|clock_timestamp|statement_timestamp|localtime)"
    assert name.startswith(MAY_ASK_THE_TIME) or not re.search(words, query.text, re.IGNORECASE)


@all_statements
def test_columns_are_named_one_by_one(name: str, query: Query[Any]) -> None:
    assert not re.search(rb"(SELECT|RETURNING|\w\.) *\*", query.text, re.IGNORECASE)


def test_an_index_that_names_a_statement_too_many_is_refused() -> None:
    with pytest.raises(SqlMismatchError, match="disagree about: nonsense"):

        class Sql(SqlFile, file="house_example.sql"):  # pyright: ignore[reportUnusedClass]
            example: Query[int]
            nonsense: Query[int]


def test_a_file_with_a_statement_too_many_is_refused() -> None:
    with pytest.raises(SqlMismatchError, match="disagree about: example"):

        class Sql(SqlFile, file="house_example.sql"):  # pyright: ignore[reportUnusedClass]
            pass


def test_what_is_declared_is_a_query() -> None:
    with pytest.raises(SqlMismatchError, match=r"Sql\.example is to be a Query"):

        class Sql(SqlFile, file="house_example.sql"):  # pyright: ignore[reportUnusedClass]
            example: int


def test_two_statements_of_one_name_are_refused() -> None:
    with pytest.raises(SqlMismatchError, match="named twice: a"):
        parse("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;\n")


def test_comments_and_closing_semicolons_are_left_out() -> None:
    assert parse("-- about the file\n\n-- name: a\n-- why, at 100 %\nSELECT 1;\n") == {"a": "SELECT 1"}
