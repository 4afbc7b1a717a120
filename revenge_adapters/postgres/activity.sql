-- name: add
INSERT INTO revenge.activity (
    id, created_at, actor_kind, actor_id, session_id, key_id, on_behalf_of, action, outcome, reason, resource_type,
    resource_id, resource_key, changes, address, user_agent, request_id, salt
) VALUES (
    %(id)s, %(created_at)s, %(actor_kind)s, %(actor_id)s, %(session_id)s, %(key_id)s, %(on_behalf_of)s, %(action)s,
    %(outcome)s, %(reason)s, %(resource_type)s, %(resource_id)s, %(resource_key)s, %(changes)s::jsonb, %(address)s,
    %(user_agent)s, %(request_id)s, %(salt)s
)

-- name: written_at
SELECT created_at FROM revenge.activity WHERE id = %(id)s

-- name: newest
-- The first condition is there for the planner: it leaves out later partitions, which a comparison of rows does not.
SELECT id, created_at, actor_kind, actor_id, session_id, key_id, on_behalf_of, action, outcome, reason, resource_type,
       resource_id, resource_key, changes, address, user_agent, request_id, salt
  FROM revenge.activity
 WHERE created_at <= %(at)s AND (created_at, id) < (%(at)s, %(before)s)
 ORDER BY created_at DESC, id DESC
 LIMIT %(limit)s

-- name: newest_of_actor
SELECT id, created_at, actor_kind, actor_id, session_id, key_id, on_behalf_of, action, outcome, reason, resource_type,
       resource_id, resource_key, changes, address, user_agent, request_id, salt
  FROM revenge.activity
 WHERE actor_id = %(actor_id)s AND created_at <= %(at)s AND (created_at, id) < (%(at)s, %(before)s)
 ORDER BY created_at DESC, id DESC
 LIMIT %(limit)s

-- name: make_partitions
SELECT revenge.activity_make_partitions(%(since)s, %(upto)s)
