-- name: complete
-- As `finish`, at half the cost, where nothing else is to be stored.
-- Both tell the planner how many jobs there are (LIMIT), and stay off the index jobs_running (IS NOT DISTINCT FROM): each
-- run leaves an entry in it, which nobody may remove while an old transaction is open. Both pass over what somebody else
-- has locked, be it for minutes, and say so: all others would have to wait for that, too.
WITH ended AS NOT MATERIALIZED (
    SELECT id, run
      FROM unnest(%(ids)s::text::bigint[], %(runs)s::text::integer[]) AS given (id, run)
     LIMIT %(count)s
),
held AS MATERIALIZED (
    SELECT jobs.id
      FROM ended
      JOIN revenge.jobs ON jobs.id = ended.id AND jobs.run = ended.run AND jobs.state IS NOT DISTINCT FROM 'running'
     ORDER BY jobs.id
       FOR NO KEY UPDATE OF jobs SKIP LOCKED
),
stored AS (
    UPDATE revenge.jobs
       SET state = 'completed', finalized_at = clock_timestamp()
      FROM held
     WHERE jobs.id = held.id
    RETURNING jobs.id, jobs.run
)
SELECT coalesce(json_agg(json_build_object('id', id, 'run', run)), '[]')::text AS counted,
       '{}'::text[] AS available, false AS scheduled,
       CASE WHEN (SELECT count(*) FROM held) < %(count)s
            THEN (
                SELECT coalesce(json_agg(json_build_object('id', jobs.id, 'run', jobs.run)), '[]')
                  FROM ended
                  JOIN revenge.jobs
                    ON jobs.id = ended.id AND jobs.run = ended.run AND jobs.state IS NOT DISTINCT FROM 'running'
                 WHERE jobs.id NOT IN (SELECT id FROM held)
            )::text
            ELSE '[]'
       END AS locked
  FROM stored

-- name: finish
-- Locked by id, so that nobody who changes several jobs waits for another who does.
WITH ended AS NOT MATERIALIZED (
    SELECT id, run, state, delay, coalesce(refund, false) AS refund, error, trace
      FROM json_to_recordset(%(endings)s::json) AS given (
               id bigint, run integer, state text, delay double precision, refund boolean, error text, trace text
           )
     LIMIT %(count)s
),
held AS MATERIALIZED (
    SELECT jobs.id, ended.state AS asked, coalesce(ended.delay, 0) AS delay, ended.refund, ended.error, ended.trace,
           CASE WHEN ended.state NOT IN ('available', 'retryable', 'scheduled') THEN ended.state
                WHEN jobs.cancel_requested_at IS NOT NULL THEN 'cancelled'
                WHEN ended.delay > 0 THEN ended.state
                ELSE 'available'
           END AS state
      FROM ended
      JOIN revenge.jobs ON jobs.id = ended.id AND jobs.run = ended.run AND jobs.state IS NOT DISTINCT FROM 'running'
     ORDER BY jobs.id
       FOR NO KEY UPDATE OF jobs SKIP LOCKED
),
moment AS MATERIALIZED (
    SELECT clock_timestamp() AS at
),
stored AS (
    UPDATE revenge.jobs
       SET state = held.state,
           attempt = greatest(jobs.attempt - held.refund::integer, 0),
           scheduled_at = CASE WHEN held.asked IN ('retryable', 'scheduled')
                               THEN moment.at + make_interval(secs => held.delay)
                               ELSE jobs.scheduled_at
                          END,
           finalized_at = CASE WHEN held.state IN ('cancelled', 'completed', 'discarded') THEN moment.at END,
           errors = CASE WHEN held.error IS NULL THEN jobs.errors
                         ELSE CASE WHEN jsonb_array_length(jobs.errors) < 50 THEN jobs.errors ELSE jobs.errors - 0 END
                              || jsonb_build_object(
                                     'attempt', jobs.attempt, 'at', moment.at, 'error', held.error,
                                     'trace', held.trace, 'worker', jobs.attempted_by
                                 )
                    END
      FROM held, moment
     WHERE jobs.id = held.id
    RETURNING jobs.id, jobs.run, jobs.queue, jobs.state
)
SELECT coalesce(
           (SELECT json_agg(json_build_object('id', id, 'run', run)) FROM stored), '[]'
       )::text AS counted,
       ARRAY(SELECT DISTINCT queue FROM stored WHERE state = 'available') AS available,
       EXISTS (SELECT FROM stored WHERE state IN ('retryable', 'scheduled')) AS scheduled,
       CASE WHEN (SELECT count(*) FROM held) < %(count)s
            THEN (
                SELECT coalesce(json_agg(json_build_object('id', jobs.id, 'run', jobs.run)), '[]')
                  FROM ended
                  JOIN revenge.jobs
                    ON jobs.id = ended.id AND jobs.run = ended.run AND jobs.state IS NOT DISTINCT FROM 'running'
                 WHERE jobs.id NOT IN (SELECT id FROM held)
            )::text
            ELSE '[]'
       END AS locked
