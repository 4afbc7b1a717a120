"""`revenge audit verify` and `revenge audit checkpoints`: whether the log is as it was written, and who says so."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from revenge_cli import exits
from revenge_cli.job_options import moment
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.session import Session, command
from revenge_core.activity.entities import Checkpoint, Finding, Flaw, Verification
from revenge_core.activity.errors import CheckpointsInvalid
from revenge_core.activity.policy import LONGEST_LINE, checkpoint_of, line_of
from revenge_core.actor import Actor
from revenge_core.revenge import Revenge

MEANINGS: Final[dict[Flaw, str]] = {
    Flaw.CHECKPOINT_FORGED: "a checkpoint that this server never signed",
    Flaw.ENTRY_CHANGED: "the entry was changed",
    Flaw.ENTRY_ERASED: "the entry was blanked, and no account was erased that it tells of",
    Flaw.ENTRY_INSERTED: "the entry was put in behind the log's back",
    Flaw.ENTRY_MISSING: "the entry was deleted",
    Flaw.REWRITTEN: "the chain was written anew: it is not the one that was signed",
    Flaw.RETENTION_FORGED: "what says that older entries were dropped was never signed by this server",
    Flaw.SEAL_CHANGED: "the seal was changed",
    Flaw.SEAL_MISSING: "seals were deleted",
    Flaw.SEAL_MOVED: "the seal is not where it was",
    Flaw.TAIL_CUT: "the end of the log was cut off",
}
PAGE: Final = 200


@command(
    "verify",
    examples=(
        "revenge audit verify",
        "revenge audit verify --checkpoint /mnt/elsewhere/checkpoints.ndjson",
        "revenge audit verify --since 2026-11-01 --json",
    ),
)
@click.option(
    "--checkpoint",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Checkpoints that were kept elsewhere, as `audit.ship_to` gets them. Only with them it shows when the end of "
    "the log was cut off together with what vouched for it.",
)
@click.option(
    "--since",
    callback=moment,
    metavar="TIME",
    help="Begin with the newest checkpoint that was made by this time, and believe it.",
)
@click.option(
    "--trust",
    "keys",
    multiple=True,
    metavar="KEY",
    help="A public key, as checkpoints show it, of before the master secret was changed. May be repeated.",
)
def verify(session: Session, file: Path | None, since: datetime | None, keys: Sequence[str]) -> None:
    """Look whether the audit log is as it was written.

    Every entry is compared with its seal, every seal with the one before, and both with signed checkpoints. The first
    bad row comes first. Exits with 1 if anything is wrong.
    """
    kept = None if file is None else _Kept(file)
    trusted = frozenset(map(_key, keys))

    async def ask(revenge: Revenge) -> Verification:
        lines = None if kept is None else kept.checkpoints()
        return await revenge.audit.verify(Actor.host(), since=since, checkpoints=lines, trusted=trusted)

    found = session.ask(ask)
    if kept is not None:
        kept.check(session)
    record = {
        "whole": found.is_whole,
        "first": found.first,
        "last": found.last,
        "hash": found.hash.hex(),
        "entries": found.entries,
        "waiting": found.waiting,
        "checkpoints": found.checkpoints,
        "dropped_before": found.dropped_before,
    }
    findings = [_finding(one) for one in found.findings]
    if session.shape is Shape.JSON:
        show_record(session.shape, record | {"findings": findings, "more": found.more})
    else:
        show_record(session.shape, record)
        if findings:
            show_rows(session.shape, ("sequence", "upto", "entry_id", "at", "flaw", "meaning"), findings)
        if found.more:
            session.say(f"And {found.more} more.")
    if not found.is_whole:
        click.get_current_context().exit(exits.FAILURE)


@command("checkpoints", examples=("revenge audit checkpoints", "revenge audit checkpoints --lines > kept.ndjson"))
@click.option("--after", type=click.IntRange(min=0), default=0, help="Only those with larger numbers.")
@click.option(
    "--lines", is_flag=True, help="One JSON object on each line, as `audit.ship_to` gets them and `verify` takes them."
)
def checkpoints(session: Session, *, after: int, lines: bool) -> None:
    """Show what was signed: up to which number the audit log came to which hash."""

    async def ask(revenge: Revenge) -> list[Checkpoint]:
        found: list[Checkpoint] = []
        edge = after
        while part := await revenge.audit.checkpoints(Actor.host(), after=edge, limit=PAGE):
            found += part
            edge = part[-1].sequence
        return found

    found = session.ask(ask)
    if lines:
        for one in found:
            click.echo(line_of(one), nl=False)
        return
    columns = ("sequence", "created_at", "key_id", "hash")
    show_rows(session.shape, columns, [_checkpoint(one) for one in found])


class _Kept:
    """A file of checkpoints, read line by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._unreadable = 0

    async def checkpoints(self) -> AsyncIterator[Checkpoint]:
        """Those that can be read."""
        with closing(self._path.open("rb")) as file:
            while line := file.readline(LONGEST_LINE):
                if not line.strip():
                    continue
                checkpoint = checkpoint_of(line)
                if checkpoint is None:
                    self._unreadable += 1
                else:
                    self._read += 1
                    yield checkpoint

    def check(self, session: Session) -> None:
        """See that there was something to compare with.

        Raises:
            CheckpointsInvalid: there was not.
        """
        if not self._read:
            raise CheckpointsInvalid(f"{self._path} holds no checkpoint of the audit log")
        if self._unreadable:
            session.say(f"Warning: {self._unreadable} lines of {self._path} cannot be read, and were left out.")


def _key(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise click.UsageError(
            "--trust wants a public key in base64, as `revenge audit checkpoints` shows it."
        ) from None


def _finding(one: Finding) -> dict[str, object]:
    return {
        "sequence": one.sequence,
        "upto": one.upto,
        "entry_id": None if one.entry_id is None else str(one.entry_id),
        "at": one.entry_at,
        "flaw": one.flaw.value,
        "meaning": MEANINGS[one.flaw],
    }


def _checkpoint(one: Checkpoint) -> dict[str, object]:
    return {
        "sequence": one.sequence,
        "hash": one.hash.hex(),
        "created_at": one.created_at,
        "key_id": one.signed.key_id,
        "public_key": b64encode(one.signed.public_key).decode(),
        "signature": b64encode(one.signed.signature).decode(),
    }
