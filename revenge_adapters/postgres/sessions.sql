-- name: add
INSERT INTO revenge.sessions (
    id, user_id, device_id, epoch, client_type, device_name, user_agent, address, methods, level, authenticated_at,
    created_at, last_activity_at, idle_expires_at, expires_at, ended_at, end_reason
) VALUES (
    %(id)s, %(user_id)s, %(device_id)s, %(epoch)s, %(client_type)s, %(device_name)s, %(user_agent)s, %(address)s,
    %(methods)s, %(level)s, %(authenticated_at)s, %(created_at)s, %(last_activity_at)s, %(idle_expires_at)s,
    %(expires_at)s, %(ended_at)s, %(end_reason)s
)

-- name: by_id
SELECT id, user_id, device_id, epoch, client_type, device_name, user_agent, address, methods, level, authenticated_at,
       created_at, last_activity_at, idle_expires_at, expires_at, ended_at, end_reason
  FROM revenge.sessions
 WHERE id = %(id)s

-- name: end
UPDATE revenge.sessions
   SET ended_at = %(at)s, end_reason = %(reason)s
 WHERE id = %(id)s AND ended_at IS NULL

-- name: end_all_of
-- Whoever locks several sessions does it by id, so that two never wait for each other; the one that is kept is locked
-- with them, since who keeps it is about to change it.
WITH open AS (
    SELECT id
      FROM revenge.sessions
     WHERE user_id = %(user_id)s AND ended_at IS NULL
     ORDER BY id
       FOR NO KEY UPDATE
),
ended AS (
    UPDATE revenge.sessions
       SET ended_at = %(at)s, end_reason = %(reason)s
      FROM open
     WHERE sessions.id = open.id AND sessions.id IS DISTINCT FROM %(keep)s::uuid
    RETURNING sessions.id
)
SELECT id FROM ended ORDER BY id

-- name: end_oldest_beyond
-- By arrays, not joins: as a rule there is no surplus, and then nothing more is looked up, whatever the planner expects.
WITH surplus AS MATERIALIZED (
    SELECT id
      FROM revenge.sessions
     WHERE user_id = %(user_id)s AND ended_at IS NULL AND idle_expires_at > %(at)s AND expires_at > %(at)s
     ORDER BY created_at DESC, id DESC
    OFFSET %(limit)s
),
locked AS MATERIALIZED (
    SELECT id
      FROM revenge.sessions
     WHERE id = ANY(ARRAY(SELECT id FROM surplus)) AND ended_at IS NULL
     ORDER BY id
       FOR NO KEY UPDATE
),
ended AS (
    UPDATE revenge.sessions
       SET ended_at = %(at)s, end_reason = %(reason)s
     WHERE id = ANY(ARRAY(SELECT id FROM locked))
    RETURNING id, created_at
)
SELECT id FROM ended ORDER BY created_at, id

-- name: end_expired
-- What others hold is left to the next time, here and below: nobody waits, so no order of locks is needed.
WITH over AS (
    SELECT id,
           least(idle_expires_at, expires_at) AS at,
           CASE WHEN idle_expires_at < expires_at THEN %(idle)s ELSE %(expired)s END AS reason
      FROM revenge.sessions
     WHERE ended_at IS NULL AND least(idle_expires_at, expires_at) <= %(by)s
     LIMIT %(limit)s
       FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE revenge.sessions
   SET ended_at = over.at, end_reason = over.reason
  FROM over
 WHERE sessions.id = over.id
RETURNING over.reason

-- name: lock_ended
SELECT id
  FROM revenge.sessions
 WHERE ended_at < %(before)s
 ORDER BY ended_at
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED

-- name: forget_tokens_of
DELETE FROM revenge.refresh_tokens
 WHERE token_hash IN (
       SELECT token_hash
         FROM revenge.refresh_tokens
        WHERE session_id = ANY(%(ids)s::text::uuid[])
        LIMIT %(limit)s
 )

-- name: note_last_use
WITH use AS (
    SELECT device_id, max(last_activity_at) AS at
      FROM revenge.sessions
     WHERE id = ANY(%(ids)s::text::uuid[])
     GROUP BY device_id
),
known AS (
    SELECT session_devices.id, use.at
      FROM revenge.session_devices
      JOIN use ON use.device_id = session_devices.id
     WHERE session_devices.last_seen_at < use.at
     ORDER BY session_devices.id
       FOR NO KEY UPDATE OF session_devices
)
UPDATE revenge.session_devices
   SET last_seen_at = greatest(last_seen_at, known.at)
  FROM known
 WHERE session_devices.id = known.id

-- name: forget
DELETE FROM revenge.sessions WHERE id = ANY(%(ids)s::text::uuid[])

-- name: restamp
UPDATE revenge.sessions SET epoch = %(epoch)s WHERE id = %(id)s

-- name: mark_proven
UPDATE revenge.sessions SET authenticated_at = %(at)s WHERE id = %(id)s AND ended_at IS NULL

-- name: slide
UPDATE revenge.sessions
   SET last_activity_at = greatest(last_activity_at, %(at)s),
       idle_expires_at = least(greatest(idle_expires_at, %(idle_expires_at)s), expires_at)
 WHERE id = %(id)s

-- name: mark_seen
WITH sighting AS (
    SELECT session_id, max(at) AS at,
           (array_agg(address ORDER BY at DESC) FILTER (WHERE address IS NOT NULL))[1] AS address
      FROM unnest(%(session_ids)s::uuid[], %(times)s::timestamptz[], %(addresses)s::text[])
           AS seen (session_id, at, address)
     GROUP BY session_id
),
known AS (
    SELECT sessions.id
      FROM revenge.sessions
     WHERE sessions.id IN (SELECT session_id FROM sighting)
     ORDER BY sessions.id
       FOR NO KEY UPDATE
)
UPDATE revenge.sessions
   SET last_activity_at = greatest(last_activity_at, sighting.at),
       idle_expires_at = least(
           idle_expires_at + greatest(sighting.at - last_activity_at, interval '0'), expires_at
       ),
       address = coalesce(sighting.address, sessions.address)
  FROM known
  JOIN sighting ON sighting.session_id = known.id
 WHERE sessions.id = known.id
   AND sessions.ended_at IS NULL AND sessions.idle_expires_at > sighting.at AND sessions.expires_at > sighting.at

-- name: put_device
-- What was before is what this statement saw when it began, as all of its parts do. Without `coalesce` PostgreSQL says
-- that the column is never null, as in its table.
WITH kept AS (
    INSERT INTO revenge.session_devices (
        id, user_id, fingerprint, client_type, name, platform, last_address, created_at, last_seen_at
    ) VALUES (
        %(id)s, %(user_id)s, %(fingerprint)s, %(client_type)s, %(name)s, %(platform)s, %(last_address)s,
        %(created_at)s, %(last_seen_at)s
    )
    ON CONFLICT ON CONSTRAINT session_devices_fingerprint_unique DO UPDATE
       SET last_address = excluded.last_address, last_seen_at = excluded.last_seen_at
    RETURNING id, user_id, fingerprint, client_type, name, platform, last_address, created_at, last_seen_at
)
SELECT kept.id, kept.user_id, kept.fingerprint, kept.client_type, kept.name, kept.platform, kept.last_address,
       kept.created_at, kept.last_seen_at,
       coalesce(before.last_seen_at) AS seen_before, before.last_address AS address_before,
       (SELECT count(*)
          FROM revenge.sessions
         WHERE sessions.user_id = %(user_id)s AND ended_at IS NULL
           AND idle_expires_at > %(last_seen_at)s AND expires_at > %(last_seen_at)s) AS live_sessions
  FROM kept
  LEFT JOIN revenge.session_devices AS before
    ON before.user_id = %(user_id)s AND before.fingerprint = %(fingerprint)s

-- name: end_all_on
WITH open AS (
    SELECT id
      FROM revenge.sessions
     WHERE user_id = %(user_id)s AND device_id = %(device_id)s AND ended_at IS NULL
     ORDER BY id
       FOR NO KEY UPDATE
),
ended AS (
    UPDATE revenge.sessions
       SET ended_at = %(at)s, end_reason = %(reason)s
      FROM open
     WHERE sessions.id = open.id
    RETURNING sessions.id
)
SELECT id FROM ended ORDER BY id

-- name: forget_devices
DELETE FROM revenge.session_devices
 WHERE id IN (
       SELECT id
         FROM revenge.session_devices AS device
        WHERE last_seen_at < %(unseen_since)s
          AND NOT EXISTS (SELECT FROM revenge.sessions WHERE sessions.device_id = device.id)
        LIMIT %(limit)s
          FOR UPDATE SKIP LOCKED
 )

-- name: live_of
SELECT sessions.id, user_id, device_id, sessions.epoch, client_type, device_name, user_agent, address, methods, level,
       authenticated_at, sessions.created_at, last_activity_at, idle_expires_at, expires_at, ended_at, end_reason
  FROM revenge.sessions
  JOIN revenge.users ON users.id = sessions.user_id AND users.epoch = sessions.epoch
 WHERE sessions.user_id = %(user_id)s AND ended_at IS NULL AND idle_expires_at > %(now)s AND expires_at > %(now)s
 ORDER BY last_activity_at DESC, sessions.id DESC

-- name: add_refresh_token
INSERT INTO revenge.refresh_tokens (token_hash, session_id, issued_at, rotated_at, child_hash, child_salt)
VALUES (%(token_hash)s, %(session_id)s, %(issued_at)s, %(rotated_at)s, %(child_hash)s, %(child_salt)s)

-- name: lock_session_of
SELECT sessions.id
  FROM revenge.sessions
 WHERE sessions.id = (SELECT session_id FROM revenge.refresh_tokens WHERE token_hash = %(token_hash)s)
   FOR NO KEY UPDATE

-- name: family
-- Read in a statement of its own: one that waits for a lock goes on with the joined rows it saw before.
SELECT token.token_hash, token.session_id, token.issued_at, token.rotated_at, token.child_hash, token.child_salt,
       child.rotated_at IS NOT NULL AS child_used,
       sessions.id, sessions.user_id, sessions.device_id, sessions.epoch, sessions.client_type, sessions.device_name,
       sessions.user_agent, sessions.address, sessions.methods, sessions.level, sessions.authenticated_at,
       sessions.created_at, sessions.last_activity_at, sessions.idle_expires_at, sessions.expires_at, sessions.ended_at,
       sessions.end_reason,
       users.epoch AS user_epoch,
       users.is_active AND users.deleted_at IS NULL AS user_active,
       users.username, users.email, users.email_verified
  FROM revenge.refresh_tokens AS token
  JOIN revenge.sessions ON sessions.id = token.session_id
  JOIN revenge.users ON users.id = sessions.user_id
  LEFT JOIN revenge.refresh_tokens AS child ON child.token_hash = token.child_hash
 WHERE token.token_hash = %(token_hash)s

-- name: rotate
WITH child AS (
    INSERT INTO revenge.refresh_tokens (token_hash, session_id, issued_at, rotated_at, child_hash, child_salt)
    VALUES (%(child_hash)s, %(session_id)s, %(issued_at)s, NULL, NULL, NULL)
),
parent AS (
    UPDATE revenge.refresh_tokens SET child_salt = NULL WHERE child_hash = %(token_hash)s
)
UPDATE revenge.refresh_tokens
   SET rotated_at = %(at)s, child_hash = %(child_hash)s, child_salt = %(child_salt)s
 WHERE token_hash = %(token_hash)s

-- name: erase_salts
UPDATE revenge.refresh_tokens
   SET child_salt = NULL
 WHERE token_hash IN (
       SELECT token_hash
         FROM revenge.refresh_tokens
        WHERE child_salt IS NOT NULL AND rotated_at < %(rotated_before)s
        ORDER BY token_hash
          FOR NO KEY UPDATE SKIP LOCKED
 )
