-- name: put
INSERT INTO revenge.exports (user_id, id, state, requested_at, finished_at, expires_at, key, size)
VALUES (
    %(user_id)s, %(id)s, %(state)s, %(requested_at)s, %(finished_at)s, %(expires_at)s, %(key)s, %(size)s
)
ON CONFLICT (user_id) DO UPDATE
   SET id = excluded.id, state = excluded.state, requested_at = excluded.requested_at,
       finished_at = excluded.finished_at, expires_at = excluded.expires_at, key = excluded.key, size = excluded.size

-- name: of_user
SELECT user_id, id, state, requested_at, finished_at, expires_at, key, size
  FROM revenge.exports
 WHERE user_id = %(user_id)s

-- name: lock
SELECT user_id, id, state, requested_at, finished_at, expires_at, key, size
  FROM revenge.exports
 WHERE id = %(id)s
   FOR NO KEY UPDATE

-- name: due
SELECT user_id, id, state, requested_at, finished_at, expires_at, key, size
  FROM revenge.exports
 WHERE key IS NOT NULL AND expires_at <= %(by)s
 ORDER BY expires_at, id
 LIMIT %(limit)s

-- name: grants
SELECT user_id, role, source, granted_at, granted_by
  FROM revenge.user_roles
 WHERE user_id = %(user_id)s
 ORDER BY role

-- name: avatar
-- As JSON: to PostgreSQL all of its columns may be null, which this condition alone rules out.
SELECT to_jsonb(avatars)::text FROM revenge.user_avatars AS avatars WHERE user_id = %(user_id)s AND id IS NOT NULL

-- name: sessions
SELECT id, user_id, device_id, epoch, client_type, device_name, user_agent, address, methods, level, authenticated_at,
       created_at, last_activity_at, idle_expires_at, expires_at, ended_at, end_reason
  FROM revenge.sessions
 WHERE user_id = %(user_id)s AND id > %(after)s
 ORDER BY id
 LIMIT %(limit)s

-- name: devices
SELECT id, user_id, fingerprint, client_type, name, platform, last_address, created_at, last_seen_at
  FROM revenge.session_devices
 WHERE user_id = %(user_id)s AND id > %(after)s
 ORDER BY id
 LIMIT %(limit)s

-- name: api_keys
SELECT id, user_id, name, description, prefix, scopes, permissions, libraries, addresses, rate_limit, recording,
       expires_at, previous_until, last_used_at, last_used_address, created_at, updated_at, revoked_at, version
  FROM revenge.api_keys
 WHERE user_id = %(user_id)s AND id > %(after)s
 ORDER BY id
 LIMIT %(limit)s

-- name: invitations
SELECT id, token_hash, role, libraries, uses, used, email, note, created_by, created_at, expires_at, revoked_at
  FROM revenge.invitations
 WHERE created_by = %(user_id)s AND id > %(after)s
 ORDER BY id
 LIMIT %(limit)s
