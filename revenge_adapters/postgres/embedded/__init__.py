"""A PostgreSQL of our own: found, started, shared between processes, stopped (rulings R30 to R32)."""

from .binaries import Installation, find_installation
from .cluster import Cluster
from .errors import EmbeddedPostgresError

__all__ = ["Cluster", "EmbeddedPostgresError", "Installation", "find_installation"]
