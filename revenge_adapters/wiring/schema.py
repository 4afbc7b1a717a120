"""The schema of the database in use: how far it is, and bringing it up to date."""

from revenge_adapters.postgres.embedded.errors import EmbeddedPostgresError
from revenge_adapters.postgres.migrate import Applied, compare, migrate, status
from revenge_adapters.postgres.migrations import shipped
from revenge_adapters.wiring.errors import BackupFailed, DatabaseTooOld
from revenge_adapters.wiring.place import OLDEST_POSTGRESQL, Place, borrowed_place, is_made, meet
from revenge_adapters.wiring.settings.records import Settings
from revenge_core.entity import Entity


class SchemaStatus(Entity, kw_only=True):
    """How far the schema is: names of migrations, in order."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    refusal: str | None
    """Why this version must not touch the database; None where it may."""


def bring_up_to_date(place: Place) -> tuple[Applied, ...]:
    """Migrate, after a backup where the database is our own and about to change (rulings R32); what was applied.

    Raises:
        BackupFailed, DatabaseTooOld: nothing was changed.
        MigrationError: the schema is newer than this program, was changed, or a migration failed.
        DatabaseUnavailable: the database cannot be reached.
    """
    with place.naming():
        if place.embedded is None:
            _refuse_old(place)
        else:
            standing = status(place.owner_url.reveal())
            if standing.applied and standing.pending and standing.refusal is None:
                try:
                    place.embedded.dump(f"before-{standing.pending[0].name}")
                except EmbeddedPostgresError as problem:
                    raise BackupFailed(str(problem)) from problem
        return migrate(place.owner_url.reveal(), app_role=place.app_role)


def _refuse_old(place: Place) -> None:
    found = meet(place.url).major
    if found < OLDEST_POSTGRESQL:
        raise DatabaseTooOld(f"{place.name} is PostgreSQL {found}; Revenge needs {OLDEST_POSTGRESQL} or newer")


def migration_status(settings: Settings) -> SchemaStatus:
    """How far the schema is; a database that the first start has yet to make is all pending.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
    """
    if not is_made(settings):
        standing = compare((), shipped())
    else:
        with borrowed_place(settings) as place, place.naming():
            standing = status(place.owner_url.reveal())
    return SchemaStatus(
        applied=tuple(step.name for step in standing.applied),
        pending=tuple(step.name for step in standing.pending),
        refusal=standing.refusal,
    )


def migrate_now(settings: Settings) -> tuple[str, ...]:
    """Bring the schema up to date; names of what was applied.

    Raises:
        BackupFailed, MigrationError, DatabaseUnavailable: as `bring_up_to_date`.
    """
    with borrowed_place(settings) as place:
        return tuple(step.name for step in bring_up_to_date(place))
