-- name: present
SELECT clock_timestamp()

-- name: add
-- Never DO UPDATE: it would lock the job that is there already, and hold up whoever finishes it.
INSERT INTO revenge.jobs (
    kind, queue, priority, max_attempts, timeout, args, metadata, tags, unique_key, unique_states, created_at, state,
    scheduled_at
)
SELECT %(kind)s, %(queue)s, %(priority)s, %(max_attempts)s, %(timeout)s, %(args)s::jsonb, %(metadata)s::jsonb,
       %(tags)s::text::text[], %(unique_key)s::bytea, %(unique_states)s::text::text[], moment.at,
       CASE WHEN %(at)s::timestamptz > moment.at THEN 'scheduled' ELSE 'available' END,
       greatest(%(at)s::timestamptz, moment.at)
  FROM (SELECT clock_timestamp() AS at) AS moment
ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND state = ANY (unique_states) DO NOTHING
RETURNING id, state

-- name: cancel
WITH job AS (
    SELECT id, state FROM revenge.jobs WHERE id = %(id)s FOR NO KEY UPDATE
),
moment AS MATERIALIZED (
    SELECT clock_timestamp() AS at FROM job
),
cancelled AS (
    UPDATE revenge.jobs
       SET state = CASE WHEN job.state = 'running' THEN 'running' ELSE 'cancelled' END,
           finalized_at = CASE WHEN job.state = 'running' THEN NULL ELSE moment.at END,
           cancel_requested_at = coalesce(jobs.cancel_requested_at, moment.at)
      FROM job, moment
     WHERE jobs.id = job.id AND jobs.finalized_at IS NULL
    RETURNING jobs.state
)
SELECT coalesce((SELECT state FROM cancelled), job.state) FROM job

-- name: complete
UPDATE revenge.jobs
   SET state = 'completed', finalized_at = clock_timestamp()
 WHERE id = %(id)s AND run = %(run)s AND state = 'running'
