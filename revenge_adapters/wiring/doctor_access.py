"""One of doctor's looks: whether the compiled index means what the policies mean (decisions A2)."""

import time
from datetime import timedelta
from typing import Final

from revenge_adapters.access_casbin import Compared, Reference, compare, role_subject, user_subject
from revenge_adapters.postgres.access import read_access
from revenge_adapters.postgres.db import Database
from revenge_core.rbac.policy import compile_index

BUDGET_SECONDS: Final = 5.0
"""An Enforcer takes milliseconds an answer where there are many policies; what was not compared by then, is not."""
USERS: Final = 200
"""At most so many, all of whom hold different roles."""


async def compare_access(url: str, *, budget: float = BUDGET_SECONDS) -> Compared:
    """Compare index and Enforcer over the rows of this database: each role, then users of each set of roles held.

    Raises:
        DatabaseUnavailable: it does not answer.
    """
    database = Database(url, min_size=1, max_size=1, acquire_timeout=timedelta(seconds=5))
    try:
        await database.open()
        rows, samples = await read_access(database, limit=USERS)
    finally:
        await database.close()

    subjects = [
        *((role_subject(role.name), frozenset({role.name})) for role in rows.roles),
        *((user_subject(sample.user_id), sample.roles) for sample in samples),
    ]
    until = time.monotonic() + budget
    return compare(Reference(rows), compile_index(rows.roles), subjects, lambda: time.monotonic() < until)
