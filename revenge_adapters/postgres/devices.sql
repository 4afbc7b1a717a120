-- name: lock_device
SELECT id
  FROM revenge.session_devices
 WHERE id = %(device_id)s AND user_id = %(user_id)s
   FOR NO KEY UPDATE

-- name: use_token
-- The device is locked before its token, as by whoever forgets it: a token that is void by then is not found.
WITH device AS (
    SELECT session_devices.id, session_devices.user_id, fingerprint, client_type, name, platform, last_address,
           session_devices.created_at, last_seen_at
      FROM revenge.session_devices
     WHERE session_devices.id = (
           SELECT device_id
             FROM revenge.device_tokens
            WHERE token_hash = %(token_hash)s AND device_tokens.user_id = %(user_id)s
     )
       FOR NO KEY UPDATE
)
UPDATE revenge.device_tokens
   SET last_used_at = %(at)s
  FROM device
 WHERE token_hash = %(token_hash)s
RETURNING device.id, device.user_id, device.fingerprint, device.client_type, device.name, device.platform,
          device.last_address, device.created_at, device.last_seen_at

-- name: add_token
INSERT INTO revenge.device_tokens (token_hash, device_id, user_id, issued_at, last_used_at)
VALUES (%(token_hash)s, %(device_id)s, %(user_id)s, %(issued_at)s, %(last_used_at)s)

-- name: drop_surplus_tokens
DELETE FROM revenge.device_tokens
 WHERE token_hash IN (
       SELECT token_hash
         FROM revenge.device_tokens
        WHERE device_id = %(device_id)s
        ORDER BY issued_at DESC, token_hash DESC
       OFFSET %(keep)s
 )

-- name: void_tokens
DELETE FROM revenge.device_tokens
 WHERE user_id = %(user_id)s AND (%(device_id)s::uuid IS NULL OR device_id = %(device_id)s)

-- name: of_user
SELECT device.id, device.user_id, device.fingerprint, device.client_type, device.name, device.platform,
       device.last_address, device.created_at, device.last_seen_at,
       EXISTS (SELECT FROM revenge.device_tokens WHERE device_tokens.device_id = device.id) AS is_known,
       EXISTS (
           SELECT FROM revenge.sessions WHERE sessions.id = %(current)s::uuid AND sessions.device_id = device.id
       ) AS is_current
  FROM revenge.session_devices AS device
 WHERE device.user_id = %(user_id)s
 ORDER BY device.last_seen_at DESC, device.id DESC

-- name: known
SELECT device_id FROM revenge.device_tokens WHERE token_hash = %(token_hash)s AND user_id = %(user_id)s
