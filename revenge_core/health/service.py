"""Liveness, readiness and startup (decisions P7)."""

import asyncio
from collections.abc import Sequence
from typing import Final

from revenge_core.actor import Actor
from revenge_core.health.entities import Check, Status
from revenge_core.health.ports import Probe
from revenge_core.permissions import Permission

_WORST_FIRST: Final = (Status.UNHEALTHY, Status.DEGRADED, Status.HEALTHY)


class Health:
    """What `/healthz`, `/readyz` and `/startupz` answer."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = tuple(probes)
        self._started = False
        self._draining = False

    def mark_started(self) -> None:
        """Everything is up: from now on `startup` is healthy."""
        self._started = True

    def drain(self) -> None:
        """The server is about to stop: from now on it is not ready, for good."""
        self._draining = True

    def liveness(self) -> Check:
        """The process runs; asks nothing else."""
        return Check(name="liveness", status=Status.HEALTHY)

    def startup(self) -> Check:
        """Whether the server has come up."""
        if self._started:
            return Check(name="startup", status=Status.HEALTHY)
        return Check(name="startup", status=Status.UNHEALTHY, message="the server is still starting")

    async def readiness(self, actor: Actor) -> Check:
        """Whether requests should come here. Details only for who holds `health:read`."""
        if self._draining:
            return Check(name="readiness", status=Status.UNHEALTHY, message="the server is stopping")
        if not self._started:
            return Check(name="readiness", status=Status.UNHEALTHY, message="the server is still starting")
        checks = await asyncio.gather(*(probe.check() for probe in self._probes))
        worst = next((status for status in _WORST_FIRST if any(c.status is status for c in checks)), Status.HEALTHY)
        failing = ", ".join(check.name for check in checks if check.status is not Status.HEALTHY)
        return Check(
            name="readiness",
            status=worst,
            message=f"not well: {failing}" if failing else None,
            details={key: value for check in checks for key, value in _flat(check).items()}
            if actor.may(Permission.HEALTH_READ)
            else {},
        )


def _flat(check: Check) -> dict[str, str | int | float | bool]:
    own: dict[str, str | int | float | bool] = {check.name: check.status.value}
    if check.message:
        own[f"{check.name}.message"] = check.message
    return own | {f"{check.name}.{key}": value for key, value in check.details.items()}
