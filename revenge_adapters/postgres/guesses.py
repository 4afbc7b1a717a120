"""Counts of guesses in PostgreSQL: every server counts together (rulings R9)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from typing_extensions import override

from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.jobs.literals import number_array, text_array, time_array
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.auth.entities import GuessCount
from revenge_core.auth.ports import GuessReader, GuessStore

_TICK: Final = timedelta(microseconds=1)


class Sql(SqlFile, file="guesses.sql"):
    """The statements of guessing."""

    lock: Query[GuessCount]
    put: Query[None]
    give_back: Query[None]
    lock_untold: Query[GuessCount]
    clear: Query[None]
    forget: Query[None]
    used: Query[GuessCount]


class PostgresGuesses(GuessStore):
    """Counts inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def lock(self, keys: Sequence[str], at: datetime) -> dict[str, GuessCount]:
        return {count.key: count for count in await self._transaction.all(Sql.lock, keys=text_array(set(keys)), at=at)}

    @override
    async def put(self, counts: Sequence[GuessCount]) -> None:
        self._transaction.later(
            Sql.put,
            keys=text_array(count.key for count in counts),
            used=number_array(count.used for count in counts),
            times=time_array(count.at for count in counts),
            refused=number_array(count.refused for count in counts),
            told=time_array(count.told_at for count in counts),
        )

    @override
    async def give_back(self, earlier: Mapping[str, timedelta]) -> None:
        self._transaction.later(
            Sql.give_back, keys=text_array(earlier), earlier=number_array(by // _TICK for by in earlier.values())
        )

    @override
    async def lock_untold(self, *, told_before: datetime, limit: int) -> tuple[GuessCount, ...]:
        return await self._transaction.all(Sql.lock_untold, told_before=told_before, limit=limit)

    @override
    async def clear(self, subject: str) -> int:
        return await self._transaction.run(Sql.clear, subject=subject)

    @override
    async def forget(self, *, before: datetime, limit: int) -> int:
        return await self._transaction.run(Sql.forget, before=before, limit=limit)


class PostgresGuessReader(GuessReader):
    """Counts outside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def used(self, *, limit: int) -> tuple[GuessCount, ...]:
        return await self._database.all(Sql.used, limit=limit)
