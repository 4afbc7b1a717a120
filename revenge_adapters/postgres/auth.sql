-- name: put_credential
INSERT INTO revenge.credentials (user_id, password_hash, changed_at)
VALUES (%(user_id)s, %(password_hash)s, %(changed_at)s)
ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, changed_at = excluded.changed_at

-- name: by_login
SELECT id, username, username_key, email, email_key, display_name, avatar_url, locale, timezone, qar_enabled, is_active,
       email_verified, epoch, created_at, updated_at, last_login_at, deleted_at, pending_email, version, purge_at, may_return,
       user_id, password_hash, changed_at
  FROM revenge.users
  JOIN revenge.credentials ON credentials.user_id = users.id
 WHERE (username_key = %(login_key)s OR email_key = %(login_key)s) AND (deleted_at IS NULL OR may_return)
 ORDER BY username_key = %(login_key)s DESC
 LIMIT 1

-- name: of_user
SELECT id, username, username_key, email, email_key, display_name, avatar_url, locale, timezone, qar_enabled, is_active,
       email_verified, epoch, created_at, updated_at, last_login_at, deleted_at, pending_email, version, purge_at, may_return,
       user_id, password_hash, changed_at
  FROM revenge.users
  JOIN revenge.credentials ON credentials.user_id = users.id
 WHERE id = %(user_id)s AND deleted_at IS NULL

-- name: principals
SELECT sessions.id, sessions.user_id, device_id, sessions.epoch, client_type, device_name, user_agent, address, methods,
       level, authenticated_at, sessions.created_at, last_activity_at, idle_expires_at, expires_at, ended_at,
       end_reason,
       users.epoch AS user_epoch,
       users.is_active AND users.deleted_at IS NULL AS user_active,
       ARRAY(SELECT DISTINCT role FROM revenge.held_roles WHERE held_roles.user_id = sessions.user_id) AS roles,
       ARRAY(SELECT DISTINCT group_id FROM revenge.group_members
              WHERE group_members.user_id = sessions.user_id) AS groups
  FROM revenge.sessions
  JOIN revenge.users ON users.id = sessions.user_id
 WHERE sessions.id = ANY(%(session_ids)s::text::uuid[])

-- name: lock_signing_keys
LOCK TABLE revenge.signing_keys IN SHARE ROW EXCLUSIVE MODE

-- name: signing_keys
SELECT kid, wrapped, secret_check, created_at, retired_at FROM revenge.signing_keys ORDER BY created_at, kid

-- name: add_signing_key
WITH retired AS (
    UPDATE revenge.signing_keys SET retired_at = %(created_at)s WHERE retired_at IS NULL
)
INSERT INTO revenge.signing_keys (kid, wrapped, secret_check, created_at, retired_at)
VALUES (%(kid)s, %(wrapped)s, %(secret_check)s, %(created_at)s, %(retired_at)s)

-- name: forget_retired_signing_keys
DELETE FROM revenge.signing_keys WHERE retired_at < %(before)s
