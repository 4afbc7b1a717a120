-- name: newest
-- The answer of this and of others is one JSON document, which holds records inside of records. What others wrote stays
-- text in it, so that none of it can spoil the whole.
SELECT coalesce(json_agg(job ORDER BY job.id DESC), '[]')::text
  FROM (
           SELECT id, kind, queue, priority, state, attempt, max_attempts, created_at, scheduled_at, attempted_at,
                  attempted_by, finalized_at, cancel_requested_at, tags, progress::text
             FROM revenge.jobs
            WHERE (%(states)s::text[] IS NULL OR state = ANY (%(states)s::text[]))
              AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s::text[]))
              AND (%(queues)s::text[] IS NULL OR queue = ANY (%(queues)s::text[]))
              AND (%(priorities)s::bigint[] IS NULL OR priority = ANY (%(priorities)s::bigint[]))
              AND (%(tags)s::text[] IS NULL OR tags @> %(tags)s::text[])
              AND (%(ids)s::bigint[] IS NULL OR id = ANY (%(ids)s::bigint[]))
              AND (%(created_after)s::timestamptz IS NULL OR created_at >= %(created_after)s)
              AND (%(created_before)s::timestamptz IS NULL OR created_at < %(created_before)s)
              AND (
                      %(cancel_requested)s::boolean IS NULL
                   OR (cancel_requested_at IS NOT NULL) = %(cancel_requested)s
                  )
              AND (%(before)s::bigint IS NULL OR id < %(before)s)
            ORDER BY id DESC
            LIMIT %(limit)s
       ) AS job

-- name: count
SELECT count(*)
  FROM (
           SELECT
             FROM revenge.jobs
            WHERE (%(states)s::text[] IS NULL OR state = ANY (%(states)s::text[]))
              AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s::text[]))
              AND (%(queues)s::text[] IS NULL OR queue = ANY (%(queues)s::text[]))
              AND (%(priorities)s::bigint[] IS NULL OR priority = ANY (%(priorities)s::bigint[]))
              AND (%(tags)s::text[] IS NULL OR tags @> %(tags)s::text[])
              AND (%(ids)s::bigint[] IS NULL OR id = ANY (%(ids)s::bigint[]))
              AND (%(created_after)s::timestamptz IS NULL OR created_at >= %(created_after)s)
              AND (%(created_before)s::timestamptz IS NULL OR created_at < %(created_before)s)
              AND (
                      %(cancel_requested)s::boolean IS NULL
                   OR (cancel_requested_at IS NOT NULL) = %(cancel_requested)s
                  )
            LIMIT %(limit)s
       ) AS found

-- name: by_id
-- Without the arguments: they stay in the database unless somebody asks for them.
SELECT json_build_object(
           'id', id, 'kind', kind, 'queue', queue, 'priority', priority, 'state', state, 'attempt', attempt,
           'max_attempts', max_attempts, 'created_at', created_at, 'scheduled_at', scheduled_at,
           'attempted_at', attempted_at, 'attempted_by', attempted_by, 'finalized_at', finalized_at,
           'cancel_requested_at', cancel_requested_at, 'tags', tags, 'progress', progress::text,
           'errors', ARRAY(SELECT jsonb_array_elements(errors)::text), 'metadata', metadata::text, 'timeout', timeout,
           'items', (
               SELECT coalesce(json_object_agg(status, count), '{}')
                 FROM (
                          SELECT status, count(*) AS count
                            FROM revenge.job_items
                           WHERE job_id = jobs.id
                           GROUP BY status
                      ) AS item
           )
       )::text
  FROM revenge.jobs
 WHERE id = %(id)s

-- name: args
SELECT args::text FROM revenge.jobs WHERE id = %(id)s

-- name: items
SELECT item, status, detail, at
  FROM revenge.job_items
 WHERE job_id = %(job_id)s AND (%(after)s::text IS NULL OR item > %(after)s)
 ORDER BY item
 LIMIT %(limit)s

-- name: counts
-- Each part by a partial index of its own. Finished jobs, of which there may be millions, are counted by jobs_kept up to
-- a limit, for one state and queue after the other. Order and comparison of rows make the planner stop there: for two
-- equations it would rather collect all of them first.
WITH RECURSIVE kept AS (
    (
        SELECT state, queue
          FROM revenge.jobs
         WHERE state IN ('cancelled', 'completed', 'discarded')
         ORDER BY state, queue
         LIMIT 1
    )
    UNION ALL
    SELECT following.state, following.queue
      FROM kept,
           LATERAL (
               SELECT state, queue
                 FROM revenge.jobs
                WHERE state IN ('cancelled', 'completed', 'discarded') AND (state, queue) > (kept.state, kept.queue)
                ORDER BY state, queue
                LIMIT 1
           ) AS following
)
SELECT queue, 'available' AS state, count(*) AS count FROM revenge.jobs WHERE state = 'available' GROUP BY queue
UNION ALL
SELECT queue, 'running', count(*) FROM revenge.jobs WHERE state = 'running' GROUP BY queue
UNION ALL
SELECT queue, state, count(*) FROM revenge.jobs WHERE state IN ('retryable', 'scheduled') GROUP BY queue, state
UNION ALL
SELECT kept.queue, kept.state, counted.count
  FROM kept,
       LATERAL (
           SELECT count(*) AS count
             FROM (
                      SELECT
                        FROM revenge.jobs
                       WHERE state IN ('cancelled', 'completed', 'discarded')
                         AND (state, queue) >= (kept.state, kept.queue) AND (state, queue) <= (kept.state, kept.queue)
                       ORDER BY state, queue
                       LIMIT %(limit)s
                  ) AS some_of_them
       ) AS counted

-- name: queues
WITH unfinished AS (
    SELECT queue, 'available' AS state, count(*) AS count FROM revenge.jobs WHERE state = 'available' GROUP BY queue
    UNION ALL
    SELECT queue, 'running', count(*) FROM revenge.jobs WHERE state = 'running' GROUP BY queue
    UNION ALL
    SELECT queue, state, count(*) FROM revenge.jobs WHERE state IN ('retryable', 'scheduled') GROUP BY queue, state
),
known AS (
    SELECT name FROM unnest(%(names)s::text[]) AS name
    UNION
    SELECT queue FROM unfinished
)
SELECT json_agg(
           json_build_object(
               'name', known.name,
               'paused_at', (SELECT paused_at FROM revenge.job_queues WHERE name = known.name),
               'workers', (
                   SELECT coalesce(sum((queues ->> known.name)::integer), 0) FROM revenge.job_workers
               ),
               'counts', (
                   SELECT coalesce(json_object_agg(state, count), '{}') FROM unfinished WHERE queue = known.name
               ),
               'oldest_available_at', (
                   SELECT min(first.scheduled_at)
                     FROM generate_series(1, 4) AS priorities (priority),
                          LATERAL (
                              SELECT scheduled_at
                                FROM revenge.jobs
                               WHERE state = 'available' AND queue = known.name
                                 AND priority = priorities.priority
                               ORDER BY scheduled_at
                               LIMIT 1
                          ) AS first
               )
           )
           ORDER BY known.name COLLATE "C"
       )::text
  FROM known

-- name: workers
SELECT coalesce(
           json_agg(
               json_build_object(
                   'id', id, 'host', host, 'pid', pid, 'version', version, 'queues', queues,
                   'started_at', started_at, 'seen_at', seen_at,
                   'running', (
                       SELECT count(*) FROM revenge.jobs WHERE state = 'running' AND attempted_by = job_workers.id
                   )
               )
               ORDER BY id
           ),
           '[]'
       )::text
  FROM revenge.job_workers

-- name: schedules
SELECT name, kind, queue, every, "offset", missed, next_run_at, last_run_at, last_job_id, paused_at
  FROM revenge.job_schedules
 ORDER BY name
