-- name: replace_bootstrap_token
INSERT INTO revenge.bootstrap_tokens (token_hash, created_at, expires_at)
VALUES (%(token_hash)s, %(created_at)s, %(expires_at)s)
ON CONFLICT (is_only) DO UPDATE
   SET token_hash = excluded.token_hash, created_at = excluded.created_at, expires_at = excluded.expires_at

-- name: is_bootstrap_token_open
SELECT EXISTS (SELECT FROM revenge.bootstrap_tokens WHERE token_hash = %(token_hash)s AND expires_at > %(at)s)

-- name: consume_bootstrap_token
DELETE FROM revenge.bootstrap_tokens WHERE token_hash = %(token_hash)s AND expires_at > %(at)s

-- name: void_bootstrap_tokens
DELETE FROM revenge.bootstrap_tokens

-- name: forget_expired_bootstrap_tokens
DELETE FROM revenge.bootstrap_tokens WHERE expires_at <= %(at)s

-- name: add_invitation
INSERT INTO revenge.invitations (
    id, token_hash, role, libraries, uses, used, email, note, created_by, created_at, expires_at, revoked_at
) VALUES (
    %(id)s, %(token_hash)s, %(role)s, %(libraries)s, %(uses)s, %(used)s, %(email)s, %(note)s, %(created_by)s,
    %(created_at)s, %(expires_at)s, %(revoked_at)s
)

-- name: peek_invitation
SELECT id, token_hash, role, libraries, uses, used, email, note, created_by, created_at, expires_at, revoked_at
  FROM revenge.invitations
 WHERE token_hash = %(token_hash)s AND used < uses AND revoked_at IS NULL AND expires_at > %(at)s

-- name: consume_invitation
-- Whoever waits for the row looks at it again: so many get in as it has uses, and no more.
UPDATE revenge.invitations
   SET used = used + 1
 WHERE token_hash = %(token_hash)s AND used < uses AND revoked_at IS NULL AND expires_at > %(at)s
RETURNING id, token_hash, role, libraries, uses, used, email, note, created_by, created_at, expires_at, revoked_at

-- name: revoke_invitation
UPDATE revenge.invitations
   SET revoked_at = %(at)s
 WHERE id = %(id)s AND revoked_at IS NULL
RETURNING id, token_hash, role, libraries, uses, used, email, note, created_by, created_at, expires_at, revoked_at

-- name: revoke_invitations_of
UPDATE revenge.invitations SET revoked_at = %(at)s WHERE created_by = %(user_id)s AND revoked_at IS NULL

-- name: forget_invitations
DELETE FROM revenge.invitations
 WHERE id IN (
       SELECT id
         FROM revenge.invitations
        WHERE expires_at < %(before)s OR revoked_at < %(before)s
        LIMIT %(limit)s
          FOR UPDATE SKIP LOCKED
 )

-- name: all_invitations
SELECT id, token_hash, role, libraries, uses, used, email, note, created_by, created_at, expires_at, revoked_at
  FROM revenge.invitations
 ORDER BY created_at DESC, id DESC
 LIMIT %(limit)s OFFSET %(offset)s

-- name: count_invitations
SELECT count(*) FROM revenge.invitations

-- name: invitation_by_id
SELECT id, token_hash, role, libraries, uses, used, email, note, created_by, created_at, expires_at, revoked_at
  FROM revenge.invitations
 WHERE id = %(id)s
