import pytest

from revenge_adapters import Sandbox
from revenge_adapters.memory.health import SteadyProbe
from revenge_core.actor import Actor
from revenge_core.health.entities import Status
from revenge_core.health.service import Health
from revenge_core.permissions import Permission
from revenge_core.testing.builders import a_user, an_actor

ANYBODY = Actor.anonymous()
ADMIN = an_actor(a_user(), Permission.HEALTH_READ)


def started(*probes: SteadyProbe) -> Health:
    health = Health(probes)
    health.mark_started()
    return health


async def test_a_process_that_answers_is_alive_whatever_else_is_wrong() -> None:
    assert Health([SteadyProbe(status=Status.UNHEALTHY)]).liveness().status is Status.HEALTHY


async def test_a_server_is_up_and_ready_once_it_says_so() -> None:
    health = Health([SteadyProbe()])
    assert health.startup().status is Status.UNHEALTHY
    assert (await health.readiness(ANYBODY)).status is Status.UNHEALTHY
    health.mark_started()
    assert health.startup().status is Status.HEALTHY
    assert (await health.readiness(ANYBODY)).status is Status.HEALTHY


async def test_a_server_that_drains_is_up_and_not_ready() -> None:
    health = started(SteadyProbe())
    health.drain()
    check = await health.readiness(ANYBODY)
    assert (check.status, check.message) == (Status.UNHEALTHY, "the server is stopping")
    assert health.startup().status is health.liveness().status is Status.HEALTHY


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        ((), Status.HEALTHY),
        ((Status.HEALTHY, Status.HEALTHY), Status.HEALTHY),
        ((Status.HEALTHY, Status.DEGRADED), Status.DEGRADED),
        ((Status.UNHEALTHY, Status.DEGRADED, Status.HEALTHY), Status.UNHEALTHY),
    ],
)
async def test_readiness_is_as_bad_as_the_worst_probe(statuses: tuple[Status, ...], worst: Status) -> None:
    health = started(*(SteadyProbe(str(number), status) for number, status in enumerate(statuses)))
    assert (await health.readiness(ANYBODY)).status is worst


async def test_what_is_not_well_is_named_to_everybody_and_described_to_administrators_only() -> None:
    health = started(
        SteadyProbe("cache"),
        SteadyProbe("database", Status.UNHEALTHY, "no answer within 2 s from db.internal"),
        SteadyProbe("queue", Status.DEGRADED),
    )
    for anybody in (ANYBODY, an_actor(a_user(), Permission.PROFILE_READ)):
        check = await health.readiness(anybody)
        assert check.message == "not well: database, queue"
        assert check.details == {}
    assert (await health.readiness(ADMIN)).details == {
        "cache": "healthy",
        "database": "unhealthy",
        "database.message": "no answer within 2 s from db.internal",
        "queue": "degraded",
    }


async def test_details_of_a_probe_come_under_its_name(box: Sandbox) -> None:
    box.database.details = {"pool_size": 4}
    details = (await box.revenge.health.readiness(Actor.host())).details
    assert details == {"database": "healthy", "database.pool_size": 4}
