"""How the server is, as probes and administrators see it."""

from enum import StrEnum

from msgspec import field

from revenge_core.entity import Entity


class Status(StrEnum):
    """Degraded still serves; unhealthy does not."""

    DEGRADED = "degraded"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Check(Entity, kw_only=True):
    """The answer of one probe. `details` are for administrators only (decisions P7)."""

    name: str
    status: Status
    message: str | None = None
    details: dict[str, str | int | float | bool] = field(default_factory=dict[str, str | int | float | bool])
