-- name: lead
-- A leadership that lasts longer than any was taken before the clock was put back: nobody would lead until then.
INSERT INTO revenge.job_leader (worker_id, expires_at)
VALUES (%(worker_id)s, clock_timestamp() + %(lease)s::interval)
ON CONFLICT (is_only) DO UPDATE
   SET worker_id = excluded.worker_id, expires_at = excluded.expires_at
 WHERE job_leader.worker_id IS NULL OR job_leader.worker_id = excluded.worker_id
    OR job_leader.expires_at <= clock_timestamp() OR job_leader.expires_at > clock_timestamp() + %(lease)s::interval
RETURNING is_only

-- name: promote
-- What somebody else changes at this moment is left to the next look.
WITH moment AS MATERIALIZED (
    SELECT clock_timestamp() AS at
),
due AS MATERIALIZED (
    SELECT id
      FROM revenge.jobs
     WHERE state IN ('retryable', 'scheduled') AND scheduled_at <= (SELECT at FROM moment)
     ORDER BY scheduled_at
     LIMIT %(limit)s
       FOR NO KEY UPDATE SKIP LOCKED
),
promoted AS (
    UPDATE revenge.jobs SET state = 'available' FROM due WHERE jobs.id = due.id RETURNING jobs.queue
)
SELECT (SELECT count(*) FROM promoted) AS count,
       ARRAY(SELECT DISTINCT queue FROM promoted) AS queues,
       (
           SELECT min(scheduled_at)
             FROM revenge.jobs
            WHERE state IN ('retryable', 'scheduled') AND scheduled_at > (SELECT at FROM moment)
       ) - moment.at AS next_in
  FROM moment

-- name: keep_leases
INSERT INTO revenge.job_leader DEFAULT VALUES ON CONFLICT (is_only) DO NOTHING

-- name: are_leases_told
-- Whether leases have been kept, and the server has been there to renew them, for as long as one lasts.
SELECT leases_since + %(lease)s::interval < clock_timestamp()
       AND pg_postmaster_start_time() + %(warm_up)s::interval < clock_timestamp()
  FROM revenge.job_leader

-- name: dismiss
-- The lock decides between this and a beat at the same moment.
WITH silent AS (
    SELECT id
      FROM revenge.job_workers
     WHERE seen_at + %(lease)s::interval < clock_timestamp()
       FOR UPDATE SKIP LOCKED
)
DELETE FROM revenge.job_workers USING silent WHERE job_workers.id = silent.id RETURNING job_workers.id

-- name: lost
-- Running where the lease was taken away just now; or where there is none, for longer than it takes to get one; or
-- far beyond the timeout.
SELECT jobs.id, jobs.run, jobs.attempt, jobs.max_attempts, jobs.cancel_requested_at IS NOT NULL AS is_unwanted,
       job_workers.id IS NULL AS has_no_worker,
       (
           SELECT count(*)
             FROM jsonb_array_elements(jobs.errors) AS failure
            WHERE starts_with(failure ->> 'error', %(loss)s)
       ) AS losses
  FROM revenge.jobs
  LEFT JOIN revenge.job_workers ON job_workers.id = jobs.attempted_by
 WHERE jobs.state = 'running'
   AND (
           jobs.attempted_by = ANY (%(dismissed)s::text::text[])
        OR job_workers.id IS NULL AND jobs.attempted_at + %(lease)s::interval < clock_timestamp()
        OR jobs.attempted_at + make_interval(secs => jobs.timeout) + %(grace)s::interval < clock_timestamp()
       )
 ORDER BY jobs.id
   FOR NO KEY UPDATE OF jobs SKIP LOCKED

-- name: old
SELECT finished.id
  FROM unnest(
           '{cancelled,completed,discarded}'::text[],
           ARRAY[%(keep_cancelled)s, %(keep_completed)s, %(keep_discarded)s]::interval[]
       ) AS kept (state, time),
       LATERAL (
           SELECT id, finalized_at
             FROM revenge.jobs
            WHERE state = kept.state AND finalized_at IS NOT NULL
              AND finalized_at < (SELECT clock_timestamp()) - kept.time
            ORDER BY finalized_at
            LIMIT %(limit)s
              FOR UPDATE SKIP LOCKED
       ) AS finished
 ORDER BY finished.finalized_at
 LIMIT %(limit)s

-- name: clean_items
DELETE FROM revenge.job_items
 USING (
           SELECT job_id, item
             FROM revenge.job_items
            WHERE job_id = ANY (%(ids)s::text::bigint[])
            LIMIT %(limit)s
       ) AS old
 WHERE job_items.job_id = old.job_id AND job_items.item = old.item

-- name: clean
DELETE FROM revenge.jobs WHERE id = ANY (%(ids)s::text::bigint[])

-- name: forget_schedules
DELETE FROM revenge.job_schedules WHERE declared_at + %(kept)s::interval < clock_timestamp()
