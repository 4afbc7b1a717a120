-- name: draw
-- Ids for a batch, in its order, and the moment at which it is enqueued.
SELECT drawn.ids, clock_timestamp() AS now
  FROM (
           SELECT array_agg(nextval('revenge.jobs_id_seq')) AS ids
             FROM generate_series(1, %(count)s)
       ) AS drawn

-- name: add
-- By key, so that two batches with the same jobs in another order never wait for each other.
INSERT INTO revenge.jobs (
    id, kind, queue, priority, max_attempts, timeout, args, metadata, tags, unique_key, unique_states, created_at, state,
    scheduled_at
)
SELECT id, kind, queue, priority, max_attempts, timeout, args, metadata, tags, unique_key, unique_states,
       %(now)s, state, scheduled_at
  FROM json_to_recordset(%(jobs)s::json) AS job (
           id bigint, kind text, queue text, priority smallint, max_attempts smallint, timeout real, args jsonb,
           metadata jsonb, tags text[], unique_key bytea, unique_states text[], state text, scheduled_at timestamptz
       )
 ORDER BY unique_key, id
ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND state = ANY (unique_states) DO NOTHING
RETURNING id

-- name: copy
COPY revenge.jobs (
    id, kind, queue, priority, max_attempts, timeout, args, metadata, tags, created_at, state, scheduled_at
) FROM STDIN

-- name: standing
-- The jobs that keep others with these keys out.
SELECT jobs.id, given.unique_key
  FROM unnest(%(unique_keys)s::text::bytea[]) AS given (unique_key)
  JOIN revenge.jobs ON jobs.unique_key = given.unique_key
 WHERE jobs.unique_key IS NOT NULL AND jobs.state = ANY (jobs.unique_states)
