"""A database per test that costs next to nothing: a pool of clones, cleaned in the background and handed out again."""

from revenge_adapters.postgres.recycled.pool import PoolError, RecycledDatabase, RecycledPool, Server
from revenge_adapters.postgres.recycled.server import APPLICATION, OWNER, postgres_server, recycled_pool

__all__ = [
    "APPLICATION",
    "OWNER",
    "PoolError",
    "RecycledDatabase",
    "RecycledPool",
    "Server",
    "postgres_server",
    "recycled_pool",
]
