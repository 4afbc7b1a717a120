"""An audit log of any length, made by PostgreSQL itself, and pages of it."""

import contextlib
from pathlib import Path
from typing import Final

import psycopg

from revenge_adapters.postgres.embedded import EmbeddedServer

MONTHS: Final = 24
_FILL: Final = """
INSERT INTO revenge.activity (
    id, created_at, actor_kind, actor_id, action, outcome, resource_type, resource_id, changes, address, user_agent,
    request_id, salt
)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid,
       %(newest)s::timestamptz - (%(rows)s - number) * (interval '700 days' / %(rows)s),
       'user',
       ('01800000-0000-7000-8000-' || lpad(to_hex(number %% 500), 12, '0'))::uuid,
       (ARRAY['user.login', 'user.update', 'session.refresh', 'session.revoke', 'user.login'])[1 + number %% 5],
       CASE WHEN number %% 50 = 0 THEN 'failure' ELSE 'success' END,
       'user', ('01800000-0000-7000-8000-' || lpad(to_hex(number %% 5000), 12, '0'))::uuid,
       '{}', '192.0.2.7', 'revenge-bench/1', 'bench', '\\x00'
  FROM generate_series(%(since)s::bigint + 1, %(upto)s::bigint) AS number
"""
SOMEBODY: Final = "01800000-0000-7000-8000-000000000007"


def fill(data_dir: Path, rows: int) -> None:
    """Make the log that long, spread over the last 700 days; nothing of it is sealed.

    Indexes are dropped and made anew, and triggers left out: millions of rows would take an hour otherwise.
    """
    with (
        contextlib.closing(EmbeddedServer.open(data_dir)) as server,
        psycopg.connect(server.superuser_url, autocommit=True) as connection,
    ):
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("SET synchronous_commit = off")
        connection.execute(
            "SELECT revenge.activity_make_partitions(now() - make_interval(days => 710), now() - interval '1 day')"
        )
        indexes = connection.execute(
            """
            SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
             WHERE indrelid = 'revenge.activity'::regclass AND NOT indisprimary
            """
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}".encode())
        present = connection.execute("SELECT clock_timestamp() - interval '1 hour'").fetchone()
        assert present is not None
        step = 500_000
        for since in range(0, rows, step):
            connection.execute(
                _FILL, {"rows": rows, "since": since, "upto": min(since + step, rows), "newest": present[0]}
            )
        for _, definition in indexes:
            # As PostgreSQL tells it, it would be of the parent alone.
            connection.execute(definition.replace(" ON ONLY ", " ON ").encode())
        connection.execute("VACUUM (ANALYZE) revenge.activity")
        connection.execute("CHECKPOINT")
