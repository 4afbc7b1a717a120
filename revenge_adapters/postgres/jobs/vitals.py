"""What slows the queue down before anybody notices: old transactions and rows that were not cleaned up."""

from revenge_adapters.meter import Vitals
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.sql import Query, SqlFile


class Sql(SqlFile, file="vitals.sql"):
    """The statement."""

    vitals: Query[Vitals]


async def vitals(database: Database) -> Vitals:
    """How the database is, seen from the queue.

    Raises:
        DatabaseUnavailable: it does not answer.
    """
    return await database.one(Sql.vitals) or Vitals(oldest_transaction=0, dead_jobs=0)
