-- name: present
SELECT clock_timestamp()

-- name: declare
-- By name, so that programs that start at the same moment never wait for each other.
INSERT INTO revenge.job_schedules (
    name, kind, queue, priority, max_attempts, timeout, args, unique_key, unique_states, every, "offset", missed,
    next_run_at
)
SELECT name, kind, queue, priority, max_attempts, timeout, args, unique_key, unique_states, every, "offset", missed,
       next_run_at
  FROM json_to_recordset(%(schedules)s::json) AS given (
           name text, kind text, queue text, priority smallint, max_attempts smallint, timeout real, args jsonb,
           unique_key bytea, unique_states text[], every double precision, "offset" double precision, missed text,
           next_run_at timestamptz
       )
 ORDER BY name
ON CONFLICT (name) DO UPDATE
   SET kind = excluded.kind, queue = excluded.queue, priority = excluded.priority,
       max_attempts = excluded.max_attempts, timeout = excluded.timeout, args = excluded.args,
       unique_key = excluded.unique_key, unique_states = excluded.unique_states,
       every = excluded.every, "offset" = excluded."offset", missed = excluded.missed,
       next_run_at = CASE WHEN (job_schedules.every, job_schedules."offset") = (excluded.every, excluded."offset")
                           AND job_schedules.next_run_at <= clock_timestamp() + excluded.every * interval '1 second'
                          THEN job_schedules.next_run_at
                          ELSE (
                              SELECT next_tick_at
                                FROM json_to_recordset(%(schedules)s::json) AS given (name text, next_tick_at timestamptz)
                               WHERE given.name = excluded.name
                          )
                     END,
       declared_at = excluded.declared_at

-- name: is_due
SELECT EXISTS (
    SELECT
      FROM revenge.job_schedules
     WHERE next_run_at <= clock_timestamp() AND paused_at IS NULL
       AND declared_at + %(declared_for)s::interval > clock_timestamp()
)

-- name: lock_due
-- Who comes at the same moment passes over what is being seen to.
SELECT name, every, "offset", missed, next_run_at, clock_timestamp() AS now
  FROM revenge.job_schedules
 WHERE next_run_at <= clock_timestamp() AND paused_at IS NULL
   AND declared_at + %(declared_for)s::interval > clock_timestamp()
 ORDER BY name
   FOR NO KEY UPDATE SKIP LOCKED

-- name: add_tick
INSERT INTO revenge.jobs (
    kind, queue, priority, max_attempts, timeout, args, metadata, unique_key, unique_states
)
SELECT kind, queue, priority, max_attempts, timeout, args,
       jsonb_build_object('schedule', name, 'tick', %(tick)s::text), unique_key, unique_states
  FROM revenge.job_schedules
 WHERE name = %(name)s
ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND state = ANY (unique_states) DO NOTHING
RETURNING id, queue

-- name: advance
UPDATE revenge.job_schedules
   SET next_run_at = %(next_run_at)s, last_run_at = coalesce(%(ran_at)s, last_run_at),
       last_job_id = coalesce(%(job_id)s, last_job_id)
 WHERE name = %(name)s
