"""Cases that are measured in turns, so that a machine that drifts does so for all alike."""

from collections.abc import Awaitable, Callable, Mapping

from tests.bench.inprocess import Cost

Case = Callable[[], Awaitable[Cost]]


async def in_turns(cases: Mapping[str, Case], rounds: int) -> dict[str, list[Cost]]:
    """What each case costs in each round; one round before does not count."""
    found: dict[str, list[Cost]] = {name: [] for name in cases}
    for turn in range(rounds + 1):
        for name, measure in cases.items():
            cost = await measure()
            if turn:
                found[name].append(cost)
    return found
