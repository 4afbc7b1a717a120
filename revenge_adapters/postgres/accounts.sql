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
