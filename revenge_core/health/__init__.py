"""How the server is."""

from revenge_core.health.entities import Check, Status
from revenge_core.health.service import Health

__all__ = ["Check", "Health", "Status"]
