-- name: add
INSERT INTO revenge.activity (
    id, created_at, actor_kind, actor_id, session_id, key_id, on_behalf_of, action, outcome, reason, resource_type,
    resource_id, resource_key, changes, address, user_agent, request_id, salt
) VALUES (
    %(id)s, %(created_at)s, %(actor_kind)s, %(actor_id)s, %(session_id)s, %(key_id)s, %(on_behalf_of)s, %(action)s,
    %(outcome)s, %(reason)s, %(resource_type)s, %(resource_id)s, %(resource_key)s, %(changes)s::jsonb, %(address)s,
    %(user_agent)s, %(request_id)s, %(salt)s
)

-- name: newest
-- Planned each time: so conditions that nobody made are gone, and partitions outside the times are not touched. Times
-- are compared alone, too, since a comparison of rows rules out no partition.
SELECT id, created_at, actor_kind, actor_id, session_id, key_id, on_behalf_of, action, outcome, reason, resource_type,
       resource_id, resource_key, changes, address, user_agent, request_id, salt,
       (SELECT username FROM revenge.users WHERE users.id = actor_id) AS username
  FROM (SELECT id, created_at, actor_kind, actor_id, session_id, key_id, on_behalf_of, action, outcome, reason,
               resource_type, resource_id, resource_key, changes, address, user_agent, request_id, salt
          FROM revenge.activity
         WHERE created_at >= %(since)s AND created_at <= %(until)s
           AND (created_at, id) < (%(until)s, %(before)s)
           AND (%(actor_id)s::uuid IS NULL OR actor_id = %(actor_id)s)
           AND (%(action)s::text IS NULL OR action = %(action)s)
           AND (%(resource_type)s::text IS NULL OR resource_type = %(resource_type)s)
           AND (%(resource_id)s::uuid IS NULL OR resource_id = %(resource_id)s)
           AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
           AND (%(address)s::text IS NULL OR address = %(address)s)
         ORDER BY created_at DESC, id DESC
         LIMIT %(limit)s OFFSET %(skip)s) AS page
 ORDER BY created_at DESC, id DESC

-- name: oldest
SELECT id, created_at, actor_kind, actor_id, session_id, key_id, on_behalf_of, action, outcome, reason, resource_type,
       resource_id, resource_key, changes, address, user_agent, request_id, salt,
       (SELECT username FROM revenge.users WHERE users.id = actor_id) AS username
  FROM (SELECT id, created_at, actor_kind, actor_id, session_id, key_id, on_behalf_of, action, outcome, reason,
               resource_type, resource_id, resource_key, changes, address, user_agent, request_id, salt
          FROM revenge.activity
         WHERE created_at >= %(since)s AND created_at <= %(until)s
           AND (created_at, id) > (%(since)s, %(after)s)
           AND (%(actor_id)s::uuid IS NULL OR actor_id = %(actor_id)s)
           AND (%(action)s::text IS NULL OR action = %(action)s)
           AND (%(resource_type)s::text IS NULL OR resource_type = %(resource_type)s)
           AND (%(resource_id)s::uuid IS NULL OR resource_id = %(resource_id)s)
           AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
           AND (%(address)s::text IS NULL OR address = %(address)s)
         ORDER BY created_at, id
         LIMIT %(limit)s) AS page
 ORDER BY created_at, id

-- name: count_up_to
SELECT count(*)
  FROM (SELECT
          FROM revenge.activity
         WHERE created_at >= %(since)s AND created_at <= %(until)s
           AND (%(actor_id)s::uuid IS NULL OR actor_id = %(actor_id)s)
           AND (%(action)s::text IS NULL OR action = %(action)s)
           AND (%(resource_type)s::text IS NULL OR resource_type = %(resource_type)s)
           AND (%(resource_id)s::uuid IS NULL OR resource_id = %(resource_id)s)
           AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
           AND (%(address)s::text IS NULL OR address = %(address)s)
         LIMIT %(limit)s) AS counted

-- name: estimate
-- What PostgreSQL expects to find, by the statistics of its last ANALYZE.
EXPLAIN (FORMAT JSON)
SELECT
  FROM revenge.activity
 WHERE created_at >= %(since)s AND created_at <= %(until)s
   AND (%(actor_id)s::uuid IS NULL OR actor_id = %(actor_id)s)
   AND (%(action)s::text IS NULL OR action = %(action)s)
   AND (%(resource_type)s::text IS NULL OR resource_type = %(resource_type)s)
   AND (%(resource_id)s::uuid IS NULL OR resource_id = %(resource_id)s)
   AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
   AND (%(address)s::text IS NULL OR address = %(address)s)

-- name: oldest_time
SELECT created_at FROM revenge.activity ORDER BY created_at LIMIT 1

-- name: actions
SELECT action, count(*) AS done, (sum(count(*)) OVER ())::bigint AS looked_at
  FROM (SELECT action
          FROM revenge.activity
         WHERE created_at >= %(since)s
         ORDER BY created_at DESC, id DESC
         LIMIT %(among)s) AS recent
 GROUP BY action
 ORDER BY done DESC, action COLLATE "C"
 LIMIT %(limit)s

-- name: make_partitions
SELECT revenge.activity_make_partitions(%(since)s, %(upto)s)
