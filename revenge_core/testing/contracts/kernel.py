"""What every clock and every maker of identifiers owes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import RFC_4122

from revenge_core.clock import Clock
from revenge_core.ids import Ids
from revenge_core.testing.contracts.world import Contract


class ClockContract(Contract):
    """Fixture: `clock`."""

    async def test_the_present_is_in_utc(self, clock: Clock) -> None:
        assert clock.now().utcoffset() == timedelta(0)

    async def test_time_never_runs_backwards(self, clock: Clock) -> None:
        seen = [clock.now() for _ in range(1_000)]
        assert seen == sorted(seen)


class IdsContract:
    """Fixture: `ids`."""

    def test_an_id_is_a_uuid_of_version_7(self, ids: Ids) -> None:
        made = ids.new()
        assert (made.version, made.variant) == (7, RFC_4122)

    def test_ids_sort_in_the_order_of_making(self, ids: Ids) -> None:
        made = [ids.new() for _ in range(5_000)]
        assert made == sorted(set(made))

    def test_threads_never_make_the_same_id(self, ids: Ids) -> None:
        with ThreadPoolExecutor(4) as threads:
            pending = [threads.submit(ids.new) for _ in range(2_000)]
        assert len({made.result() for made in pending}) == 2_000
