import pytest

from revenge_adapters.memory.health import SteadyProbe
from revenge_core.health.entities import Status
from revenge_core.health.ports import Probe
from revenge_core.testing.contracts.health import ProbeContract


class TestSteadyProbe(ProbeContract):
    @pytest.fixture
    def probe(self) -> Probe:
        return SteadyProbe("database")

    @pytest.fixture
    def broken_probe(self) -> Probe:
        return SteadyProbe("database", Status.UNHEALTHY, "away")
