"""What the doctor sees of the audit log: whether its latest part is whole, sealed, and kept elsewhere."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from revenge_adapters.checkpoints_ed25519 import Ed25519Signer
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.seals import PostgresSealReader
from revenge_adapters.wiring.place import Place
from revenge_adapters.wiring.settings import Settings
from revenge_core.activity.entities import Backlog, Checkpoint, Verification
from revenge_core.activity.service.verification import Walk
from revenge_core.secrets import Secret

LATEST: Final = 1000
"""So many seals are looked at; `revenge audit verify` looks at all."""
LAG: Final = timedelta(minutes=5)
"""Entries are sealed within a minute where a worker runs."""
SHIPPED_WITHIN: Final = timedelta(hours=1)


class AuditState(NamedTuple):
    """What was found."""

    latest: Verification
    backlog: Backlog
    unshipped: tuple[Checkpoint, ...]


async def audit_state(place: Place, secret: Secret) -> AuditState:
    """Look at the latest part.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    database = Database(place.url.reveal(), min_size=1, max_size=1, acquire_timeout=timedelta(seconds=5))
    try:
        await database.open()
        reader = PostgresSealReader(database)
        latest = await Walk(reader, Ed25519Signer(secret), frozenset()).latest(LATEST)
        return AuditState(latest, await reader.backlog(), await reader.unshipped(limit=1))
    finally:
        await database.close()


def troubles(state: AuditState, settings: Settings) -> tuple[str, str] | None:
    """What is less than well although nobody tampered with it, and what to do; None where all is well."""
    now = datetime.now(UTC)  # of this machine: minutes do not matter here
    if state.backlog.oldest is not None and now - state.backlog.oldest > LAG:
        return (
            f"{state.backlog.entries} entries wait to be sealed, since {state.backlog.oldest:%Y-%m-%d %H:%M}",
            "Run a worker (`revenge serve` is one, unless jobs.in_process is false), and see `revenge jobs list`",
        )
    waiting = state.unshipped[0] if settings.audit.ship_to is not None and state.unshipped else None
    if waiting is not None and now - waiting.created_at > SHIPPED_WITHIN:
        return (
            f"checkpoints wait to be shipped since {waiting.created_at:%Y-%m-%d %H:%M}",
            "See that audit.ship_to takes them; `revenge jobs list` shows what it says",
        )
    return None
