"""`revenge audit tail` and `revenge audit export`: the audit log on a terminal, and in a file."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar
from uuid import UUID

import click

from revenge_cli.job_options import moment
from revenge_cli.live import ProgressLine, Watch
from revenge_cli.render import Shape, json_line, json_text, show_record, text_of
from revenge_cli.session import Session, command
from revenge_core.activity.entities import Action, Edge, EntryFilter, ExportForm, NamedEntry, Outcome
from revenge_core.activity.service import AuditExport
from revenge_core.actor import Actor
from revenge_core.ids import EntryId, UserId
from revenge_core.paging import MAX_LIMIT
from revenge_core.revenge import Revenge

F = TypeVar("F", bound=Callable[..., Any])

SECONDS: Final = 1.0
"""How often `--follow` looks."""
LATE: Final = timedelta(seconds=30)
"""An entry may be seen so long after its time: it is there once its transaction commits."""
_COLUMNS: Final = ("created_at", "username", "action", "success", "resource", "address", "error_message", "changes")


def _actions(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    return [one.value for one in Action if one.value.startswith(begun)]


def _action(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Action | None:
    try:
        return None if value is None else Action(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no action; docs/reference/actions.md lists them") from None


_OPTIONS: Final = (
    click.option("--since", callback=moment, metavar="TIME", help="From this time on."),
    click.option("--until", callback=moment, metavar="TIME", help="Up to this time."),
    click.option("--user", "user_id", type=click.UUID, metavar="ID", help="What this account did."),
    click.option("--action", callback=_action, metavar="NAME", help="This alone.", shell_complete=_actions),
    click.option("--resource-type", metavar="NAME", help="Done to this kind of thing."),
    click.option("--resource", "resource_id", type=click.UUID, metavar="ID", help="Done to this thing."),
    click.option("--outcome", type=click.Choice(list(map(str, Outcome))), help="That ended like this."),
    click.option("--address", metavar="ADDRESS", help="That came from there."),
)


def filter_options(function: F) -> F:
    """The options of a filter: what is given holds exactly, all of it."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def _wanted(  # an argument per option
    *,
    since: datetime | None,
    until: datetime | None,
    user_id: UUID | None,
    action: Action | None,
    resource_type: str | None,
    resource_id: UUID | None,
    outcome: str | None,
    address: str | None,
) -> EntryFilter:
    return EntryFilter(
        actor_id=None if user_id is None else UserId(user_id),
        action=action,
        resource_type=resource_type,
        resource_id=resource_id,
        outcome=None if outcome is None else Outcome(outcome),
        address=address,
        since=since,
        until=until,
    )


@command(
    "tail",
    examples=(
        "revenge audit tail",
        "revenge audit tail -n 50 --outcome failure",
        "revenge audit tail --follow --action user.login --json",
    ),
)
@click.option("-n", "--lines", type=click.IntRange(1, MAX_LIMIT), default=10, help="How many to begin with.")
@click.option("--follow", is_flag=True, help="Go on with what is added, until Ctrl-C.")
@filter_options
def tail(session: Session, /, *, lines: int, follow: bool, **given: Any) -> None:  # noqa: ANN401 (the filter's options)
    """Show the latest entries of the audit log, the newest last. With --json each is an object on a line."""
    wanted = _wanted(**given)
    session.ask(lambda revenge: _tail(session, revenge, wanted, lines, follow=follow))


async def _tail(session: Session, revenge: Revenge, wanted: EntryFilter, lines: int, *, follow: bool) -> None:
    actor = Actor.host()
    page = await revenge.audit_reading.find(actor, wanted, limit=lines)
    latest = page.entries[::-1]
    for one in latest:
        _show(session, one)
    if not follow:
        return
    following = _Following(revenge, wanted, latest)
    watching = Watch()
    with watching.until_told():
        async for _ in watching.beats(SECONDS):
            for one in await following.added():
                _show(session, one)


class _Following:
    """Finds what was added since it looked last. What is committed late stands before entries that were seen."""

    def __init__(self, revenge: Revenge, wanted: EntryFilter, seen: Sequence[NamedEntry]) -> None:
        self._revenge = revenge
        self._wanted = wanted
        first = min((one.entry.created_at for one in seen), default=None)
        self._begin = first or datetime.now(UTC) - LATE
        """Nothing older is shown: whoever asked for ten lines did not ask for the eleventh."""
        self._latest = max((one.entry.created_at for one in seen), default=self._begin)
        self._seen = {one.entry.id: one.entry.created_at for one in seen}

    async def added(self) -> list[NamedEntry]:
        since = max(self._begin, self._latest - LATE)
        self._seen = {entry_id: at for entry_id, at in self._seen.items() if at >= since}
        edge = Edge(at=since - timedelta(microseconds=1), id=EntryId(UUID(int=2**128 - 1)))
        new: list[NamedEntry] = []
        while part := await self._revenge.audit_reading.since(Actor.host(), self._wanted, after=edge):
            new += (one for one in part if one.entry.id not in self._seen)
            self._seen |= {one.entry.id: one.entry.created_at for one in part}
            edge = Edge(at=part[-1].entry.created_at, id=part[-1].entry.id)
            self._latest = max(self._latest, edge.at)
            if len(part) < MAX_LIMIT:
                break
        return new


def _show(session: Session, named: NamedEntry) -> None:
    if session.shape is Shape.JSON:
        click.echo(json_line(_record(named)))
        return
    cells = [text_of(value) for value in _cells(named).values()]
    click.echo("\t".join(cells) if session.shape is Shape.PLAIN else "  ".join(filter(None, cells)))


def _record(named: NamedEntry) -> dict[str, object]:
    entry = named.entry
    told: dict[str, object] = {"username": named.username}
    return told | {name: getattr(entry, name) for name in entry.__struct_fields__ if name != "salt"}


def _cells(named: NamedEntry) -> dict[str, object]:
    entry = named.entry
    resource = " ".join(str(part) for part in (entry.resource_type, entry.resource_key or entry.resource_id) if part)
    changes = (f"{name}: {text_of(one.before)} -> {text_of(one.after)}" for name, one in sorted(entry.changes.items()))
    values = (
        entry.created_at,
        named.username or entry.actor_id or entry.actor_kind.value,
        entry.action.value,
        "" if entry.outcome is Outcome.SUCCESS else entry.outcome.value,
        resource,
        entry.address or "",
        entry.reason or "",
        "; ".join(changes),
    )
    return dict(zip(_COLUMNS, values, strict=True))


@command(
    "export",
    examples=(
        "revenge audit export --output audit.ndjson",
        "revenge audit export --format csv --since 2026-01-01 --until 2026-02-01 --output january.csv",
        "revenge audit export --action user.login --outcome failure | jq .ip_address",
    ),
)
@click.option(
    "--format", "form", type=click.Choice(list(map(str, ExportForm))), default="ndjson", help="NDJSON says everything."
)
@click.option("--after", metavar="CURSOR", help="Go on after the entry with this cursor.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it there, and FILE.manifest.json beside it; without it to standard output.",
)
@filter_options
def export(session: Session, /, *, form: str, after: str | None, output: Path | None, **given: Any) -> None:  # noqa: ANN401 (the filter's options)
    """Write the audit log to a file, the oldest entry first, up to half a minute ago.

    The manifest says what is in the file: range, filter, count, first and last entry, and the SHA-256 of the file.
    """
    wanted = _wanted(**given)
    session.ask(lambda revenge: _export(session, revenge, ExportForm(form), wanted, after, output))


async def _export(  # an argument per option
    session: Session, revenge: Revenge, form: ExportForm, wanted: EntryFilter, after: str | None, output: Path | None
) -> None:
    if output is None:
        exported = await revenge.audit_reading.export(Actor.host(), form, wanted, after=after)
        await _pour(exported, sys.stdout.buffer)
        return
    begun = output.with_name(output.name + ".part")
    try:
        with _private(begun) as file:
            exported = await revenge.audit_reading.export(Actor.host(), form, wanted, after=after)
            await _pour(exported, file)
        manifest = revenge.audit_reading.manifest(exported)
        output.with_name(output.name + ".manifest.json").write_text(json_text(manifest) + "\n", "utf-8")
        begun.replace(output)
    finally:
        begun.unlink(missing_ok=True)
    show_record(session.shape, {"file": str(output), "entries": exported.count, "sha256": exported.digest})


def _private(path: Path) -> BinaryIO:
    """A new file for its owner alone: what people did is nobody else's on this machine.

    Raises:
        click.FileError: it cannot be written.
    """
    try:
        path.unlink(missing_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error


async def _pour(exported: AuditExport, file: BinaryIO) -> None:
    progress = ProgressLine()
    async for piece in exported:
        await asyncio.to_thread(file.write, piece)
        progress.show(f"{exported.count} entries")
    file.flush()
