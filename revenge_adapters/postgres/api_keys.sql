-- name: add
INSERT INTO revenge.api_keys (
    id, user_id, name, description, key_hash, prefix, previous_hash, previous_until, scopes, permissions, libraries,
    addresses, rate_limit, recording, expires_at, reminded_at, last_used_at, last_used_address, created_at, updated_at,
    revoked_at, version
) VALUES (
    %(id)s, %(user_id)s, %(name)s, %(description)s, %(digest)s, %(prefix)s, NULL, NULL, %(scopes)s, %(permissions)s,
    %(libraries)s, %(addresses)s, %(rate_limit)s, %(recording)s, %(expires_at)s, NULL, %(last_used_at)s,
    %(last_used_address)s, %(created_at)s, %(updated_at)s, %(revoked_at)s, %(version)s
)

-- name: lock
SELECT id, user_id, name, description, prefix, scopes, permissions, libraries, addresses, rate_limit, recording,
       expires_at, previous_until, last_used_at, last_used_address, created_at, updated_at, revoked_at, version
  FROM revenge.api_keys
 WHERE id = %(id)s
   FOR NO KEY UPDATE

-- name: by_id
SELECT id, user_id, name, description, prefix, scopes, permissions, libraries, addresses, rate_limit, recording,
       expires_at, previous_until, last_used_at, last_used_address, created_at, updated_at, revoked_at, version
  FROM revenge.api_keys
 WHERE id = %(id)s

-- name: of_user
SELECT id, user_id, name, description, prefix, scopes, permissions, libraries, addresses, rate_limit, recording,
       expires_at, previous_until, last_used_at, last_used_address, created_at, updated_at, revoked_at, version
  FROM revenge.api_keys
 WHERE user_id = %(user_id)s
   AND (%(live_at)s::timestamptz IS NULL
        OR revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(live_at)s::timestamptz))
 ORDER BY created_at DESC, id DESC
 LIMIT 1000

-- name: update
UPDATE revenge.api_keys
   SET name = %(name)s, description = %(description)s, scopes = %(scopes)s, permissions = %(permissions)s,
       libraries = %(libraries)s, addresses = %(addresses)s, rate_limit = %(rate_limit)s, recording = %(recording)s,
       expires_at = %(expires_at)s, updated_at = %(updated_at)s, revoked_at = %(revoked_at)s, version = %(version)s
 WHERE id = %(id)s

-- name: rotate
UPDATE revenge.api_keys
   SET key_hash = %(digest)s, prefix = %(prefix)s,
       previous_hash = CASE WHEN %(previous_until)s::timestamptz IS NOT NULL THEN key_hash END,
       previous_until = %(previous_until)s, version = %(version)s, updated_at = %(updated_at)s
 WHERE id = %(id)s

-- name: mark_seen
WITH sighting AS (
    SELECT key_id, at, address
      FROM unnest(%(key_ids)s::uuid[], %(times)s::timestamptz[], %(addresses)s::text[]) AS seen (key_id, at, address)
),
known AS (
    SELECT api_keys.id
      FROM revenge.api_keys
     WHERE api_keys.id IN (SELECT key_id FROM sighting)
     ORDER BY api_keys.id
       FOR NO KEY UPDATE
)
UPDATE revenge.api_keys
   SET last_used_at = sighting.at, last_used_address = coalesce(sighting.address, last_used_address)
  FROM known
  JOIN sighting ON sighting.key_id = known.id
 WHERE api_keys.id = known.id AND (last_used_at IS NULL OR last_used_at <= sighting.at)

-- name: add_uses
-- Their keys are held, so that none goes meanwhile, and in order, so that two who write never wait for each other.
WITH used AS (
    SELECT key_id, right_used, first_at, last_at, uses
      FROM unnest(
               %(key_ids)s::uuid[], %(rights)s::text[], %(first)s::timestamptz[], %(last)s::timestamptz[],
               %(uses)s::bigint[]
           ) AS given (key_id, right_used, first_at, last_at, uses)
),
known AS (
    SELECT api_keys.id
      FROM revenge.api_keys
     WHERE api_keys.id IN (SELECT key_id FROM used)
     ORDER BY api_keys.id
       FOR KEY SHARE
)
INSERT INTO revenge.api_key_uses AS recorded (key_id, permission, first_used_at, last_used_at, uses)
SELECT used.key_id, used.right_used, used.first_at, used.last_at, used.uses
  FROM used
  JOIN known ON known.id = used.key_id
 ORDER BY used.key_id, used.right_used
ON CONFLICT (key_id, permission) DO UPDATE
   SET first_used_at = least(recorded.first_used_at, excluded.first_used_at),
       last_used_at = greatest(recorded.last_used_at, excluded.last_used_at),
       uses = recorded.uses + excluded.uses

-- name: forget_uses
DELETE FROM revenge.api_key_uses WHERE key_id = %(key_id)s

-- name: uses_of
SELECT permission AS right, first_used_at, last_used_at, uses
  FROM revenge.api_key_uses
 WHERE key_id = %(key_id)s
 ORDER BY permission

-- name: expiring
SELECT api_keys.id, user_id, name, description, prefix, scopes, permissions, libraries, addresses, rate_limit,
       recording, expires_at, previous_until, last_used_at, last_used_address, api_keys.created_at,
       api_keys.updated_at, revoked_at, api_keys.version,
       users.username, users.email, users.email_verified, users.timezone
  FROM revenge.api_keys
  JOIN revenge.users ON users.id = api_keys.user_id
 WHERE revoked_at IS NULL AND expires_at > %(now)s AND expires_at <= %(by)s AND reminded_at IS NULL
   AND expires_at - api_keys.created_at > %(ahead)s
   AND users.is_active AND users.deleted_at IS NULL
 ORDER BY expires_at, api_keys.id
 LIMIT %(limit)s
   FOR NO KEY UPDATE OF api_keys SKIP LOCKED

-- name: mark_reminded
UPDATE revenge.api_keys SET reminded_at = %(at)s WHERE id = ANY(%(ids)s::text::uuid[])

-- name: forget_over
DELETE FROM revenge.api_keys
 WHERE id IN (
       SELECT id
         FROM revenge.api_keys
        WHERE least(revoked_at, expires_at) < %(before)s
        LIMIT %(limit)s
          FOR UPDATE SKIP LOCKED
 )

-- name: principals
-- Two lookups by index; a condition with OR would be one look at all rows.
WITH presented AS (
    SELECT id AS key_id, key_hash AS digest, NULL::timestamptz AS until
      FROM revenge.api_keys
     WHERE key_hash = ANY(%(digests)s::bytea[])
    UNION ALL
    SELECT id, previous_hash, previous_until
      FROM revenge.api_keys
     WHERE previous_hash = ANY(%(digests)s::bytea[])
)
SELECT presented.digest, least(api_keys.expires_at, presented.until) AS good_until,
       api_keys.id, user_id, name, description, prefix, scopes, permissions, libraries, addresses, rate_limit,
       recording, expires_at, previous_until, last_used_at, last_used_address, api_keys.created_at,
       api_keys.updated_at, revoked_at, api_keys.version,
       users.is_active AND users.deleted_at IS NULL AS user_active,
       ARRAY(SELECT DISTINCT role FROM revenge.held_roles WHERE held_roles.user_id = api_keys.user_id) AS roles,
       ARRAY(SELECT DISTINCT group_id FROM revenge.group_members
              WHERE group_members.user_id = api_keys.user_id) AS groups
  FROM presented
  JOIN revenge.api_keys ON api_keys.id = presented.key_id
  JOIN revenge.users ON users.id = api_keys.user_id
