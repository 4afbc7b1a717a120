"""A handler on its own: an attempt at a job that no queue handed out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from revenge_core.background import ItemOutcome, JobContext, JobsTx, Progress
from revenge_core.jobs.errors import JobLost


class Attempt(JobContext):
    """What a test gives to a handler as its context, and looks at afterwards.

    `reports` is what was told, in order. `lost_after` such reports the job is somebody else's: the next report, or the
    completion, raises `JobLost`.
    """

    def __init__(self, job_id: int = 1, *, progress: Progress | None = None, lost_after: int | None = None) -> None:
        self._id = job_id
        self._progress = progress
        self._lost_after = lost_after
        self.reports: list[Progress] = []
        self.items: dict[str, ItemOutcome] = {}
        self.is_completed = False
        """The handler completed it within a transaction, as the last thing that it did."""

    @property
    def id(self) -> int:
        """The job."""
        return self._id

    @property
    def attempt(self) -> int:
        """The first."""
        return 1

    @property
    def max_attempts(self) -> int:
        """There is no other."""
        return 1

    @property
    def deadline(self) -> datetime | None:
        """It may take as long as it likes."""
        return None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Nothing came with it."""
        return {}

    @property
    def progress(self) -> Progress | None:
        """What was told last."""
        return self._progress

    async def report(self, progress: Progress, items: Sequence[ItemOutcome] = ()) -> None:
        """Note it."""
        self._hold()
        assert not self.is_completed, "the handler completed the job, and went on"
        self.reports.append(progress)
        self.items |= {outcome.item: outcome for outcome in items}
        self._progress = progress

    async def complete(self, tx: JobsTx) -> None:  # noqa: ARG002 -- no queue is told
        """Note it."""
        self._hold()
        assert not self.is_completed, "the handler completed the job twice"
        self.is_completed = True

    def _hold(self) -> None:
        if self._lost_after is not None and len(self.reports) >= self._lost_after:
            raise JobLost
