"""A probe that answers what it is told."""

from typing_extensions import override

from revenge_core.health.entities import Check, Status
from revenge_core.health.ports import Probe


class SteadyProbe(Probe):
    """Answers `status`, `message` and `details`; tests set them."""

    def __init__(self, name: str = "database", status: Status = Status.HEALTHY, message: str | None = None) -> None:
        self.name = name
        self.status = status
        self.message = message
        self.details: dict[str, str | int | float | bool] = {}

    @override
    async def check(self) -> Check:
        return Check(name=self.name, status=self.status, message=self.message, details=dict(self.details))
