"""A PostgreSQL of our own: found, started, shared between processes, stopped (rulings R30 to R32)."""

from revenge_adapters.postgres.embedded.binaries import Installation, find_installation
from revenge_adapters.postgres.embedded.cluster import Cluster
from revenge_adapters.postgres.embedded.errors import EmbeddedPostgresError
from revenge_adapters.postgres.embedded.server import EmbeddedServer

__all__ = ["Cluster", "EmbeddedPostgresError", "EmbeddedServer", "Installation", "find_installation"]
