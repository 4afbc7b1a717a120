"""One trip to PostgreSQL: statements in one message, their answers in one.

psycopg's cursors do the same at three times the cost in Python: a cursor, a query and a wait for each statement. So its
layers below are used directly: libpq, which `psycopg.pq` wraps, and the adapters of values.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, TypeAlias, TypeVar

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.abc import PQGen, Transformer
from psycopg.adapt import Transformer as NewTransformer
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.waiting import Wait
from typing_extensions import override

from revenge_adapters.postgres.sql import Query

T = TypeVar("T")

PREPARED_STATEMENTS: Final = 500
"""So many a connection keeps at most, in an hour of life; what comes later is planned each time."""
CANCEL_SECONDS: Final = 1.0
"""How long a cancelled caller waits at most for the server to hear of it; the connection is closed then."""

Parameters: TypeAlias = Mapping[str, object]
Statement: TypeAlias = tuple[Query[Any], Parameters]
_Kind: TypeAlias = tuple[Query[Any], tuple[int, ...]]
"""A statement is prepared once for all parameters of the same types: None has none, small numbers are small types."""

_GOOD: Final = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY})


class Connection(AsyncConnection[Any]):
    """A connection that knows its prepared statements, and gives up soon where the line is dead."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 -- psycopg's
        super().__init__(*arguments, **named)
        self.adapting: Transformer = NewTransformer(self)
        self.prepared: dict[_Kind, bytes] = {}
        self.named = 0

    @override
    async def cancel_safe(self, *, timeout: float = CANCEL_SECONDS) -> None:
        await super().cancel_safe(timeout=min(timeout, CANCEL_SECONDS))


class Answer(Generic[T]):
    """What PostgreSQL answered to one statement."""

    __slots__ = ("_adapting", "_query", "_result")

    def __init__(self, query: Query[T], adapting: Transformer, result: PGresult) -> None:
        self._query = query
        self._adapting = adapting
        self._result = result

    @property
    def count(self) -> int:
        """How many rows were written, or found."""
        return self._result.command_tuples or 0

    def rows(self, most: int | None = None) -> tuple[T, ...]:
        """The rows, or the first of them."""
        result = self._result
        make = self._query.maker(lambda: tuple((result.fname(n) or b"").decode() for n in range(result.nfields)))
        number = result.ntuples if most is None else min(most, result.ntuples)
        if not number:
            return ()
        self._adapting.set_pgresult(result, format=Format.BINARY)
        return tuple(self._adapting.load_rows(0, number, make))


async def exchange(connection: Connection, statements: Sequence[Statement]) -> list[Answer[Any]]:
    """Run them one after another; the first that fails is told of, and none after it was run.

    Raises:
        psycopg.Error: something went wrong.
    """
    async with connection.lock:
        results = await connection.wait(_trip(connection, statements))
    adapting = connection.adapting
    return [Answer(query, adapting, result) for (query, _), result in zip(statements, results, strict=True)]


class _Message:
    """A statement, ready to be sent: whatever can be wrong with its values was wrong before anything went out."""

    __slots__ = ("formats", "kind", "name", "query", "types", "values")

    def __init__(self, connection: Connection, query: Query[Any], parameters: Parameters) -> None:
        adapting = connection.adapting
        self.query = query
        self.values = adapting.dump_sequence([parameters[name] for name in query.names], query.formats)
        self.types = adapting.types or ()
        self.formats = adapting.formats
        self.kind: _Kind = (query, self.types)
        self.name: bytes | None = None
        """Where it is to be prepared first, as what."""


def _trip(connection: Connection, statements: Sequence[Statement]) -> PQGen[list[PGresult]]:
    line = connection.pgconn
    messages = [_Message(connection, query, parameters) for query, parameters in statements]
    if line.status != ConnStatus.OK:
        raise psycopg.OperationalError("the connection is closed")
    line.enter_pipeline_mode()
    for message in messages:
        _put(connection, message)
    line.pipeline_sync()
    answers = iter((yield from _answers(connection)))
    line.exit_pipeline_mode()
    results: list[PGresult] = []
    for message in messages:
        if message.name is not None:
            _good(next(answers))
            connection.prepared[message.kind] = message.name
        results.append(_good(next(answers)))
    return results


def _put(connection: Connection, message: _Message) -> None:
    line, query, types = connection.pgconn, message.query, message.types
    name = connection.prepared.get(message.kind)
    if name is None:
        if not query.keeps_plan or len(connection.prepared) >= PREPARED_STATEMENTS:
            line.send_query_params(query.positional, message.values, types, message.formats, Format.BINARY)
            return
        connection.named += 1
        name = message.name = b"revenge_%d" % connection.named
        line.send_prepare(name, query.positional, types)
    line.send_query_prepared(name, message.values, message.formats, Format.BINARY)


def _answers(connection: Connection) -> PQGen[list[PGresult]]:
    """All results of the pipeline up to its end."""
    line = connection.pgconn
    while line.flush():
        yield Wait.RW
        line.consume_input()
    results: list[PGresult] = []
    was_last = False
    while True:
        while line.is_busy():
            yield Wait.R
            line.consume_input()
        result = line.get_result()
        if result is None and was_last:
            raise psycopg.OperationalError("the connection was lost between two answers")
        was_last = result is None
        if result is not None:
            if result.status == ExecStatus.PIPELINE_SYNC:
                return results
            results.append(result)


def _good(result: PGresult) -> PGresult:
    if result.status not in _GOOD:
        raise errors.error_from_result(result, "utf-8")
    return result
