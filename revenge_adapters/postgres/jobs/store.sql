-- name: enlist
-- The first worker that comes also says since when leases have been kept.
WITH leases AS (
    INSERT INTO revenge.job_leader DEFAULT VALUES ON CONFLICT (is_only) DO NOTHING
)
INSERT INTO revenge.job_workers (id, host, pid, version, queues)
VALUES (%(id)s, %(host)s, %(pid)s, %(version)s, %(queues)s::jsonb)
ON CONFLICT (id) DO UPDATE
   SET host = excluded.host, pid = excluded.pid, version = excluded.version, queues = excluded.queues,
       started_at = excluded.started_at, seen_at = excluded.seen_at

-- name: beat
UPDATE revenge.job_workers SET seen_at = clock_timestamp() WHERE id = %(id)s

-- name: leave
DELETE FROM revenge.job_workers WHERE id = %(id)s

-- name: claim
-- For each queue the index jobs_fetch is walked in its order up to the limit. The answer is one JSON document, which is
-- read faster than rows; what others wrote stays text in it, so that none of it can spoil the whole. Nor can numbers
-- that are as great as they can be.
WITH chosen AS MATERIALIZED (
    SELECT job.id
      FROM unnest(%(queues)s::text::text[], %(limits)s::text::integer[]) AS slot (queue, free)
     CROSS JOIN LATERAL (
               SELECT id
                 FROM revenge.jobs
                WHERE queue = slot.queue AND state = 'available'
                  AND (%(kinds)s::text IS NULL OR kind = ANY (%(kinds)s::text::text[]))
                ORDER BY priority, scheduled_at, id
                LIMIT slot.free
                  FOR NO KEY UPDATE SKIP LOCKED
           ) AS job
     WHERE NOT EXISTS (
               SELECT FROM revenge.job_queues WHERE name = slot.queue AND paused_at IS NOT NULL
           )
),
claimed AS (
    UPDATE revenge.jobs
       SET state = 'running', run = (run::bigint + 1) & 2147483647, attempt = least(attempt + 1, 32767),
           attempted_at = clock_timestamp(), attempted_by = %(worker_id)s
      FROM chosen
     WHERE jobs.id = chosen.id
    RETURNING jobs.id, run, kind, queue, priority, attempt, max_attempts, timeout, created_at, scheduled_at,
              attempted_at, args::text, metadata::text, progress::text
)
SELECT coalesce(json_agg(claimed ORDER BY priority, scheduled_at, id), '[]')::text FROM claimed

-- name: held
-- What the worker is said to run, apart from what it was handed a moment ago and what it knows of.
SELECT id, run
  FROM revenge.jobs
 WHERE attempted_by = %(worker_id)s AND state = 'running'
   AND attempted_at <= (SELECT clock_timestamp()) - %(patience)s::interval
   AND (id, run) NOT IN (
           SELECT id, run FROM json_to_recordset(%(known)s::json) AS known (id bigint, run integer)
       )
 ORDER BY id
   FOR NO KEY UPDATE

-- name: report
WITH job AS (
    UPDATE revenge.jobs
       SET progress = %(progress)s::jsonb
     WHERE id = %(id)s AND run = %(run)s AND state = 'running'
    RETURNING id
),
items AS (
    INSERT INTO revenge.job_items (job_id, item, status, detail)
    SELECT job.id, given.item, given.status, given.detail
      FROM job, json_to_recordset(%(items)s::json) AS given (item text, status text, detail text)
        ON CONFLICT (job_id, item) DO UPDATE
       SET status = excluded.status, detail = excluded.detail, at = excluded.at
)
SELECT id FROM job

-- name: cancel_requests
SELECT id, run
  FROM revenge.jobs
 WHERE attempted_by = %(worker_id)s AND state = 'running' AND cancel_requested_at IS NOT NULL
