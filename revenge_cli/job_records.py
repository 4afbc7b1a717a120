"""Jobs, queues, schedules and workers as the shell shows them. Keys are those of the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from revenge_cli.render import json_line, text_of
from revenge_core.background import FINISHED, UNFINISHED, ItemStatus, JobState, Progress, Queue
from revenge_core.entity import Entity
from revenge_core.jobs.entities import COUNTED_UPTO, JobDetail, JobSummary, QueueInfo, ScheduleInfo

Record = dict[str, Any]

BAR_WIDTH: Final = 24


def record_of(entity: Entity) -> Record:
    """The fields, with what is inside of them, as JSON has them; times stay times."""
    record: Record = msgspec.to_builtins(entity, builtin_types=(datetime,), enc_hook=_opened)
    return record


def _opened(value: object) -> Any:  # noqa: ANN401 (what JSON can hold)
    """Arguments travel as they were written."""
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    raise NotImplementedError


def job_record(job: JobSummary) -> Record:
    """A job in a list. The cursor of its progress means something to the handler only."""
    record = record_of(job)
    if job.progress is not None:
        del record["progress"]["cursor"]
    return {name: record[name] for name in JobSummary.__struct_fields__}


def detail_record(job: JobDetail) -> Record:
    """A job alone; its arguments only if they were asked for."""
    record = record_of(job) | job_record(job)
    record["items"] = {status.value: job.items.get(status, 0) for status in ItemStatus}
    if job.args is None:
        del record["args"]
    return record


def queue_record(queue: QueueInfo) -> Record:
    """A queue; every state is there, also without a job in it."""
    counts = {state.value: queue.counts.get(state, 0) for state in sorted(UNFINISHED)}
    return record_of(queue) | {"paused": queue.paused_at is not None, "counts": counts}


def schedule_record(schedule: ScheduleInfo) -> Record:
    """A schedule."""
    return record_of(schedule) | {"paused": schedule.paused_at is not None}


def schedule_row(schedule: ScheduleInfo) -> Record:
    """A schedule on one line."""
    return schedule_record(schedule) | {"every": duration(schedule.every), "offset": duration(schedule.offset)}


def duration(seconds: float) -> str:
    """As settings are written: `1d`, `4h40m`, `0s`."""
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        count, seconds = divmod(seconds, length)
        parts += [f"{count:.0f}{unit}"] if count else []
    return "".join([*parts, *([f"{seconds:g}s"] if seconds or not parts else [])])


def counts_record(counts: Mapping[str, Mapping[JobState, int]]) -> Record:
    """Every queue and all together; every state is there, also without a job in it."""
    names = sorted({*map(str, Queue), *counts})
    queues = {name: {state.value: counts.get(name, {}).get(state, 0) for state in JobState} for name in names}
    total = {state.value: sum(found[state] for found in queues.values()) for state in JobState}
    return {"queues": queues, "total": total}


def count_rows(record: Record) -> list[Record]:
    """The same as texts, one row for each queue and one for all; `+` where nobody counted to the end."""
    rows = {**record["queues"], "total": record["total"]}
    return [
        {"queue": name, **{state: counted(count, state) for state, count in found.items()}}
        for name, found in rows.items()
    ]


def counted(count: int, state: str) -> str:
    """A number of jobs in one state."""
    return f"{count}+" if state in FINISHED and count >= COUNTED_UPTO else str(count)


def job_row(job: JobSummary) -> Record:
    """A job on one line."""
    return job_record(job) | {
        "attempt": f"{job.attempt}/{job.max_attempts}",
        "progress": progress_text(job.progress),
    }


def detail_row(job: JobDetail) -> Record:
    """A job with one short text for each field."""
    record = detail_record(job)
    errors: list[Record] = record.pop("errors")
    shown = record | {
        "progress": progress_text(job.progress, bar=True),
        "metadata": json_line(record["metadata"]),
        "items": ", ".join(f"{status} {count}" for status, count in record["items"].items()),
        "timeout": "none" if job.timeout is None else duration(job.timeout),
    }
    if "args" in record:
        shown["args"] = json_line(record["args"])
    for number, one in enumerate(errors, 1):
        by = f", {one['worker']}" if one["worker"] else ""
        shown[f"error {number}"] = f"attempt {one['attempt']}, {text_of(one['at'])}{by}: {one['error']}"
    return shown


def progress_text(progress: Progress | None, *, bar: bool = False) -> str:
    """How far, in words and numbers, and as a bar where there is room and the end is known."""
    if progress is None:
        return ""
    parts: list[str] = []
    if progress.total:
        share = min(1.0, max(0.0, progress.current / progress.total))
        if bar:
            done = int(share * BAR_WIDTH)
            parts.append(f"[{'#' * done}{'-' * (BAR_WIDTH - done)}]")
        parts.append(f"{int(share * 100)}%")
    parts.append(str(progress.current) if progress.total is None else f"{progress.current}/{progress.total}")
    said = ": ".join(filter(None, (progress.phase, progress.message)))
    return " ".join(filter(None, (*parts, said)))
