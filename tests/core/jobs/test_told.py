"""What handlers tell, as administrators get to see it."""

from collections.abc import Sequence

from revenge_adapters.memory.jobs.store import MemoryJobStore
from revenge_adapters.memory.tables import MemoryTables
from revenge_core.background import ItemOutcome, ItemStatus, Progress, Retry
from revenge_core.jobs.entities import JobKey
from revenge_core.jobs.policy import MAX_ERROR_LENGTH, finish_of
from revenge_core.jobs.service import RunningJob
from revenge_core.testing.builders import a_claimed_job

CLAIMED = a_claimed_job()


def told(error: BaseException) -> str | None:
    """What is kept of the error."""
    return finish_of(CLAIMED, Retry(), error, chance=0.5).error


def test_of_a_group_of_errors_each_is_told() -> None:
    inner: Exception = ExceptionGroup("two shops", [OSError("no bread"), ValueError("bad milk")])
    group = ExceptionGroup("unhandled errors in a TaskGroup", [inner, KeyError("key")])
    assert told(group) == (
        "ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions): "
        "OSError: no bread; ValueError: bad milk; KeyError: 'key'"
    )


def test_a_great_group_of_errors_is_told_as_far_as_there_is_room() -> None:
    group: ExceptionGroup[Exception] = ExceptionGroup("again", [OSError("no bread")])
    for _ in range(3000):
        group = ExceptionGroup("again", [group])
    assert told(group) == "ExceptionGroup: again (1 sub-exception): OSError: no bread"
    many = ExceptionGroup("many", [OSError("no bread")] * 100_000)
    assert len(told(many) or "") <= MAX_ERROR_LENGTH


class Noted(MemoryJobStore):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(MemoryTables())
        self.told: list[str | None] = []

    async def report(self, key: JobKey, progress: Progress, items: Sequence[ItemOutcome]) -> bool:
        """Note the texts."""
        self.told = [progress.phase, progress.message, progress.cursor, *(one.detail for one in items)]
        return True


async def test_of_long_texts_lists_show_the_beginning_and_the_cursor_stays_whole() -> None:
    store, long = Noted(), "x" * 100_000
    item = ItemOutcome(item="a", status=ItemStatus.FAILED, detail=long)
    await RunningJob(CLAIMED, store).report(Progress(phase=long, message=long, cursor=long), [item])
    assert [len(text or "") for text in store.told] == [2000, 2000, 100_000, 2000]
