"""Named SQL: statements live in a `.sql` file beside the store that runs them, indexed by a typed class.

    class Sql(SqlFile, file="users.sql"):
        by_id: Query[User]          # rows are users
        mark_login: Query[None]     # a write: no rows

In the file each statement follows a line `-- name: by_id`. Importing fails when class and file disagree; whether
columns fit the record, a house test asks PostgreSQL.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from operator import itemgetter
from typing import Any, ClassVar, Final, Generic, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from psycopg import AsyncCursor, Cursor
from psycopg.adapt import PyFormat
from typing_extensions import override

from revenge_core.secrets import Secret

Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)
MakeRow: TypeAlias = Callable[[Sequence[Any]], Row]

_NAME: Final = re.compile(r"^-- name: *(\w+) *$", re.MULTILINE)
_PLACEHOLDER: Final = re.compile(r"%(?:%|\((\w+)\)s)")
_COMMENT: Final = re.compile(r"^ *--.*\n?", re.MULTILINE)


class SqlMismatchError(Exception):
    """A statement, the class that names it, and the record it is to fill do not fit together."""


class Query(Generic[Row_co]):
    """One statement, and what its rows are: an entity, a single value, or None where it gives none.

    Columns go to the fields of the same name, also to those of entities inside the entity; every field has its column
    and every column its field.
    """

    __slots__ = ("_make", "formats", "name", "names", "positional", "row_type", "text")

    keeps_plan: ClassVar[bool] = True
    """Whether a connection has it planned once for all times that it runs."""

    def __init__(self, name: str, text: str, row_type: Any) -> None:  # noqa: ANN401 -- a type form has no type in 3.11
        self.name = name
        self.text = text.encode()
        self.row_type = row_type
        self.names = tuple(dict.fromkeys(found[1] for found in _PLACEHOLDER.finditer(text) if found[1]))
        """Its parameters, in the order in which `positional` numbers them."""
        numbers = {parameter: f"${number}" for number, parameter in enumerate(self.names, 1)}
        self.positional = _PLACEHOLDER.sub(lambda found: numbers.get(found[1], "%"), text).encode()
        """The statement as PostgreSQL has it."""
        self.formats = [PyFormat.AUTO] * len(self.names)
        self._make: MakeRow[Row_co] | None = None

    @override
    def __repr__(self) -> str:
        return f"<Query {self.name}>"

    def row_factory(self, cursor: AsyncCursor[Any] | Cursor[Any]) -> MakeRow[Row_co]:
        """What psycopg calls for each result of a cursor."""
        return self.maker(lambda: tuple(column.name for column in cursor.description or ()))

    def maker(self, columns: Callable[[], tuple[str, ...]]) -> MakeRow[Row_co]:
        """What makes a row: it is worked out once, from the first result's columns."""
        if self._make is None:
            self._make = self.decoder(columns())
        return self._make

    def decoder(self, columns: tuple[str, ...]) -> MakeRow[Row_co]:
        """How rows with these columns become `row_type`.

        Raises:
            SqlMismatchError: they don't.
        """
        row_type = self.row_type
        if row_type is type(None):
            if columns:
                raise SqlMismatchError(f"{self.name} gives {columns}, but its class says that it gives nothing")
            return _nothing
        if not _is_record(row_type):
            if len(columns) != 1:
                raise SqlMismatchError(f"{self.name} gives {columns}, but its class says that it gives one value")
            return lambda values: _converted(values[0], row_type)
        return self._record_decoder(columns, row_type)

    def _record_decoder(self, columns: tuple[str, ...], record: type[msgspec.Struct]) -> MakeRow[Row_co]:
        homes = sorted(_homes(record))
        if sorted(columns) != [field for field, _ in homes]:
            raise SqlMismatchError(
                f"{self.name} gives {sorted(columns)}, but {record.__name__} has {[field for field, _ in homes]}"
            )
        row_type = self.row_type
        parts = sorted({part for _, part in homes if part})
        if not parts:
            return lambda values: _converted(dict(zip(columns, values, strict=True)), row_type)
        # psycopg decodes whole rows, so an entity inside an entity takes its columns out of the row by position.
        home_of = dict(homes)
        places = {part: [n for n, column in enumerate(columns) if home_of[column] == part] for part in ("", *parts)}
        names = {part: [columns[n] for n in places[part]] for part in places}
        picks = {part: _picker(places[part]) for part in places}

        def make(values: Sequence[Any]) -> Any:  # noqa: ANN401 -- as `_converted`
            row = dict(zip(names[""], picks[""](values), strict=True))
            for part in parts:
                row[part] = dict(zip(names[part], picks[part](values), strict=True))
            return _converted(row, row_type)

        return make


class Replanned(Query[Row_co]):
    """A statement that is planned each time it runs, which costs 0.1 to 0.3 ms.

    For tables that are all but empty now and hold a million rows in a minute: a plan that was made for a handful of
    rows scans the whole table, and would be kept until the next ANALYZE.
    """

    __slots__ = ()

    keeps_plan: ClassVar[bool] = False


class SqlFile:
    """Base of the classes that index a file of statements; a subclass names the file that lies beside its module."""

    statements: ClassVar[dict[str, Query[Any]]]

    @override
    def __init_subclass__(cls, *, file: str) -> None:
        text = files(cls.__module__.rpartition(".")[0]).joinpath(file).read_text("utf-8")
        found = parse(text)
        declared = dict(_declared(cls))
        if found.keys() != declared.keys():
            odd = ", ".join(sorted(found.keys() ^ declared.keys()))
            raise SqlMismatchError(f"{file} and {cls.__module__}.{cls.__qualname__} disagree about: {odd}")
        cls.statements = {name: kind(name, found[name], row_type) for name, (kind, row_type) in declared.items()}
        for name, query in cls.statements.items():
            setattr(cls, name, query)


def parse(text: str) -> dict[str, str]:
    """The statements of a file, by name, without their comments.

    Raises:
        SqlMismatchError: two have one name.
    """
    _, *pieces = _NAME.split(text)
    names, bodies = pieces[::2], pieces[1::2]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SqlMismatchError(f"named twice: {', '.join(sorted(twice))}")
    return {name: _COMMENT.sub("", body).strip().removesuffix(";") for name, body in zip(names, bodies, strict=True)}


def _declared(cls: type) -> Iterator[tuple[str, tuple[type[Query[Any]], Any]]]:
    for name, annotation in inspect.get_annotations(cls, eval_str=True).items():
        origin: object = get_origin(annotation)
        if not (isinstance(origin, type) and issubclass(origin, Query)):
            raise SqlMismatchError(f"{cls.__module__}.{cls.__qualname__}.{name} is to be a Query[…]")
        yield name, (origin, get_args(annotation)[0])


def _homes(record: type[msgspec.Struct]) -> Iterator[tuple[str, str]]:
    """Every column of the record with the field whose entity it belongs to; an empty name for the record itself."""
    hints = get_type_hints(record)
    for field in record.__struct_fields__:
        if _is_record(hints[field]):
            yield from ((inner, field) for inner in hints[field].__struct_fields__)
        else:
            yield field, ""


def _is_record(row_type: Any) -> bool:  # noqa: ANN401 -- a type form
    return isinstance(row_type, type) and issubclass(row_type, msgspec.Struct)


def _picker(places: list[int]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    if len(places) == 1:
        only = places[0]
        return lambda values: (values[only],)
    return itemgetter(*places) if places else lambda _: ()


def _nothing(_: Sequence[Any]) -> Any:  # noqa: ANN401 -- never called: there are no rows
    return None


def _converted(value: Any, row_type: Any) -> Any:  # noqa: ANN401 -- what comes out is what `row_type` says
    return msgspec.convert(value, row_type, dec_hook=_dec_hook)


def _dec_hook(wanted: type, value: object) -> object:
    if wanted is Secret and isinstance(value, str):
        return Secret(value)
    raise SqlMismatchError(f"PostgreSQL gave {type(value).__name__} for {wanted.__name__}")
