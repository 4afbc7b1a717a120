-- name: put
INSERT INTO revenge.one_time_tokens (token_hash, purpose, user_id, email, created_at, expires_at)
VALUES (%(token_hash)s, %(purpose)s, %(user_id)s, %(email)s, %(created_at)s, %(expires_at)s)
ON CONFLICT (user_id, purpose) DO UPDATE
   SET token_hash = excluded.token_hash, email = excluded.email,
       created_at = excluded.created_at, expires_at = excluded.expires_at

-- name: find
SELECT token_hash, purpose, user_id, email, created_at, expires_at
  FROM revenge.one_time_tokens
 WHERE token_hash = %(token_hash)s AND purpose = %(purpose)s AND expires_at > %(at)s

-- name: of_user
SELECT token_hash, purpose, user_id, email, created_at, expires_at
  FROM revenge.one_time_tokens
 WHERE user_id = %(user_id)s AND purpose = %(purpose)s

-- name: consume
DELETE FROM revenge.one_time_tokens
 WHERE token_hash = %(token_hash)s AND purpose = %(purpose)s AND expires_at > %(at)s
RETURNING token_hash, purpose, user_id, email, created_at, expires_at

-- name: void
DELETE FROM revenge.one_time_tokens WHERE user_id = %(user_id)s AND purpose = ANY(%(purposes)s::text[])

-- name: forget_expired
-- Those that somebody is about to replace are left out: whoever clears up need not wait for anybody.
DELETE FROM revenge.one_time_tokens
 WHERE token_hash IN (
     SELECT token_hash FROM revenge.one_time_tokens
      WHERE expires_at <= %(by)s
      ORDER BY expires_at
      LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
 )
