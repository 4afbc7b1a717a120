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


class WorkerUnavailable(RevengeError):
    """Jobs were to be run where what runs them is not installed."""

    code = "worker_unavailable"
    title = "Jobs cannot be run here: install `revenge[worker]`"


class MetricsPortUnavailable(RevengeError):
    """The port for metrics belongs to somebody else."""

    code = "metrics_port_unavailable"
    title = "Metrics cannot be shown on this port"


class StreamsNotSet(RevengeError):
    """A worker without a database was to be started, and the settings do not say what it should do."""

    code = "streams_not_set"
    title = (
        "A worker without a database needs `cache.url`, and `jobs.streams` with one of its queues at least; both alike "
        "on the servers"
    )
