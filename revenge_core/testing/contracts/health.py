"""What every probe owes."""

from revenge_core.health.entities import Status
from revenge_core.health.ports import Probe
from revenge_core.testing.contracts.world import Contract


class ProbeContract(Contract):
    """Fixtures: `probe` looks at something that works, `broken_probe` at something of the same kind that does not."""

    async def test_what_works_is_healthy(self, probe: Probe) -> None:
        assert (await probe.check()).status is Status.HEALTHY

    async def test_what_does_not_work_is_an_answer_that_says_why(self, broken_probe: Probe) -> None:
        check = await broken_probe.check()
        assert check.status is not Status.HEALTHY
        assert check.message

    async def test_a_probe_keeps_its_name(self, probe: Probe, broken_probe: Probe) -> None:
        names = {(await each.check()).name for each in (probe, probe, broken_probe)}
        assert len(names) == 1
        assert names != {""}
