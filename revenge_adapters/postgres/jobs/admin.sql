-- name: lock
-- By id, as everybody does who changes several jobs, so that none waits for another.
SELECT id, queue, state, CASE WHEN state <> ALL (unique_states) THEN unique_key END AS key_to_take
  FROM revenge.jobs
 WHERE id = ANY (%(ids)s::bigint[])
 ORDER BY id
   FOR UPDATE

-- name: retry
-- Of what is locked. A unique job goes if its key is its own still, or nobody's.
UPDATE revenge.jobs
   SET state = 'available', scheduled_at = moment.at, finalized_at = NULL, cancel_requested_at = NULL,
       max_attempts = greatest(max_attempts, least(attempt::integer + 1, 32767))
  FROM (SELECT clock_timestamp() AS at) AS moment
 WHERE id = ANY (%(ids)s::bigint[])
   AND (
           unique_key IS NULL
        OR state = ANY (unique_states)
        OR NOT EXISTS (
               SELECT
                 FROM revenge.jobs AS holder
                WHERE holder.unique_key = jobs.unique_key AND holder.state = ANY (holder.unique_states)
           )
       )
RETURNING id

-- name: holders
-- Who keeps these out.
SELECT jobs.id, holder.id AS holder_id
  FROM revenge.jobs
  JOIN revenge.jobs AS holder ON holder.unique_key = jobs.unique_key AND holder.state = ANY (holder.unique_states)
 WHERE jobs.id = ANY (%(ids)s::bigint[]) AND holder.unique_key IS NOT NULL

-- name: cancel
UPDATE revenge.jobs
   SET state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,
       finalized_at = CASE WHEN state = 'running' THEN NULL ELSE moment.at END,
       cancel_requested_at = coalesce(cancel_requested_at, moment.at)
  FROM (SELECT clock_timestamp() AS at) AS moment
 WHERE id = ANY (%(ids)s::bigint[])

-- name: delete
DELETE FROM revenge.jobs WHERE id = ANY (%(ids)s::bigint[])

-- name: pause_queue
INSERT INTO revenge.job_queues (name, paused_at) VALUES (%(name)s, clock_timestamp())
ON CONFLICT (name) DO UPDATE
   SET paused_at = excluded.paused_at
 WHERE job_queues.paused_at IS NULL

-- name: resume_queue
DELETE FROM revenge.job_queues WHERE name = %(name)s AND paused_at IS NOT NULL

-- name: pause_schedule
WITH known AS (
    SELECT name, paused_at FROM revenge.job_schedules WHERE name = %(name)s FOR NO KEY UPDATE
),
changed AS (
    UPDATE revenge.job_schedules
       SET paused_at = CASE WHEN %(paused)s THEN clock_timestamp() END
      FROM known
     WHERE job_schedules.name = known.name AND (known.paused_at IS NOT NULL) <> %(paused)s
    RETURNING job_schedules.name
)
SELECT EXISTS (SELECT FROM changed) FROM known

-- name: lock_schedule
SELECT name FROM revenge.job_schedules WHERE name = %(name)s FOR NO KEY UPDATE

-- name: run_schedule
INSERT INTO revenge.jobs (kind, queue, priority, max_attempts, timeout, args, metadata, unique_key, unique_states)
SELECT kind, queue, priority, max_attempts, timeout, args, jsonb_build_object('schedule', name), unique_key,
       unique_states
  FROM revenge.job_schedules
 WHERE name = %(name)s
ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND state = ANY (unique_states) DO NOTHING
RETURNING id, queue

-- name: standing_for_schedule
SELECT jobs.id
  FROM revenge.job_schedules
  JOIN revenge.jobs ON jobs.unique_key = job_schedules.unique_key AND jobs.state = ANY (jobs.unique_states)
 WHERE job_schedules.name = %(name)s AND jobs.unique_key IS NOT NULL

-- name: tell_run
UPDATE revenge.job_schedules SET last_run_at = clock_timestamp(), last_job_id = %(job_id)s WHERE name = %(name)s
