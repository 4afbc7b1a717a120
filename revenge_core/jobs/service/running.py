"""One run of one job, from the handler's side."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from revenge_core.background import ItemOutcome, JobContext, JobsTx, Progress
from revenge_core.jobs.entities import Claimed
from revenge_core.jobs.errors import JobLost
from revenge_core.jobs.policy import MAX_ERROR_LENGTH, Uncommitted, storable
from revenge_core.jobs.ports import JobStore
from revenge_core.secrets import Secret

_LONGEST_NAME: Final = 600
"""Characters; what a database's index holds is some 2,700 bytes."""


class RunningJob(JobContext):
    """What a handler knows and may do, over the store from which the job was claimed."""

    def __init__(self, claimed: Claimed, store: JobStore) -> None:
        self._claimed = claimed
        self._store = store
        self._progress = claimed.progress
        self._completed = False
        self.secrets: list[Secret] = []
        """Those in its arguments, which errors must not repeat."""

    @property
    def id(self) -> int:
        """The job."""
        return self._claimed.id

    @property
    def attempt(self) -> int:
        """This attempt."""
        return self._claimed.attempt

    @property
    def max_attempts(self) -> int:
        """How many failures there may be."""
        return self._claimed.max_attempts

    @property
    def deadline(self) -> datetime | None:
        """When the attempt is cancelled, in the database's time."""
        if self._claimed.timeout is None:
            return None
        return self._claimed.attempted_at + timedelta(seconds=self._claimed.timeout)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What was enqueued with the job."""
        return self._claimed.metadata

    @property
    def progress(self) -> Progress | None:
        """What was reported last."""
        return self._progress

    async def report(self, progress: Progress, items: Sequence[ItemOutcome] = ()) -> None:
        """Keep it with the job. What is no Unicode, such as parts of odd file names, is spelled out.

        Of texts 2,000 characters are kept: lists show them. Of items with longer names than 600 characters the
        beginning is kept, and a digest that tells them apart. The cursor is kept whole.
        """
        progress = replace(
            progress,
            phase=_plain(progress.phase),
            message=_plain(progress.message),
            cursor=None if progress.cursor is None else storable(progress.cursor),
        )
        plain = [replace(one, item=_name(one.item), detail=_plain(one.detail)) for one in items]
        if not await self._store.report(self._claimed.key, progress, plain):
            raise JobLost
        self._progress = progress

    async def complete(self, tx: JobsTx) -> None:
        """Complete the job with `tx`."""
        if not await tx.jobs.complete(self._claimed.id, self._claimed.run):
            raise JobLost
        self._completed = True

    def end(self, error: BaseException | None) -> BaseException | None:
        """What to make of the handler's end: success means less where the job was completed in a transaction."""
        if error is None and self._completed:
            return Uncommitted("the transaction in which it was completed is not there; its effects are not either")
        return error


def _name(item: str) -> str:
    name = storable(item)
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: _LONGEST_NAME - 17]}…{digest}"


def _plain(text: str | None) -> str | None:
    return None if text is None else storable(text)[:MAX_ERROR_LENGTH]
