"""The configuration the embedded server runs with (documented in docs/operations.md, rulings R32)."""

from collections.abc import Mapping

POSTGRESQL_CONF = """\
# Written once by revenge. Settings of your own belong into local.conf in this
# directory: it is read last and never touched.
include = 'revenge.conf'
include_if_exists = 'local.conf'
"""

PG_HBA_CONF = """\
# Written once by revenge. There is no TCP, and only the server's own user and
# root can enter the directory of the socket.
local all all trust
"""

SETTINGS: Mapping[str, str] = {
    # memory: a small box that does other things too
    "shared_buffers": "64MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "effective_cache_size": "512MB",
    "max_connections": "60",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "autovacuum_max_workers": "2",
    "jit": "off",
    # write-ahead log: safe, without replication
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    # one log file for each day of the week
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%u ",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "cluster_name": "revenge",
}

SETTINGS_SINCE: Mapping[int, Mapping[str, str]] = {
    18: {"io_method": "sync"},  # three processes fewer; the whole database fits into memory anyway
}


def revenge_conf(major: int, overrides: Mapping[str, str]) -> str:
    """Return the text of `revenge.conf` for a major version, `overrides` winning over ours."""
    settings = dict(SETTINGS)
    for since, more in SETTINGS_SINCE.items():
        if major >= since:
            settings.update(more)
    settings.update(overrides)
    lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in settings.items()]
    return "\n".join(["# Written by revenge at every start; your own settings belong into local.conf.", *lines, ""])
