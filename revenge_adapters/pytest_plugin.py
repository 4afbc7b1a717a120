"""What revenge offers to pytest, in every project that has it installed: doubles, and a database per test.

Nothing of ours is imported before a fixture is used, so whoever uses none pays nothing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from revenge_adapters import Sandbox
    from revenge_adapters.postgres.recycled import RecycledDatabase, RecycledPool

CONTRACTS: Final = "revenge_core.testing.contracts"
if CONTRACTS not in sys.modules:  # as a plugin we come first; who imports this module later would only be warned
    pytest.register_assert_rewrite(CONTRACTS)


@pytest.fixture(scope="session")
def revenge_postgres_prepare() -> Callable[[str], None]:
    """Makes the template of all test databases, given its owner's URL: our migrations.

    Override it to have tables and rows of your own besides; close what you open, or the template cannot be cloned.
    """
    from revenge_adapters.postgres.migrate import migrate
    from revenge_adapters.postgres.recycled import APPLICATION

    def prepare(owner_url: str) -> None:
        migrate(owner_url, app_role=APPLICATION)

    return prepare


@pytest.fixture(scope="session")
def revenge_postgres_pool(revenge_postgres_prepare: Callable[[str], None]) -> Iterator[RecycledPool]:
    """One PostgreSQL for the session (with pytest-xdist: for each worker), started by the first test that needs it.

    `REVENGE_TEST_POSTGRES` names the installation to use, such as `/usr/lib/postgresql/15`.
    """
    from revenge_adapters.postgres.recycled import recycled_pool

    chosen = os.environ.get("REVENGE_TEST_POSTGRES")
    with recycled_pool(revenge_postgres_prepare, installation=Path(chosen) if chosen else None) as pool:
        yield pool


@pytest.fixture
def revenge_postgres(revenge_postgres_pool: RecycledPool) -> Iterator[RecycledDatabase]:
    """A migrated database of the test's own: commits are visible, LISTEN and NOTIFY work, no row outlives the test.

    Close your connections: one that is left open costs a new clone. Roles are the server's, not the database's, so put
    back what you change about them.
    """
    with revenge_postgres_pool.lease() as database:
        yield database


@pytest.fixture
def revenge_postgres_fresh(revenge_postgres_pool: RecycledPool) -> Iterator[RecycledDatabase]:
    """A new clone that is dropped afterwards, for tests that run DDL; costs about 30 ms."""
    with revenge_postgres_pool.fresh() as database:
        yield database


@pytest.fixture
def revenge_sandbox() -> Sandbox:
    """The whole product on doubles in memory, with handles on its clock, its hasher and every stored row."""
    from revenge_adapters import sandbox

    return sandbox()
