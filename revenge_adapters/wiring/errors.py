"""What keeps a server from starting, apart from its settings."""

from revenge_core.errors import RevengeError


class SecretFileUnusable(RevengeError):
    """The file with the master secret cannot be made, read or trusted."""

    code = "secret_file_unusable"
    title = "The file with the master secret cannot be used"


class BackupFailed(RevengeError):
    """The database could not be backed up before a migration, and so was not migrated (rulings R32)."""

    code = "backup_failed"
    title = "The database could not be backed up, and was left as it is"


class DatabaseTooOld(RevengeError):
    """The given PostgreSQL is older than what Revenge is made for."""

    code = "database_too_old"
    title = "This PostgreSQL is too old for Revenge"
