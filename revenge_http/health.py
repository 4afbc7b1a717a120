"""Probes, outside `/api/v1` because machines ask them."""

from http import HTTPStatus

from msgspec import UNSET, UnsetType

from revenge_core.health.entities import Check, Status
from revenge_http.access import public
from revenge_http.answers import Answer
from revenge_http.operations import Call, operation
from revenge_http.wire import Wire, encode, present


class HealthCheck(Wire, kw_only=True):
    """How it is. `details` are there for who holds `health:read`."""

    name: str
    status: Status
    message: str | UnsetType = UNSET
    details: dict[str, str | int | float | bool] | UnsetType = UNSET

    @classmethod
    def of(cls, check: Check) -> "HealthCheck":
        """The probe's answer."""
        return cls(
            name=check.name,
            status=check.status,
            message=present(check.message),
            details=check.details or UNSET,
        )


_BOTH = {HTTPStatus.OK.value: HealthCheck, HTTPStatus.SERVICE_UNAVAILABLE.value: HealthCheck}


def _judged(check: Check) -> Answer:
    status = HTTPStatus.SERVICE_UNAVAILABLE if check.status is Status.UNHEALTHY else HTTPStatus.OK
    return Answer(status, encode(HealthCheck.of(check)))


@operation("GET", "/healthz", "getLiveness", public())
async def liveness(call: Call) -> HealthCheck:
    """Whether the process runs; asks nothing else."""
    return HealthCheck.of(call.revenge.health.liveness())


@operation("GET", "/readyz", "getReadiness", public(looks=True), answers=_BOTH)
async def readiness(call: Call) -> Answer:
    """Whether requests should come here; a degraded server still answers 200."""
    return _judged(await call.revenge.health.readiness(call.actor))


@operation("GET", "/startupz", "getStartup", public(), answers=_BOTH)
async def startup(call: Call) -> Answer:
    """Whether the server has come up."""
    return _judged(call.revenge.health.startup())


operations = (liveness, readiness, startup)
